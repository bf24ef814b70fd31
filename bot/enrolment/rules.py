"""Who may sit where, how many seats there are, what a name may be. Pure."""

from __future__ import annotations

import itertools
import re
import shlex
import unicodedata
from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum

from bot.errors import Refused
from bot.messages import LONGEST_NAME, clean_name
from bot.words import CohortKind, Consent

LINK_LASTS = timedelta(days=7)
LARGEST_GROUP = 40
SMALLEST_GROUP = 2

_QUOTES = str.maketrans("“”„«»‟", '""""""')
_KINDS = {
    **{kind.value: kind for kind in CohortKind},
    "paar": CohortKind.COUPLE,
    "gruppe": CohortKind.GROUP,
    "einzelperson": CohortKind.INDIVIDUAL,
}


# ── Polite noes ────────────────────────────────────────────────────────────────────────────────────────────────────


class NotYours(Refused):
    """It is not there for this person, whether it exists or not."""


class UnknownCohort(Refused):
    """No cohort of theirs begins like this."""


class AmbiguousCohort(Refused):
    """Several do. ``names``: which."""


class KindMissing(Refused):
    """Neither couple nor group nor individual."""


class NameMissing(Refused):
    """Nothing that can be seen."""


class NameTooLong(Refused):
    """``longest``: how many letters there may be."""


class NameInvisible(Refused):
    """It hides characters that cannot be seen."""


class CohortNameTaken(Refused):
    """They hold another cohort of this ``name``."""


class NameTaken(Refused):
    """Somebody in the cohort is called ``name`` already."""


class NoFreeSeat(Refused):
    """Every seat is taken; who waits, waits on."""


class GroupIsFull(Refused):
    """A group has no more seats than ``most``."""


class NotTheirGroup(Refused):
    """By Telegram's own answer they do not administer it."""


class TelegramIsSilent(Refused):
    """Telegram does not tell who they are in a group."""


class ChatTaken(Refused):
    """This group or topic belongs to another cohort."""


class AlreadyLinked(Refused):
    """It belongs to this cohort already."""


class LinkedMeanwhile(Refused):
    """Somebody else was quicker."""


class NotLinked(Refused):
    """No group is connected."""


class LabelsAlike(Refused):
    """Two seats of one ``name`` could not be told apart."""


class WrongSeats(Refused):
    """More or fewer seats than a group has: from ``least`` to ``most``."""


class NotACouple(WrongSeats):
    """A couple has two seats."""


class NotAlone(WrongSeats):
    """An individual has one seat."""


class UnknownZone(Refused):
    """No zone has this name. ``nearest``: what comes close."""


class NoSuchProgramme(Refused):
    """``names``: the ones there are."""


class ProgrammeDoesNotFit(Refused):
    """It was written for another kind of cohort. ``names``: the ones that fit."""


class ScreeningMissing(Refused):
    """Each of them has to be screened alone, off the bot, before there are links."""


class PolicyMissing(Refused):
    """The members read it before they consent; nobody can choose it for the facilitator."""


class ZoneMissing(Refused):
    """A cohort's times need its zone."""


class UnknownLink(Refused):
    """No link of this bot."""


class LinkUsed(Refused):
    """It worked once, for somebody."""


class LinkBurnt(Refused):
    """It was opened in a group or replaced by a newer one."""


class InvitationExpired(Refused):
    """The link to an office is too old."""


class OwnSeat(Refused):
    """Nobody holds a seat in a cohort that they facilitate."""


class AlreadySeated(Refused):
    """One person, one seat in a cohort."""


class AlreadyDecided(Refused):
    """Somebody was admitted or not before this button was pressed."""


class NotThere(Refused):
    """The joining is at another screen, or over."""


class AlreadyInOffice(Refused):
    """They may do this already; the link stays good for somebody else."""


class NoPlaceYet(Refused):
    """They are in no cohort."""


class NotASpan(Refused):
    """How long to pause could not be read."""


class NotPaused(Refused):
    """There is no pause to end."""


class AlreadyUnpaired(Refused):
    """Nothing goes between two people here, or not any more."""


class WideningRests(Refused):
    """A consent may not be turned on from a session's start through its landing phase."""


# ── Names ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def good_name(words: str) -> str:
    """A name as it was typed, on one line.

    Raises:
        NameMissing, NameTooLong, NameInvisible: and nothing is cut off behind anybody's back.
    """
    typed = " ".join(unicodedata.normalize("NFC", words).split())
    shown = clean_name(typed)
    if not shown:
        raise NameMissing
    if len(typed) > LONGEST_NAME:
        raise NameTooLong(longest=LONGEST_NAME)
    if folded(shown) != folded(typed):
        raise NameInvisible
    return shown


def free_name(wanted: str, taken: Iterable[str]) -> str:
    """The name, or with the first number behind it that nobody else has."""
    others = {folded(name) for name in taken}
    numbered = (f"{wanted[: LONGEST_NAME - 3].rstrip()} {number}" for number in itertools.count(2))
    return next(name for name in itertools.chain([wanted], numbered) if folded(name) not in others)


def folded(name: str) -> str:
    """How names are compared: no case, and letters that look the same are the same (NFKC)."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def the_one_that_begins(names: Iterable[str], beginning: str) -> str:
    """The name that is this or begins like this; the whole name wins over a longer one.

    Raises:
        UnknownCohort, AmbiguousCohort
    """
    wanted = folded(" ".join(beginning.split()))
    known = {name: folded(name) for name in names}
    whole = [name for name, compared in known.items() if compared == wanted]
    begun = whole or [name for name, compared in known.items() if wanted and compared.startswith(wanted)]
    if not begun:
        raise UnknownCohort(names=", ".join(sorted(known)))
    if len(begun) > 1:
        raise AmbiguousCohort(names=", ".join(sorted(begun)))
    return begun[0]


def words_of(line: str) -> list[str]:
    """The words of a command; quoted ones stay together, an unpaired quote is a letter."""
    line = line.translate(_QUOTES)
    reader = shlex.shlex(line, posix=True, punctuation_chars=False)
    reader.whitespace_split = True
    reader.quotes = '"'
    reader.escape = reader.commenters = ""
    try:
        return list(reader)
    except ValueError:
        return line.split()


# ── Seats ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def cohort_kind(word: str) -> CohortKind:
    """The kind somebody wrote, in English or German.

    Raises:
        KindMissing
    """
    if word.casefold() not in _KINDS:
        raise KindMissing
    return _KINDS[word.casefold()]


def seat_bounds(kind: CohortKind) -> tuple[int, int]:
    """How few and how many seats a cohort of this kind has."""
    return {
        CohortKind.COUPLE: (2, 2),
        CohortKind.GROUP: (SMALLEST_GROUP, LARGEST_GROUP),
        CohortKind.INDIVIDUAL: (1, 1),
    }[kind]


_NOT_ITS_SEATS = {
    CohortKind.COUPLE: NotACouple,
    CohortKind.GROUP: WrongSeats,
    CohortKind.INDIVIDUAL: NotAlone,
}


def seat_labels(kind: CohortKind, words: list[str]) -> tuple[str, ...]:
    """What the seats are called: the names given, or plain numbers for "12" or for nothing.

    Raises:
        WrongSeats, LabelsAlike and the noes of names.
    """
    least, most = seat_bounds(kind)
    if len(words) <= 1 and (not words or _is_count(words[0])):
        count = int(words[0]) if words else least
        labels = [str(number) for number in range(1, count + 1)] if least <= count <= most else []
    else:
        labels = [good_name(word) for word in words]
    if not least <= len(labels) <= most:
        raise _NOT_ITS_SEATS[kind](least=least, most=most)
    for number, label in enumerate(labels):
        if folded(label) in {folded(other) for other in labels[:number]}:
            raise LabelsAlike(name=label)
    return tuple(labels)


def shares_one_link(kind: CohortKind, labels: Iterable[str]) -> bool:
    """Whether one link is for everybody: a group whose seats have numbers instead of names."""
    return kind is CohortKind.GROUP and all(label.isdecimal() for label in labels)


def _is_count(word: str) -> bool:
    return word.isascii() and word.isdecimal() and len(word) < 4


def labels_typed(words: str) -> list[str]:
    """Names as somebody types them: with commas, on lines of their own, or with blanks between."""
    parts = words.replace("\n", ",").replace(";", ",").split(",")
    return [part.strip() for part in parts if part.strip()] if len(parts) > 1 else words_of(words)


# ── Joining ────────────────────────────────────────────────────────────────────────────────────────────────────────

WELCOME, READERS, SWITCHES, ABOUT = SCREENS = ("welcome", "readers", "switches", "about")


def screen_after(screen: str, wanted: str) -> str:
    """The screen a button may lead to: back as far as one likes, forward one at a time.

    Raises:
        NotThere: the button is older than the joining, or was never ours.
    """
    if screen not in SCREENS or wanted not in SCREENS or SCREENS.index(wanted) > SCREENS.index(screen) + 1:
        raise NotThere
    return wanted


def switches_of(kind: CohortKind, *, minimal: bool) -> tuple[Consent, ...]:
    """The consents that a cohort of this kind asks for; in minimal mode nothing is kept that could be read."""
    if minimal:
        return ()
    others = {CohortKind.COUPLE: (Consent.PARTNER,), CohortKind.GROUP: (Consent.CIRCLE,)}
    return (Consent.FACILITATOR, *others.get(kind, ()))


# ── Resting ────────────────────────────────────────────────────────────────────────────────────────────────────────

_SPAN = re.compile(r"(\d{1,3})\s*([hdw])")
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


def span_of_pause(words: str) -> timedelta | None:
    """How long "3d", "12h" or "2 w" is; none for no words: until they come back.

    Raises:
        NotASpan
    """
    if not words:
        return None
    found = _SPAN.fullmatch(words.strip().lower())
    if found is None or int(found[1]) == 0:
        raise NotASpan
    return int(found[1]) * _UNITS[found[2]]


# ── Links ──────────────────────────────────────────────────────────────────────────────────────────────────────────


class LinkState(StrEnum):
    FREE = "free"
    USED = "used"
    BURNT = "burnt"
    EXPIRED = "expired"


def link_state(
    *, used_at: datetime | None, expires_at: datetime, now: datetime, burnt_at: datetime | None = None
) -> LinkState:
    """What a link is still good for."""
    if used_at is not None:
        return LinkState.USED
    if burnt_at is not None:
        return LinkState.BURNT
    return LinkState.EXPIRED if expires_at <= now else LinkState.FREE
