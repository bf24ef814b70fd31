"""How much one person may say at once: a bucket that empties by itself."""

from __future__ import annotations

from datetime import timedelta

MOST = 20
PER = timedelta(seconds=10)
_REMEMBERED = 10_000  # people; the bucket of somebody who was quiet for this long is empty anyway


class Flood:
    """Twenty updates in ten seconds for each person; what comes faster is not listened to."""

    def __init__(self, most: int = MOST, per: timedelta = PER) -> None:
        self._room = per.total_seconds()
        self._each = self._room / most
        self._full_until: dict[object, float] = {}

    def lets_in(self, who: object, at: float) -> bool:
        """Whether there is room for one more from them at this second, and if so take it."""
        full_until = max(self._full_until.pop(who, at), at)
        fits = full_until + self._each <= at + self._room + 1e-9
        self._full_until[who] = full_until + self._each if fits else full_until
        if len(self._full_until) > _REMEMBERED:
            del self._full_until[next(iter(self._full_until))]  # who was heard longest ago
        return fits
