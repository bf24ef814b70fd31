"""In a process of its own: the real polling and the real inbox; each update is one answer, sealed and kept."""

from __future__ import annotations

import asyncio
import signal
import sys
from functools import partial
from typing import Any

from telegram.ext import ExtBot

from benchmarks.databases import opened
from benchmarks.people import STEP
from benchmarks.telegram import TOKEN
from bot.buttons import decode
from bot.clock import SystemClock
from bot.delivery.bell import Bell
from bot.delivery.governor import Governor, Limits
from bot.delivery.telegram import Call, Carrier, Method
from bot.delivery.transport import Transport
from bot.delivery.turnstile import Turnstile
from bot.intake.arrival import arrival
from bot.intake.flood import Flood
from bot.intake.inbox import Inbox
from bot.intake.polling import poll
from bot.storage.database import Database
from bot.storage.tables import Answer, Delivery, Response
from bot.words import Choice, Visibility


async def receive(database_url: str, url: str) -> None:
    calls, polls = Transport(), Transport()
    bot: ExtBot[None] = ExtBot(TOKEN, base_url=f"{url}/bot", request=calls, get_updates_request=polls)
    async with opened(database_url) as database, bot:
        carrier = Carrier(bot, Turnstile(Governor(Limits(whole=1000))))
        inbox = Inbox(database, SystemClock(), Bell(), partial(_answer, database, carrier), flood=Flood())
        stop = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
        tasks = [asyncio.create_task(inbox.run()), asyncio.create_task(poll(bot, inbox))]
        await stop.wait()
        tasks[1].cancel()
        inbox.stop()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _answer(database: Database, carrier: Carrier, content: dict[str, Any]) -> None:
    """One transaction for the answer and the mark that the update is handled; then the press is answered."""
    query = content["callback_query"]
    tap, now = decode(query["data"]), await SystemClock().now()
    async with database.transaction() as tx:
        await arrival.get().mark_handled(tx, now=now)
        asked = await tx.get_one(Delivery, tap.ref)
        response = Response(
            member_id=asked.member_id,
            meeting_id=asked.meeting_id,
            step=STEP,
            programme="",
            delivery_id=asked.id,
            visibility=Visibility.FACILITATOR,
            choice=Choice.UNDECIDED,
            begun_at=now,
            touched_at=now,
            finished_at=now,
        )
        tx.add(response)
        await tx.flush()
        answer = Answer(response_id=response.id, question=tap.arg.partition(".")[0], given_at=now)
        tx.seal_json(answer, "value", tap.arg.partition(".")[2])
        tx.add(answer)
    await carrier.do(Call(Method.ANSWER, callback_id=query["id"]))


if __name__ == "__main__":
    asyncio.run(receive(*sys.argv[1:]))
