"""How well detectors do: recordings with their truth, events matched, rates with intervals."""
