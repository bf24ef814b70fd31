"""Words that could break something: markup, control letters, other directions, links, thousands of emoji.

Nothing is refused by Telegram, nothing becomes markup, and whoever may read them reads exactly what was written.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import product

import pytest
from house import House
from scenes import SATURDAY_MORNING, berlin, folded, join, link_for, unfold
from sqlalchemy import select

from bot.rehearsal.entities import utf16_slice
from bot.rehearsal.message import Message
from bot.storage.tables import JournalEntry
from handlers import ROOMS

OURS = {"bold", "italic", "strikethrough", "blockquote", "expandable_blockquote", "date_time"}
NOT_MODIFIED = (
    "Bad Request: message is not modified: specified new message content and reply markup are exactly the same as a "
    "current content and reply markup of the message"
)
FOUND_BY_TELEGRAM = {"url", "mention", "hashtag", "cashtag", "bot_command", "email"}
COMMANDS = sorted({command for room in ROOMS for command in room.COMMANDS})
ON_SQLITE = pytest.mark.parametrize("beginnings", ["sqlite"], indirect=True)  # one test below is for the database


# ── Two hundred of them ────────────────────────────────────────────────────────────────────────────────────────────

_MARKUP = (
    *("<b>", "</b>", "<b>bold</b>", "<i>", "<a href='https://evil.example'>here</a>", "<tg-spoiler>x</tg-spoiler>"),
    *(
        "<code>",
        "<pre>x</pre>",
        "<blockquote>",
        "<script>alert(1)</script>",
        "<b",
        "b>",
        "<>",
        "< b >",
        "</",
        "<!--",
        "&",
    ),
    *(
        "&amp;",
        "&lt;b&gt;",
        "&#60;b&#62;",
        "&#x3c;",
        "&quot;",
        "&bogus;",
        "&#0;",
        "&#1114112;",
        '"',
        "'",
        "`",
        "```x```",
    ),
    *("*bold*", "_x_", "[here](https://evil.example)", "~x~", "||x||", "<tg-time unix='0'>now</tg-time>", "<u>", "<s>"),
)
_TEMPLATES = (
    *("{name}", "{0}", "{}", "{{", "}}", "{name!r}", "{name.__class__}", "%s", "%(name)s", "%n", "${name}", "$name"),
    *("{{7*7}}", "#{7*7}", "\\n", "\\u0000", "\\", "\\\\", "{partner}", "{facilitator}", "N_('x')"),
)
_LINKS = (
    *("https://evil.example/x", "http://evil.example", "t.me/evil", "evil.com", "@evil_bot", "@fay", "#maple", "$AAPL"),
    *("/leave", "/start x", "/erase@understory_bot", "mail@evil.com", "tg://user?id=1001", "www.evil.com", "ton://x"),
    *("+49 30 1234567", "1.1.1.1", "evil。com", "http://[::1]/", "javascript:alert(1)", "/"),
)
_INVISIBLE = (
    *(
        "\u200b",
        "a\u200bb",
        "\u200d",
        "\u2060",
        "\ufeff",
        "\u00ad",
        "a\u00adb",
        "\u202e",
        "\u202eabc",
        "a\u202eb\u202c",
    ),
    *("\u2066x\u2069", "\u2067x", "\u200e", "\u200f", "\u061c", "\u2028", "a\u2028b", "\u2029", "\u0000", "a\u0000b"),
    *("\u0007", "\u001b[31mred", "a\tb", "a\nb", "a\r\nb", "\n\n\n", "   ", "\u00a0", "\u3000", "\u2800", "\u115f"),
)
_SCRIPTS = (
    *(
        "אנה",
        "آنا",
        "אנה Ann אנה",
        "Анна",
        "安娜",
        "アンナ",
        "안나",
        "ᚨᚾᚾ",
        "Zoë",
        "Zoe\u0308",
        "ﬁ",
        "Å",
        "ǅ",
        "ß",
        "İ",
        "ı",
    ),
    *(
        "Z\u0351\u0352\u0353\u0354\u0355algo",
        "e" + "\u0301" * 40,
        "𝐀𝐧𝐧",
        "Ａｎｎ",
        "ⓐⓝⓝ",
        "🅰️",
        "𓀀",
        "ꙮ",
        "﷽",
        "\U0001f1e9\U0001f1ea",
    ),
)
_EMOJI = (*("🙂", "🙂" * 40, "👩‍👩‍👧‍👦", "👍🏽", "🏳️‍🌈", "❤️", "1️⃣", "\U0001f468\u200d", "\ufe0f", "\u20e3", "🟥 URGENT"),)
_CELLS = (
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "=HYPERLINK(1)",
    "\t=1",
    "a,b;c",
    '"a""b"',
    "NULL",
    "None",
    "null",
    "nan",
    "-0",
)
_SQL = ("' OR 1=1 --", "'; DROP TABLE person; --", "\\'; --", "1e999", "0x41", "true", "[]", '{"a": 1}', "[1,2]")
_LONG = ("x" * 32, "x" * 33, "x" * 80, "word " * 12, "ä" * 32, "𝕏" * 32, "x\u0301" * 16, "a b " * 8)
_PRETENDING = (
    "Understory",
    "Fay",
    "Fay ",
    " Fay",
    "FAY",
    "F\u0430y",
    "🔴 Fay",
    "Telegram",
    "Support",
    "Ann\nFay: hello",
)
CORPUS = [
    *(*_MARKUP, *_TEMPLATES, *_LINKS, *_INVISIBLE, *_SCRIPTS, *_EMOJI, *_CELLS, *_SQL, *_LONG, *_PRETENDING),
    *(one + other for one, other in product(("<b>", "&", "\u202e"), ("😀", "{x}", "/call", "@a_bot", "\u200b"))),
]


def test_there_are_two_hundred() -> None:
    assert len(CORPUS) >= 200
    assert len(set(CORPUS)) == len(CORPUS)


def visible(words: str) -> bool:
    """Whether an app would send it at all."""
    return any(unicodedata.category(c) not in {"Cc", "Cf", "Zs", "Zl", "Zp"} for c in words)


def bundles(longest: int) -> Iterator[str]:
    """All of them in as few messages as fit."""
    bundle = ""
    for words in filter(visible, CORPUS):
        line = words.replace("\n", " ").replace("\r", " ").strip()
        if len(bundle) + len(line) + 1 > longest:
            yield bundle
            bundle = ""
        bundle = f"{bundle}\n{line}" if bundle else f". {line}"  # a message that begins with / would be a command
    yield bundle


def types(messages: Sequence[Message]) -> set[str]:
    return {entity["type"] for message in messages for entity in message.entities}


def as_shown(words: str) -> str:
    """What Telegram leaves of words that somebody types."""
    words = re.sub("[\r\u2028-\u202e]", "", words)
    return re.sub("[\x00-\x08\x0b-\x0c\x0e-\x1f]", " ", words).strip()


# ── Names ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@ON_SQLITE
async def test_every_name_that_is_typed_is_shown_or_refused_kindly(maple: House) -> None:
    maple.stage.person("Cleo")
    await maple.say("Fay", "/newcohort couple Oak Cleo Dan Europe/Berlin")
    await maple.press_newest("Fay", "☐ Each was screened alone, off this bot", "○ It stays with me", "Make the links")
    await maple.open("Cleo", link_for(maple, "Cleo"))
    await maple.press_newest("Cleo", "Go on", "Go on", "I am 18 or older, go on")
    ask = maple.newest("Cleo", "Another name")
    typed = [words for words in CORPUS if visible(words) and not words.startswith("/")]

    for words in typed[::2]:
        phone = maple.phone("Cleo")
        phone.forge(ask.id, carried(ask, "Another name"))
        phone.say(words)
    await maple.settled()

    assert {call.description for call in maple.stage.journal.refused()} <= {NOT_MODIFIED}  # the question, again
    assert [words for message in maple.phone("Cleo").received for words in to_tap(message)] == []


@ON_SQLITE
async def test_every_name_of_a_cohort_is_shown_or_refused_kindly(maple: House) -> None:
    before = len(maple.phone("Fay").received)
    names = [words.replace('"', "") for words in CORPUS[1::3] if visible(words.replace('"', ""))]

    for words in names:
        maple.phone("Fay").say(f'/newcohort couple "{words}" Ann Bob Europe/Berlin')
    await maple.settled()

    answered = maple.phone("Fay").received[before:]
    assert len(answered) == len(names)
    assert maple.stage.journal.refused() == []
    assert [words for message in answered for words in to_tap(message)] == []


@ON_SQLITE
async def test_every_title_is_shown_as_it_is(maple: House) -> None:
    before = len(maple.phone("Fay").received)
    titles = [as_shown(words) for words in CORPUS[2::6] if visible(words)]

    for words in titles:
        maple.phone("Fay").say(f"/gathering Maple 2026-12-12 14:00 1h {words}")
    await maple.settled()

    answered = maple.phone("Fay").received[before:]
    shown = [message.words for message in answered]
    assert [title for title, words in zip(titles, shown, strict=True) if " ".join(title.split()) not in words] == []
    assert maple.stage.journal.refused() == []
    assert types(answered) <= OURS | FOUND_BY_TELEGRAM


STRANGERS = {
    "markup": ('<b>Ann</b> & "co"', "</b>{name}&lt;", "<i>Fay"),
    "links": ("t.me/evil @evil_bot", "/gone #maple $AAPL", "https://evil.example"),
    "directions": ("אנה\u202e\u2066Ann", "\u200bبوب\u200f", "\u202eyaF"),
    "nothing to see": ("\u200b\u2060", "\u2800", "\u00ad"),
}


@ON_SQLITE
@pytest.mark.parametrize("names", STRANGERS.values(), ids=STRANGERS.keys())
async def test_people_with_strange_names_go_through_everything(maple: House, names: tuple[str, str, str]) -> None:
    *couple, holder = names
    for number, name in enumerate(names, start=5001):
        maple.stage.person(name, id=number)
    await maple.open(holder, (await maple.say("Fay", "/appoint")).words.split()[0])
    await maple.say(holder, "/newcohort couple Oak One Two Europe/Berlin")
    await maple.press_newest(holder, "☐ Each was screened alone, off this bot", "○ It stays with me", "Make the links")
    for name, label in zip(couple, ("One", "Two"), strict=True):
        await join(maple, name, link_for(maple, label, on=holder), switches=())
        await maple.press_newest(holder, "Admit")

    await maple.say(holder, "/session Oak 2026-11-28 14:00 3h")
    await maple.press_newest(holder, "Confirm")
    for name in couple:
        await maple.press_newest(name, "I'm coming")
        for words in ("/call", "/next", "/settings", "/mydata", "/help", "/leave", "/unpair", "Some words"):
            await maple.say(name, words)
    for words in ("/cohorts", "/board", "/board Oak", "/alerts", "/role Oak", "/broadcast Oak Hello", "/unpair Oak"):
        await maple.say(holder, words)
    await maple.until(berlin(28, 17, 5))
    await maple.press_newest(holder, "It has ended now", "With a companion", "Alone")

    shown = [message for name in names for message in maple.phone(name).received]
    assert maple.stage.journal.refused() == []
    assert types(shown) <= OURS | FOUND_BY_TELEGRAM
    assert [words for message in shown for words in to_tap(message)] == []


OUR_LINK = re.compile(rf"/({'|'.join(COMMANDS)})|https://t\.me/understory_bot\S+|findahelpline\.com")


def to_tap(message: Message) -> list[str]:
    """What Telegram made of a message's words by itself, apart from our own commands and addresses."""
    found = (entity for entity in message.entities if entity["type"] in FOUND_BY_TELEGRAM)
    words = (utf16_slice(message.words, entity["offset"], entity["length"]) for entity in found)
    return [one for one in words if not OUR_LINK.fullmatch(one)]


# ── Words ──────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_letter_is_read_as_it_was_written(maple: House) -> None:
    for bundle in bundles(2500):
        await maple.say("Ann", bundle)
        await maple.press_newest("Ann", "Send to Fay")
        letter = await maple.press_newest("Fay", "Open")
        await maple.press("Fay", letter, "Answer")
        await maple.say("Fay", bundle)
        answer = await maple.press_newest("Ann", "Open")

        assert as_shown(bundle) in letter.words
        assert as_shown(bundle) in answer.words
    assert types(maple.phone("Ann").received) <= OURS | FOUND_BY_TELEGRAM
    assert maple.stage.journal.refused() == []


async def test_a_broadcast_is_read_as_it_was_written(maple: House) -> None:
    for number, bundle in enumerate(bundles(4000)):
        await maple.say("Fay", f"/broadcast Maple {bundle}")
        await maple.press_newest("Fay", "Send")
        await maple.until(SATURDAY_MORNING + timedelta(minutes=number + 1))

        assert as_shown(bundle) in maple.shown("Ann")[-1]
    assert types(maple.phone("Ann").received) <= OURS | FOUND_BY_TELEGRAM
    assert maple.stage.journal.refused() == []


async def test_a_journal_keeps_what_was_written_exactly(maple: House) -> None:
    written = list(bundles(4000))
    for bundle in written:
        await maple.say("Ann", bundle)
        await maple.press_newest("Ann", "Keep for me")
    await maple.say("Ann", "/journal")

    async with maple.bot.runtime.database.transaction() as tx:
        entries = await tx.scalars(select(JournalEntry).order_by(JournalEntry.written_at, JournalEntry.id))
        kept = [tx.open(entry, "words") for entry in entries]
    assert kept == [as_shown(bundle) for bundle in written]
    assert maple.stage.journal.refused() == []


async def test_a_sealed_answer_opens_as_it_was_written(planned: House) -> None:
    lines = dict(zip(("Ann", "Bob"), bundles(290), strict=False))
    await planned.until(berlin(27, 19, 30))
    for name, line in lines.items():
        await unfold(planned, name)
        await planned.say(name, line)
    for name in lines:
        await planned.press_newest(name, "Share it then")
    await planned.settled()

    for reader, author in (("Ann", "Bob"), ("Bob", "Ann")):
        opened = await planned.press(reader, folded(planned, reader)[-1], "Open")
        assert as_shown(lines[author]) in opened.words
        assert types([opened]) <= OURS | FOUND_BY_TELEGRAM
    assert {call.description for call in planned.stage.journal.refused()} <= {NOT_MODIFIED}  # a page closed by itself


async def test_details_are_read_as_they_were_written(planned: House) -> None:
    written = next(bundles(590))
    await planned.say("Fay", "/details Maple 1")
    await planned.press_newest("Fay", "Place")
    await planned.say("Fay", written)
    await planned.until(berlin(27, 18))

    page = await unfold(planned, "Ann")

    assert as_shown(written) in page.words
    assert types([page]) <= OURS | FOUND_BY_TELEGRAM
    assert planned.stage.journal.refused() == []


# ── Thousands of emoji ─────────────────────────────────────────────────────────────────────────────────────────────

EMOJI = "🙂" * 4096


async def test_four_thousand_emoji_reach_whom_they_are_sent_to(maple: House) -> None:
    await maple.say("Ann", EMOJI)
    await maple.press_newest("Ann", "Send to Fay")
    letter = await maple.press_newest("Fay", "Open")
    seen = letter.words.count("🙂")
    await maple.press("Fay", letter, "›")

    assert seen + letter.words.count("🙂") == 4096
    assert maple.stage.journal.refused() == []


@pytest.mark.parametrize("command", ["/broadcast Maple ", "/newcohort couple ", "/session ", "/details Maple 1 ", ""])
async def test_four_thousand_emoji_anywhere_are_answered_kindly(planned: House, command: str) -> None:
    for name in ("Ann", "Fay"):
        before = len(planned.phone(name).received)
        await planned.say(name, command + EMOJI[: 4096 - len(command)])

        assert len(planned.phone(name).received) == before + 1
    assert planned.stage.journal.refused() == []


async def test_an_answer_that_is_too_long_is_refused_and_not_lost(planned: House) -> None:
    await planned.until(berlin(27, 19, 30))
    await unfold(planned, "Ann")

    refused = await planned.say("Ann", EMOJI)

    assert refused.words == (
        "That is 4096 characters, and 300 fit here. Your message is still above: shorten it and send it again."
    )
    assert [message.words for message in planned.phone("Ann").messages if message.words == EMOJI] == [EMOJI]


async def test_a_command_may_be_followed_by_a_new_line(maple: House) -> None:
    preview = await maple.say("Fay", "/broadcast\nMaple Hello")

    assert "2 people" in preview.words


def carried(message: Message, label: str) -> str:
    return next(button["callback_data"] for row in message.keyboard for button in row if button["text"] == label)
