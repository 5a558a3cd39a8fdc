"""A clock for tests."""


class ManualClock:
    """A monotonic clock in seconds that only `sleep` moves."""

    def __init__(self, now_s: float = 1000.0) -> None:
        self.now_s = now_s

    def __call__(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        """Let time pass at once."""
        assert seconds >= 0, f"slept for {seconds} s"
        self.now_s += seconds
