"""In a process of its own: send everything that waits in a database, and say how long it took and how big we became."""

from __future__ import annotations

import asyncio
import sys
import time

from benchmarks.databases import opened
from benchmarks.office import office
from benchmarks.process import peak_megabytes, say
from bot.delivery.post import PostOffice


async def send(database_url: str, url: str, rate: int, number: int) -> dict[str, float]:
    async with opened(database_url) as database, office(database, url, rate) as post:
        began = time.monotonic()
        running = asyncio.create_task(post.run())
        while _ended(post) < number:  # noqa: ASYNC110 - the post office tells nobody when it is done
            await asyncio.sleep(0.02)
        seconds = time.monotonic() - began
        await post.stop()
        await running
    return {"began": began, "seconds": seconds, "megabytes": peak_megabytes(), "sent": post.counts.sent}


def _ended(post: PostOffice) -> int:
    counts = post.counts
    return counts.sent + counts.failed + counts.skipped + counts.unknown


def main() -> None:
    database_url, url, rate, number = sys.argv[1:]
    say(asyncio.run(send(database_url, url, int(rate), int(number))))


if __name__ == "__main__":
    main()
