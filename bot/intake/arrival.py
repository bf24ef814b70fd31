"""The update that is being handled right now, for the action that wants to mark it done in its own transaction."""

from __future__ import annotations

from contextvars import ContextVar
from datetime import datetime
from typing import cast

from sqlalchemy import Table, bindparam, update

from bot.storage.database import Transaction
from bot.storage.tables import InboxUpdate
from bot.words import InboxState


class AlreadyHandled(Exception):  # noqa: N818 - it is no error: somebody was faster
    """Another process has handled this update; whatever this one was about to do is rolled back."""


class Arrival:
    """One update on its way through the handlers."""

    def __init__(self, update_id: int) -> None:
        self.update_id = update_id
        self.handled = False
        self.failure: BaseException | None = None

    async def mark_handled(self, tx: Transaction, *, now: datetime) -> None:
        """Write the done mark and empty the payload in the transaction that acts; once is enough.

        Raises:
            AlreadyHandled: the update was handled by somebody else; the transaction must not be committed.
        """
        if self.handled or tx.info.get("arrival marked"):
            return
        marked = await tx.execute(_MARK, {"this_one": self.update_id, "at": now})
        if marked.one_or_none() is None:
            raise AlreadyHandled
        tx.info["arrival marked"] = True
        tx.after_commit(self._committed)

    def failed(self, error: BaseException) -> None:
        """Tell the inbox that the handler did not succeed: Telegram's library keeps that to its error handlers."""
        if isinstance(error, AlreadyHandled):
            self.handled = True
        else:
            self.failure = error

    def _committed(self) -> None:
        self.handled = True


_INBOX = cast("Table", InboxUpdate.__table__)
_MARK = (  # built once: every update asks for it
    update(_INBOX)
    .where(_INBOX.c.update_id == bindparam("this_one"), _INBOX.c.state == InboxState.WAITING)
    .values(state=InboxState.HANDLED, handled_at=bindparam("at"), payload=None)
    .returning(_INBOX.c.update_id)
)

arrival: ContextVar[Arrival] = ContextVar("arrival")
