"""How much one sender may ask: a token bucket each. Pure; a flood costs one look into a dict."""

from dataclasses import dataclass

SENDERS = 4096
"""More share one bucket: made-up names must fill no memory."""
REST = ""


@dataclass(slots=True)
class _Bucket:
    left: float
    at_s: float


class Quota:
    """`burst` at once, and `per_s` in the long run, for each sender."""

    def __init__(self, per_s: float, burst: float) -> None:
        self.per_s = per_s
        self.burst = burst
        self._buckets: dict[str, _Bucket] = {}

    def allows(self, sender: str, now_s: float) -> bool:
        """Whether `sender` may have one more at `now_s`; if so it has had it."""
        bucket = self._bucket(sender, now_s)
        grown = bucket.left + (now_s - bucket.at_s) * self.per_s
        bucket.left = min(grown, self.burst)
        bucket.at_s = now_s
        if bucket.left < 1:
            return False
        bucket.left -= 1
        return True

    def _bucket(self, sender: str, now_s: float) -> _Bucket:
        if sender not in self._buckets and len(self._buckets) >= SENDERS:
            sender = REST
        return self._buckets.setdefault(sender, _Bucket(self.burst, now_s))
