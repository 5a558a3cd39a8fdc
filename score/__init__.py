"""How well detectors do: recordings with their truth, events matched, rates with intervals."""


class InputError(Exception):
    """What was given cannot be scored; the text says where and what would be right."""
