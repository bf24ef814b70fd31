"""Every sentence in the reader's language, from gettext catalogues in ``bot/locales``.

``Texts`` belongs to one reader: their language and their zone. Parameters are escaped unless they are ``Html``, so
people's words can never become markup. English is the source; a sentence that a catalogue lacks falls back to it.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache
from gettext import GNUTranslations, NullTranslations
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_datetime, format_time, get_timezone_location
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.units import format_unit

from bot.messages import Html, escape

SOURCE_LANGUAGE = "en"
PSEUDO_LANGUAGE = "qps"  # every sentence accented and longer: tests find the ones that were never translated

_LOCALES = Path(__file__).with_name("locales")
_ACCENTS = str.maketrans("aeiouAEIOUncs", "áéíóúÁÉÍÓÚñçš")
_PLACES = re.compile(r"(\{[^}]*\}|<[^>]*>|&[a-z]+;)")


@cache
def languages() -> tuple[str, ...]:
    """The languages people can choose, English first."""
    found = sorted(p.parent.parent.name for p in _LOCALES.glob("*/LC_MESSAGES/understory.po"))
    return (SOURCE_LANGUAGE, *(language for language in found if language != SOURCE_LANGUAGE))


def supported(code: str | None, default: str = SOURCE_LANGUAGE) -> str:
    """The language to speak to somebody whose phone says ``code`` ("de-AT")."""
    wanted = (code or "").replace("_", "-").split("-")[0].lower()
    return wanted if wanted in (*languages(), PSEUDO_LANGUAGE) else default


class _Pseudo(NullTranslations):
    def gettext(self, message: str) -> str:
        parts = _PLACES.split(message)
        return "⟦" + "".join(p if i % 2 else p.translate(_ACCENTS) for i, p in enumerate(parts)) + "⟧"

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return self.gettext(msgid1 if n == 1 else msgid2)

    def pgettext(self, context: str, message: str) -> str:  # noqa: ARG002 - gettext's signature
        return self.gettext(message)


@cache
def _catalogue(language: str) -> NullTranslations:
    if language == PSEUDO_LANGUAGE:
        return _Pseudo()
    path = _LOCALES / language / "LC_MESSAGES" / "understory.po"
    if not path.exists():
        return NullTranslations()
    compiled = io.BytesIO()
    with path.open("rb") as source:
        write_mo(compiled, read_po(source, locale=language))
    compiled.seek(0)
    return GNUTranslations(compiled)


def pick(words: Mapping[str, str], language: str, default: str = SOURCE_LANGUAGE) -> str:
    """The text an author wrote for this reader: theirs, then the bot's, then the first."""
    return words.get(language) or words.get(default) or next(iter(words.values()))


@dataclass(frozen=True)
class Texts:
    """How the bot speaks to one reader."""

    language: str = SOURCE_LANGUAGE
    zone: ZoneInfo = ZoneInfo("UTC")  # noqa: RUF009 - ZoneInfo is immutable

    def __call__(self, sentence: str, **facts: Any) -> Html:
        """The sentence in the reader's language with its facts escaped and filled in."""
        return _fill(_catalogue(self.language).gettext(sentence), facts)

    def many(self, one: str, several: str, n: int, **facts: Any) -> Html:
        """The sentence for ``n`` things; ``{n}`` is filled in too."""
        return _fill(_catalogue(self.language).ngettext(one, several, n), {"n": n, **facts})

    def label(self, sentence: str, **facts: Any) -> str:
        """A sentence for a button, where Telegram shows text as it is."""
        text = _catalogue(self.language).gettext(sentence)
        for key, value in facts.items():
            text = text.replace("{" + key + "}", str(value))
        return text

    def pick(self, words: Mapping[str, str]) -> str:
        return pick(words, self.language)

    @property
    def locale(self) -> Locale:
        return Locale.parse(SOURCE_LANGUAGE if self.language == PSEUDO_LANGUAGE else self.language)

    def local(self, instant: datetime) -> datetime:
        return instant.astimezone(self.zone)

    def day(self, instant: datetime | date) -> str:
        """Like "Saturday, 28 November"; the year only matters to files."""
        shown = self.local(instant) if isinstance(instant, datetime) else instant
        skeleton = {"de": "EEEE, d. MMMM"}.get(self.language, "EEEE, d MMMM")
        return format_date(shown, skeleton, locale=self.locale)

    def short_day(self, instant: datetime | date) -> str:
        """Like "28 Nov", for a button."""
        shown = self.local(instant) if isinstance(instant, datetime) else instant
        return format_date(shown, {"de": "d. MMM"}.get(self.language, "d MMM"), locale=self.locale)

    def hour(self, instant: datetime | time) -> str:
        """Like "18:30", always on the 24-hour clock so that nobody mistakes it."""
        shown = self.local(instant).time() if isinstance(instant, datetime) else instant
        return format_time(shown, "HH:mm", locale=self.locale)

    def when(self, instant: datetime) -> str:
        """Like "Sat 28 Nov, 18:30" in the reader's zone."""
        skeleton = {"de": "EEE d. MMM, HH:mm"}.get(self.language, "EEE d MMM, HH:mm")
        return format_datetime(self.local(instant), skeleton, locale=self.locale)

    def span(self, length: timedelta) -> str:
        """Like "90 minutes", "71 hours" or "4 days", never more than it was."""
        if length < timedelta(hours=2):
            return format_unit(length // timedelta(minutes=1), "duration-minute", locale=self.locale)
        if length < timedelta(days=3):
            return format_unit(length // timedelta(hours=1), "duration-hour", locale=self.locale)
        return format_unit(length // timedelta(days=1), "duration-day", locale=self.locale)

    def city(self, zone: ZoneInfo) -> str:
        """What readers call the city of a zone: "Vienna" is "Wien" in German."""
        return get_timezone_location(zone, locale=self.locale, return_city=True)

    def instant(self, instant: datetime) -> Html:
        """A moment that every phone shows in its own zone, with a full text for those that cannot."""
        return Html(f'<tg-time unix="{int(instant.timestamp())}" format="wDt">{escape(self.when(instant))}</tg-time>')


def _fill(sentence: str, facts: Mapping[str, Any]) -> Html:
    if not facts:
        return Html(sentence)

    def put(place: re.Match[str]) -> str:
        key = place[0][1:-1]
        return escape(facts[key] if isinstance(facts[key], str) else str(facts[key])) if key in facts else place[0]

    return Html(re.sub(r"\{[a-z_]+\}", put, sentence))


def N_(sentence: str) -> str:  # noqa: N802 - gettext's own name for it
    """Mark a sentence for the catalogues that is said somewhere else."""
    return sentence
