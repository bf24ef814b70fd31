"""Every sentence is in every language, says the same things in it, and fits where it is shown."""

from __future__ import annotations

import ast
import html
import importlib
import pkgutil
import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from io import BytesIO
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po
from house import run_house
from sentences import extract
from tour import BEGINS, OWN_WORDS, Guests, Seen, tour

import bot
import handlers
from bot import texts
from bot.enrolment.check_words import WORDS
from bot.enrolment.rules import cohort_kind
from bot.errors import Refused
from bot.messages import LONGEST_TEXT, visible_length
from bot.programmes.shelf import library
from bot.safety.lines import DIRECTORY
from bot.scheduling.rules import read_role
from bot.scheduling.typed import read
from bot.texts import PSEUDO_LANGUAGE, SOURCE_LANGUAGE, Texts, languages
from bot.window.wording import said_by, said_by_all
from bot.words import CohortKind, Role
from handlers.context import LONGEST_NOTICE
from handlers.errors import REFUSALS

ROOT = Path(__file__).parents[2]
SOURCES = {path: path.read_bytes() for top in ("bot", "handlers") for path in sorted((ROOT / top).rglob("*.py"))}
TRANSLATED = [language for language in languages() if language != SOURCE_LANGUAGE]
LONGEST_LABEL = 40  # code points; longer ones are cut on small phones

CONSENT = ROOT / "bot/enrolment/consent.py"  # read by somebody who has just opened it: it has to be plain
HEALTH = re.compile(
    r"ketamin|psychedel|psilocyb|mdma|therap|patient|clinic|klinik|\bdos(?:e|es|is|ing)\b|dosier|medic|medik|medizin"
    r"|\bdrug|droge|diagnos|trauma|depress|\btreat|behandl|symptom|arznei|infusion|substan[cz]|\bhealth|gesundheit",
    re.IGNORECASE,
)

_PLACE = re.compile(r"\{[a-z_]+\}")
_TAG = re.compile(r"</?[a-z-]+")


# ── The catalogues ─────────────────────────────────────────────────────────────────────────────────────────────────


@cache
def catalogue(language: str) -> Catalog:
    return read_po(BytesIO((ROOT / f"bot/locales/{language}/LC_MESSAGES/understory.po").read_bytes()), locale=language)


def forms(sentence: str | tuple[str, ...] | list[str]) -> tuple[str, ...]:
    return (sentence,) if isinstance(sentence, str) else tuple(sentence)


def said_in(*files: Path) -> set[tuple[str, ...]]:
    """Every sentence of these files, each as its forms."""
    return {forms(sentence) for path in files for _, _, sentence, _ in extract(BytesIO(SOURCES[path]))}


def pairs(language: str) -> Iterator[tuple[str, str]]:
    """Every form of every sentence with its translation."""
    for message in catalogue(language):
        if message.id:
            yield from zip(forms(message.id), forms(message.string), strict=True)


@cache
def spoken(language: str) -> dict[str, str]:
    """What each form of a sentence is in a language."""
    if language == SOURCE_LANGUAGE:
        return {form: form for sentence in said_in(*SOURCES) for form in sentence}
    return dict(pairs(language))


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_sentence_of_the_code_is_in_the_catalogue_and_no_other(language):
    known = {forms(message.id) for message in catalogue(language) if message.id}

    missing, stale = said_in(*SOURCES) - known, known - said_in(*SOURCES)

    assert (missing, stale) == (set(), set()), "make messages collects them"


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_sentence_is_translated_and_none_is_a_guess(language):
    messages = [message for message in catalogue(language) if message.id]

    assert [message.id for message in messages if message.fuzzy or not all(forms(message.string))] == []
    assert list(catalogue(language).obsolete) == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_translation_speaks_of_the_same_facts_and_marks_as_much(language):
    def parts(text: str) -> tuple[set[str], Counter[str]]:
        return set(_PLACE.findall(text)), Counter(_TAG.findall(text))

    different = [(source, said) for source, said in pairs(language) if parts(source) != parts(said)]

    assert different == []


@pytest.mark.parametrize("language", languages())
def test_marks_are_closed_in_the_order_in_which_they_were_opened(language):
    assert [text for text in spoken(language).values() if not _is_balanced(text)] == []


def _is_balanced(text: str) -> bool:
    opened: list[str] = []
    for closing, name in re.findall(r"<(/?)([a-z-]+)[^>]*>", text):
        if not closing:
            opened.append(name)
        elif not opened or opened.pop() != name:
            return False
    return not opened


@pytest.mark.parametrize("language", languages())
def test_no_sentence_is_loud(language):
    assert [text for text in spoken(language).values() if "!" in text] == []


def test_german_is_set_in_german_quotes():
    assert [text for text in spoken("de").values() if re.search(r'["“](?=\w)|(?<=\w)[”"]', _TAG.sub("", text))] == []


@pytest.mark.parametrize("language", languages())
def test_health_is_spoken_of_only_on_the_screens_of_consent(language):
    """Whatever else the bot says may light up on a table or stand in a group."""
    elsewhere = {form for sentence in said_in(*SOURCES.keys() - {CONSENT}) for form in sentence}

    assert [spoken(language)[form] for form in sorted(elsewhere) if HEALTH.search(spoken(language)[form])] == []


# ── Lengths ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("language", languages())
def test_every_button_fits_on_a_phone(language):
    long = [label for one in on_buttons() if len(label := _short(spoken(language)[one])) > LONGEST_LABEL]

    assert long == []


@pytest.mark.parametrize("language", languages())
def test_what_flashes_up_over_a_button_fits_there(language):
    flashing = {*all_refusals().values(), *in_toasts()}

    assert [one for one in flashing if len(_short(spoken(language)[one])) > LONGEST_NOTICE] == []


@pytest.mark.parametrize("language", languages())
def test_every_sentence_fits_into_a_message(language):
    assert [one for one in spoken(language).values() if visible_length(one) > LONGEST_TEXT // 2] == []


def _short(sentence: str) -> str:
    """As it is shown, with a short name in each place."""
    return html.unescape(_PLACE.sub("Maple", sentence))


def on_buttons() -> set[str]:
    """Sentences on buttons: said right there, or in a table that is read there."""
    shared = {name: said for source in SOURCES.values() for name, said in _tables(source) if name[0] != "_"}
    return {sentence for source in SOURCES.values() for sentence in _on_buttons(source, shared)}


def _on_buttons(source: bytes, shared: dict[str, set[str]]) -> set[str]:
    tables = shared | dict(_tables(source))
    found: set[str] = set()
    for function in _functions(source):
        for call in _calls(function, "button", "link"):
            labels = [said for said in ast.walk(call.args[0]) if _is_label(said)]
            found |= {said.args[0].value for said in labels if isinstance(said.args[0], ast.Constant)}
            if any(not isinstance(said.args[0], ast.Constant) for said in labels):
                names = {node.id for node in ast.walk(function) if isinstance(node, ast.Name)}
                found |= {sentence for name in names & tables.keys() for sentence in tables[name]}
    return found


def in_toasts() -> set[str]:
    toasts = [toast for source in SOURCES.values() for toast in _calls(ast.parse(source), "toast")]
    return {label.args[0].value for toast in toasts for label in ast.walk(toast) if _is_label(label)}


def _functions(source: bytes) -> Iterator[ast.AST]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def _calls(within: ast.AST, *names: str) -> Iterator[ast.Call]:
    for node in ast.walk(within):
        if isinstance(node, ast.Call) and (getattr(node.func, "id", "") or getattr(node.func, "attr", "")) in names:
            yield node


def _is_label(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "label"


def _tables(source: bytes) -> Iterator[tuple[str, set[str]]]:
    """A module's tables of sentences, by name."""
    for node in ast.parse(source).body:
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        if isinstance(target, ast.Name) and isinstance(getattr(node, "value", None), ast.Dict):
            yield target.id, {call.args[0].value for call in _calls(node, "N_")}


# ── Refusals ───────────────────────────────────────────────────────────────────────────────────────────────────────


@cache
def all_refusals() -> dict[type[Refused], str]:
    for package in (bot, handlers):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.startswith("bot.rehearsal"):
                importlib.import_module(module.name)
    return {no: sentence for room in handlers.ROOMS for no, sentence in room.REFUSALS.items()} | REFUSALS


def _kinds_of(no: type[Refused]) -> Iterator[type[Refused]]:
    for kind in no.__subclasses__():
        if kind.__module__.split(".")[0] in {"bot", "handlers"}:
            yield kind
        yield from _kinds_of(kind)


def test_every_no_has_a_sentence():
    spoken_of = all_refusals()

    assert sorted(no.__qualname__ for no in _kinds_of(Refused) if no not in spoken_of) == []


@pytest.mark.parametrize("language", languages())
def test_every_no_has_its_sentence_in_every_language(language):
    assert [no for no, sentence in all_refusals().items() if sentence not in spoken(language)] == []


def test_a_no_brings_the_facts_that_its_sentence_speaks_of():
    wanted = {no.__name__: set(_PLACE.findall(sentence)) for no, sentence in all_refusals().items()}

    lacking = [
        (path.name, name, places - given)
        for path, source in SOURCES.items()
        for name, given in _raised(ast.parse(source))
        if (places := wanted.get(name)) and not places <= given
    ]

    assert lacking == []


def _raised(tree: ast.AST) -> Iterator[tuple[str, set[str]]]:
    """The nos that a file says, with the places that their facts fill."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Name):
            yield node.exc.id, set()
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and all(one.arg for one in node.keywords):
            yield node.func.id, {"{" + str(one.arg) + "}" for one in node.keywords}


# ── Days and hours ─────────────────────────────────────────────────────────────────────────────────────────────────

SATURDAY = datetime(2026, 11, 28, 18, 5, tzinfo=UTC)
GERMAN = Texts("de", ZoneInfo("Europe/Vienna"))


def test_german_days_and_hours_are_written_the_german_way():
    assert GERMAN.when(SATURDAY) == "Sa. 28. Nov., 19:05"
    assert GERMAN.day(SATURDAY) == "Samstag, 28. November"
    assert GERMAN.day(date(2026, 3, 1)) == "Sonntag, 1. März"
    assert GERMAN.short_day(SATURDAY) == "28. Nov."
    assert GERMAN.hour(SATURDAY) == "19:05"
    assert GERMAN.hour(time(7, 30)) == "07:30"
    assert GERMAN.city(GERMAN.zone) == "Wien"


@pytest.mark.parametrize(
    ("length", "english", "german"),
    [
        (timedelta(seconds=61), "1 minute", "1 Minute"),
        (timedelta(minutes=119), "119 minutes", "119 Minuten"),
        (timedelta(hours=2), "2 hours", "2 Stunden"),
        (timedelta(hours=71, minutes=59), "71 hours", "71 Stunden"),
        (timedelta(days=3), "3 days", "3 Tage"),
        (timedelta(days=40), "40 days", "40 Tage"),
    ],
)
def test_a_span_is_said_in_a_unit_that_fits_and_never_longer_than_it_was(length, english, german):
    assert (Texts("en").span(length), GERMAN.span(length)) == (english, german)


def test_a_number_takes_its_own_form():
    one, several = "One seat is free.", "{n} seats are free."

    assert [GERMAN.many(one, several, n) for n in (1, 3)] == ["Ein Platz ist frei.", "3 Plätze sind frei."]


def test_people_can_choose_every_catalogue_and_phones_are_understood():
    assert languages() == ("en", "de")
    assert [texts.supported(code) for code in ("de-AT", "de_CH", "en-GB", "pt-BR", None)] == [
        "de",
        "de",
        "en",
        "en",
        "en",
    ]


@pytest.mark.parametrize("language", languages())
def test_the_day_that_is_given_as_an_example_can_be_typed(language):
    typed = read(Texts(language).label("Sat 6pm"), datetime(2026, 11, 23, 10, 0))  # noqa: DTZ001 - a clock on a wall

    assert (typed.day, typed.clock, typed.rest) == (date(2026, 11, 28), time(18), "")


@pytest.mark.parametrize("words", ["28.11. 14 Uhr 3 Std", "Sa 14 Uhr 3 Std", "in 5 Tagen 14:00 3 Stunden"])
def test_german_times_are_understood(words):
    typed = read(words, datetime(2026, 11, 23, 10, 0))  # noqa: DTZ001 - a clock on a wall

    assert (typed.day, typed.clock, typed.lasts) == (date(2026, 11, 28), time(14), timedelta(hours=3))


def test_german_names_of_kinds_and_roles_are_understood():
    assert [cohort_kind(word) for word in ("Paar", "Gruppe", "Einzelperson")] == list(CohortKind)
    assert [read_role(word) for word in ("empfangend", "Unterstützend", "abw")] == list(Role)


# ── On the phones ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.timeout(400)  # two weeks of three people in one go
async def test_a_couple_reads_no_sentence_that_cannot_be_translated(tmp_path, monkeypatch):
    """In the pseudo-locale a translated sentence has no plain vowel left; what has one was never looked up."""
    looked_up: set[str] = set()
    translate = texts._Pseudo.gettext
    monkeypatch.setattr(texts._Pseudo, "gettext", lambda self, said: looked_up.add(said) or translate(self, said))

    async with run_house(f"sqlite:///{tmp_path}/understory.db", start=BEGINS) as house:
        guests = Guests(house, PSEUDO_LANGUAGE)
        await tour(guests)

    plain = {seen: words for seen in guests.seen() if (words := _untranslated(seen))}
    assert plain == {}
    assert sorted(looked_up - spoken("de").keys()) == []


def test_a_sentence_that_was_not_looked_up_would_be_found():
    assert _untranslated(Seen("Ann", "⟦Ann: has left⟧\n⟦Áññ hás léft⟧", ("Fold",))) == ["has", "left", "hás", "Fold"]


def _untranslated(seen: Seen) -> list[str]:
    """The words of a screen that went past the catalogue, apart from names, places, days and what people wrote."""
    labels = [label for label in seen.labels if label not in _authored() and not re.search(r" · \d\d:\d\d$", label)]
    text = "\n".join([seen.words, *labels])
    for pattern in _told():
        text = pattern.sub(" ", text)
    text = re.sub(r"https?://\S+|[A-Z][a-z]+/[A-Z][a-z]+|\d+ (?:minute|hour|day)s?\b", " ", text)
    words = re.findall(r"[^\W\d_]+", text)
    return [word for word in words if re.search(r"[aeiouncsAEIOU]", word) and word not in NAMES]


_WEEK = [date(2026, 11, 23) + timedelta(days=n) for n in range(7)]
_DAYS = {day.strftime(form)[:length] for day in _WEEK for form, length in (("%a", 2), ("%a", 3), ("%A", 9))}
_MONTHS = {date(2026, month, 1).strftime(form) for month in range(1, 13) for form in ("%b", "%B")}
NAMES = {
    *("Ann", "Bob", "Fay", "Maple", "Berlin", "Germany", "and", "or", "English", "Deutsch", "couple", "light", "touch"),
    *("group", "individual", "prep", "week", "series"),  # ids of programmes
    *_DAYS,
    *_MONTHS,
    *WORDS["en"],  # the check words
}


@cache
def _authored() -> frozenset[str]:
    """Every text of the library that the reader of the pseudo-locale is shown, in English."""
    programmes = [shelved.programme for shelved in library().values()]
    words = [said for programme in programmes for said in said_by_all(programme)]
    words += [said for programme in programmes for step in programme.steps for said in said_by(step)]
    return frozenset(said[SOURCE_LANGUAGE] for said in words if said)


_ANYTHING = r"[^\n]+?(?=\W)"  # in a place, up to the end of a word


@cache
def _told() -> tuple[re.Pattern[str], ...]:
    """What is shown as somebody wrote it: authors line by line, people whole; the longest first."""
    lines = {line for text in _authored() for part in text.split("\n") for line in re.split(r"(?<=[.!?…])\s+", part)}
    spoken_lines = {line for line in lines if re.search(r"\w", _PLACE.sub("", line))}
    steps = {f"{step.id.replace('-', ' ')}:" for shelved in library().values() for step in shelved.programme.steps}
    told = sorted({*spoken_lines, *steps, *OWN_WORDS, DIRECTORY}, key=len, reverse=True)
    return tuple(re.compile(rf"(?<!\w){_ANYTHING.join(map(re.escape, _PLACE.split(line)))}(?!\w)") for line in told)
