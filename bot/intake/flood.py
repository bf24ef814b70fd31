"""How much one person may say at once: a bucket that empties by itself."""

from __future__ import annotations

from datetime import timedelta

MOST = 20
PER = timedelta(seconds=10)
_REMEMBERED = 10_000  # people, and updates; the bucket of somebody who was quiet for this long is empty anyway


class Flood:
    """Twenty updates in ten seconds for each person; what comes faster is not listened to."""

    def __init__(self, most: int = MOST, per: timedelta = PER) -> None:
        self._room = per.total_seconds()
        self._each = self._room / most
        self._full_until: dict[object, float] = {}
        self._heard: dict[int, bool] = {}  # updates, and whether they were let in

    def lets_in(self, who: object, at: float, update_id: int | None = None) -> bool:
        """Whether there is room for one more from them at this second, and if so take it.

        An update that Telegram brings again takes no second place: nobody has said more than before.
        """
        if update_id is None:
            return self._has_room(who, at)
        if update_id not in self._heard:
            self._heard[update_id] = self._has_room(who, at)
            if len(self._heard) > _REMEMBERED:
                del self._heard[next(iter(self._heard))]
        return self._heard[update_id]

    def _has_room(self, who: object, at: float) -> bool:
        full_until = max(self._full_until.pop(who, at), at)
        fits = full_until + self._each <= at + self._room + 1e-9
        self._full_until[who] = full_until + self._each if fits else full_until
        if len(self._full_until) > _REMEMBERED:
            del self._full_until[next(iter(self._full_until))]  # who was heard longest ago
        return fits
