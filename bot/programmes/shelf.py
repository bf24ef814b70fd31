"""Where programmes stand: the library that comes with the bot, a directory of one's own, and the pins of cohorts.

A cohort keeps the exact text it began with. ``pin`` stores that text under the SHA-256 of its bytes, and ``pinned``
reads it again, so a file may change or disappear without anybody noticing in the middle of their three days.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib import resources
from pathlib import Path

from sqlalchemy.exc import IntegrityError

from bot.errors import Wrong
from bot.programmes.problems import ProgrammeProblems
from bot.programmes.reading import read_programme
from bot.programmes.schema import Programme
from bot.storage.database import Transaction
from bot.storage.tables import PinnedProgramme

_read_before: dict[str, Programme] = {}  # by digest: the same text always reads the same


class UnknownProgramme(LookupError):  # noqa: N818 - our own mistake, which no sentence could help
    """No programme is pinned under this digest."""


@dataclass(frozen=True)
class Shelved:
    """A programme that can be chosen, with the text it was read from."""

    source: str
    programme: Programme


def library(extra: Path | None = None) -> dict[str, Shelved]:
    """Every programme by id: those that come with the bot, and the YAML files of ``extra``, which win.

    Raises:
        Wrong: everything that is wrong with the files in ``extra``; two of them with one id are wrong too.
    """
    return {**_built_in(), **(_own(extra) if extra else {})}


@cache
def _built_in() -> dict[str, Shelved]:
    shelf = resources.files("bot.programmes") / "library"
    books = sorted((book for book in shelf.iterdir() if book.name.endswith(".yaml")), key=lambda book: book.name)
    shelved = [_shelve(book.read_text("utf-8"), book.name) for book in books]
    return {each.programme.id: each for each in shelved}


def _own(extra: Path) -> dict[str, Shelved]:
    if not extra.is_dir():
        raise Wrong(f"{extra}: there is no such directory for programmes.")
    found: dict[str, Shelved] = {}
    problems: list[str] = []
    for path in sorted((*extra.glob("*.yaml"), *extra.glob("*.yml"))):
        try:
            shelved = _shelve(path.read_bytes(), path.name)
        except ProgrammeProblems as wrong:
            problems += wrong.problems
            continue
        if shelved.programme.id in found:
            problems.append(
                f"{path.name}: another file here has the id {shelved.programme.id} too. Change one of them."
            )
        found[shelved.programme.id] = shelved
    if problems:
        raise Wrong(*problems)
    return found


def _shelve(source: str | bytes, name: str) -> Shelved:
    programme = read_programme(source, name)
    return Shelved(source if isinstance(source, str) else source.decode("utf-8-sig"), programme)


async def pin(tx: Transaction, programme_source: str, now: datetime) -> PinnedProgramme:
    """Keep a programme's text for good; the same text is kept once.

    Raises:
        ProgrammeProblems: the text is not a programme.
    """
    digest = digest_of(programme_source)
    row = await tx.get(PinnedProgramme, digest)
    if row is None:
        programme = _read_once(digest, programme_source)
        row = PinnedProgramme(
            digest=digest, name=programme.id, version=programme.version, source=programme_source, pinned_at=now
        )
        try:
            async with tx.begin_nested():
                tx.add(row)
        except IntegrityError:  # somebody pinned the same text a moment ago
            row = await tx.get_one(PinnedProgramme, digest)
    return row


async def pinned(tx: Transaction, digest: str) -> Programme:
    """The programme that was pinned under this digest.

    Raises:
        UnknownProgramme: nothing was.
    """
    if digest in _read_before:
        return _read_before[digest]
    row = await tx.get(PinnedProgramme, digest)
    if row is None:
        raise UnknownProgramme
    return _read_once(digest, row.source)


def digest_of(programme_source: str) -> str:
    """The SHA-256 of a programme's text in UTF-8, in hexadecimal."""
    return hashlib.sha256(programme_source.encode()).hexdigest()


def _read_once(digest: str, source: str) -> Programme:
    if digest not in _read_before:
        _read_before[digest] = read_programme(source, f"programme {digest[:8]}")
    return _read_before[digest]
