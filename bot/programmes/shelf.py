"""Where programmes stand: the library that comes with the bot, a directory of one's own, and the pins of cohorts.

A cohort keeps the exact text it began with. ``pin`` stores that text under the SHA-256 of its bytes, and ``pinned``
reads it again, so a file may change or disappear without anybody noticing in the middle of their three days. A series
is kept together with what it wraps: ``pinned`` gives both as one programme, for the kind of cohort it was chosen for.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib import resources
from pathlib import Path

from sqlalchemy.exc import IntegrityError

from bot.errors import Wrong
from bot.programmes.problems import ProgrammeProblems
from bot.programmes.reading import read, read_programme
from bot.programmes.schema import Programme
from bot.programmes.series import wrap
from bot.storage.database import Transaction
from bot.storage.tables import PinnedProgramme
from bot.words import CohortKind

_read_before: dict[str, Programme] = {}  # by digest: the same text always reads the same
_whole_before: dict[str, Programme] = {}  # the same with what it wraps


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


def programmes_of(shelf: Mapping[str, Shelved]) -> dict[str, Programme]:
    """What a series may wrap, by id."""
    return {name: shelved.programme for name, shelved in shelf.items()}


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
    paths = sorted((*extra.glob("*.yaml"), *extra.glob("*.yml")))
    for path in paths:
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
    _check_together({**_built_in(), **found}, paths)
    return found


def _check_together(shelf: Mapping[str, Shelved], paths: Sequence[Path]) -> None:
    """Read what wraps others again, beside what it may wrap.

    Raises:
        Wrong: what does not go together; also where a file of one's own has taken the place of a built-in one.
    """
    problems: list[str] = []
    names = {digest_of(path.read_bytes().decode("utf-8-sig")): path.name for path in paths}
    for name, shelved in shelf.items():
        if shelved.programme.wraps:
            reading = read(shelved.source, names.get(digest_of(shelved.source), name), programmes_of(shelf))
            problems += [f"{reading.name}, {problem}" for problem in reading.problems]
    if problems:
        raise Wrong(*problems)


def _shelve(source: str | bytes, name: str) -> Shelved:
    programme = read_programme(source, name)
    return Shelved(source if isinstance(source, str) else source.decode("utf-8-sig"), programme)


def wrapped(source: str | bytes, name: str, kind: CohortKind | None) -> Programme:
    """A programme file as a cohort of this kind would be carried by it, a series with what it wraps of the library.

    Raises:
        ProgrammeProblems: everything that is wrong with it.
        Wrong: it is a series for any cohort, and nobody said for which.
    """
    shelf = programmes_of(library())
    programme = read_programme(source, name, shelf)
    if not programme.wraps:
        return programme
    kind = kind or programme.kind
    if kind is None or kind not in programme.wraps:
        raise Wrong(f"{name}: it wraps a programme for each kind of cohort. Say which: --for couple.")
    return wrap(programme, shelf[programme.wraps[kind]], kind)


async def pin_for(
    tx: Transaction, shelf: Mapping[str, Shelved], name: str, kind: CohortKind, now: datetime
) -> PinnedProgramme:
    """Keep one programme of a shelf for a cohort of this kind, a series together with what it wraps."""
    chosen = shelf[name]
    if not chosen.programme.wraps:
        return await pin(tx, chosen.source, now)
    inner = await pin(tx, shelf[chosen.programme.wraps[kind]].source, now)
    return await pin(tx, chosen.source, now, wraps=inner, kind=kind)


async def pin(
    tx: Transaction,
    programme_source: str,
    now: datetime,
    *,
    wraps: PinnedProgramme | None = None,
    kind: CohortKind | None = None,
) -> PinnedProgramme:
    """Keep a programme's text for good; the same text is kept once, a series once with each that it ``wraps``.

    Raises:
        ProgrammeProblems: the text is not a programme.
    """
    digest = digest_of(programme_source, wraps.digest if wraps else None, kind)
    row = await tx.get(PinnedProgramme, digest)
    if row is None:
        programme = _read_once(digest, programme_source)
        row = PinnedProgramme(
            digest=digest,
            name=programme.id,
            version=programme.version,
            source=programme_source,
            wraps=wraps.digest if wraps else None,
            kind=kind,
            pinned_at=now,
        )
        try:
            async with tx.begin_nested():
                tx.add(row)
        except IntegrityError:  # somebody pinned the same text a moment ago
            row = await tx.get_one(PinnedProgramme, digest)
    return row


async def pinned(tx: Transaction, digest: str) -> Programme:
    """The programme that was pinned under this digest, with what it wraps.

    Raises:
        UnknownProgramme: nothing was.
    """
    if digest in _whole_before:
        return _whole_before[digest]
    row = await tx.get(PinnedProgramme, digest)
    if row is None:
        raise UnknownProgramme
    programme = _read_once(digest, row.source)
    if row.wraps is not None and row.kind is not None:
        programme = wrap(programme, await pinned(tx, row.wraps), row.kind)
    _whole_before[digest] = programme
    return programme


def digest_of(programme_source: str, wraps: str | None = None, kind: CohortKind | None = None) -> str:
    """The SHA-256 of a programme's text in UTF-8, in hexadecimal; of a series also of what it wraps and for whom."""
    whole = programme_source if wraps is None else "\0".join((programme_source, wraps, kind or ""))
    return hashlib.sha256(whole.encode()).hexdigest()


def _read_once(digest: str, source: str) -> Programme:
    if digest not in _read_before:
        _read_before[digest] = read_programme(source, f"programme {digest[:8]}")
    return _read_before[digest]
