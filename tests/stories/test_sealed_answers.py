"""Two sealed answers: what opens, what does not, and what nobody can ever tell from it. On the phones."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from house import House
from scenes import FOLDED, NEUTRAL, berlin, folded, press_all, unfold

from bot.rehearsal.message import Message

OPENS = berlin(30, 17)
SEALED = "Sealed. Bob reads it on Mon 30 Nov, 17:00, only if you both answer and both choose to share."
PASSED = "The hour for this one has passed, so it stays as it is."
WORDS = {"Ann": "The heron stood in the reeds", "Bob": "A kite over the harbour"}

Conduct = Callable[[House], Awaitable[object]]


async def asked(house: House) -> dict[str, Message]:
    """Let 18:30 come, and open what is asked."""
    await house.until(berlin(29, 18, 30))
    return {name: await unfold(house, name) for name in ("Ann", "Bob")}


async def write(house: House, name: str, *choices: str) -> None:
    """Write an answer, then press these buttons on its page."""
    await house.say(name, WORDS[name])
    if choices:
        await house.press_newest(name, *choices)


async def opened(house: House, name: str) -> Message:
    """Let the hour come, and open the envelope."""
    await house.until(OPENS)
    return await unfold(house, name)


def has_ever_seen(house: House, name: str, words: str) -> bool:
    return any(words in shown for shown in house.phone(name).ever_shown)


# ── What opens ─────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_two_shared_answers_open_on_both_phones_at_the_announced_hour(evening: House) -> None:
    await asked(evening)
    for name in ("Ann", "Bob"):
        await write(evening, name, "Share it then")
    await evening.until(berlin(30, 16, 59))
    before = has_ever_seen(evening, "Ann", WORDS["Bob"]) or has_ever_seen(evening, "Bob", WORDS["Ann"])

    for_ann, for_bob = await opened(evening, "Ann"), await opened(evening, "Bob")

    assert not before
    assert (for_ann.sent_at, for_bob.sent_at) == (OPENS, OPENS)
    assert for_ann.words.splitlines()[:3] == ["Bob shared this with you:", "", WORDS["Bob"]]
    assert for_bob.words.splitlines()[:3] == ["Ann shared this with you:", "", WORDS["Ann"]]
    assert for_ann.protected


async def test_the_envelope_says_nothing_in_the_notification(evening: House) -> None:
    await asked(evening)
    for name in ("Ann", "Bob"):
        await write(evening, name, "Share it then")

    await evening.until(OPENS)

    for name in ("Ann", "Bob"):
        assert evening.phone(name).notifications[-1].text == FOLDED


async def test_a_typed_answer_leaves_the_chat_once_it_is_sealed(evening: House) -> None:
    await asked(evening)

    await write(evening, "Ann")

    assert not any(WORDS["Ann"] in message.words for message in evening.phone("Ann").messages)
    assert evening.shown("Ann")[-1] == f"{SEALED}\n\nIf you choose nothing, it stays yours."


async def test_the_facilitator_never_reads_a_sealed_answer(evening: House) -> None:
    await asked(evening)
    for name in ("Ann", "Bob"):
        await write(evening, name, "Share it then")
    await opened(evening, "Ann")
    await evening.say("Fay", "/board Maple")

    assert not any(has_ever_seen(evening, "Fay", words) for words in WORDS.values())


async def test_a_changed_answer_opens_as_it_was_last(evening: House) -> None:
    await asked(evening)
    for name in ("Ann", "Bob"):
        await write(evening, name, "Share it then")
    await evening.press_newest("Ann", "Change")
    await evening.say("Ann", "The heron flew away")

    for_bob = await opened(evening, "Bob")

    assert for_bob.words.splitlines()[2] == "The heron flew away"
    assert not has_ever_seen(evening, "Bob", WORDS["Ann"])


async def test_a_small_response_reaches_its_author_once(evening: House) -> None:
    await asked(evening)
    for name in ("Ann", "Bob"):
        await write(evening, name, "Share it then")
    for_bob = await opened(evening, "Bob")
    query = next(row[0]["callback_data"] for row in for_bob.keyboard if row[0]["text"] == "This touched me")

    await evening.press("Bob", for_bob, "This touched me")
    evening.phone("Bob").forge(for_bob.id, query)
    await evening.settled()

    arrived = [message for message in evening.phone("Ann").received if message.silent]
    assert [message.words for message in arrived] == [FOLDED]
    assert (await evening.press("Ann", arrived[0], "Open")).words == "Bob: This touched me"


async def ideas_side_by_side(house: House) -> dict[str, Message]:
    """Go on until two ideas for a small agreement lie open, on Wednesday."""
    for at in (berlin(29, 18, 30), berlin(30, 18, 30), berlin(30, 20), berlin(1, 9, 30, month=12)):
        await house.until(at)
        waiting = {name: folded(house, name) for name in WORDS}
        await press_all(house, waiting, "Open")
        await press_all(house, waiting, "Skip")
    await house.until(berlin(1, 18, month=12))
    for name in WORDS:
        await unfold(house, name)
        await write(house, name, "Share it then")
    await house.until(berlin(2, 17, month=12))
    return {name: await unfold(house, name) for name in WORDS}


async def test_an_idea_is_agreed_on_only_when_both_say_so(evening: House) -> None:
    pages = await ideas_side_by_side(evening)
    before = evening.phone("Bob").ever_shown
    await evening.press("Ann", pages["Ann"], "This is right for me")
    after = evening.phone("Bob").ever_shown

    await evening.press("Bob", pages["Bob"], "This is right for me")

    assert after == before
    for name, other in (("Ann", "Bob"), ("Bob", "Ann")):
        assert (await unfold(evening, name)).words == (
            f"You and {other} both said: this is right for me. So it is agreed, and it may fail."
        )


async def test_a_response_that_was_never_offered_reaches_nobody(evening: House) -> None:
    await asked(evening)
    for name in WORDS:
        await write(evening, name, "Share it then")
    envelope = await opened(evening, "Bob")
    tap = envelope.keyboard[0][0]["callback_data"].rpartition(":")[0]
    before = evening.phone("Ann").ever_shown

    evening.phone("Bob").forge(envelope.id, f"{tap}:invented")
    await evening.settled()

    assert evening.toast("Bob") == "That is not one of the answers here. Please use the buttons."
    assert evening.phone("Ann").ever_shown == before


# ── What stays closed ──────────────────────────────────────────────────────────────────────────────────────────────


async def never_answers(house: House) -> None: ...


async def passes(house: House) -> None:
    await house.press_newest("Ann", "Skip")


async def chooses_nothing(house: House) -> None:
    await write(house, "Ann")


async def keeps_it(house: House) -> None:
    await write(house, "Ann", "Keep it mine")


async def shares_then_keeps_it(house: House) -> None:
    await write(house, "Ann", "Share it then", "Keep it mine")


async def takes_it_back(house: House) -> None:
    await write(house, "Ann", "Share it then", "Take it back")


async def pauses(house: House) -> None:
    await write(house, "Ann", "Share it then")
    await house.say("Ann", "/pause")


async def leaves(house: House) -> None:
    await write(house, "Ann", "Share it then")
    await house.say("Ann", "/leave")
    await house.press_newest("Ann", "Yes, leave")


async def erases_everything(house: House) -> None:
    await write(house, "Ann", "Share it then")
    await house.say("Ann", "/mydata")
    await house.press_newest("Ann", "Erase everything", "Yes, erase everything")


async def needs_help(house: House) -> None:
    await write(house, "Ann", "Share it then")
    await house.say("Ann", "/help")
    await house.press_newest("Ann", "I need help now")
    await house.press_newest("Fay", "Open", "I've read it")


CONDUCTS = [
    never_answers,
    passes,
    chooses_nothing,
    keeps_it,
    shares_then_keeps_it,
    takes_it_back,
    pauses,
    leaves,
    erases_everything,
    needs_help,
]


@pytest.mark.parametrize("conduct", CONDUCTS, ids=[conduct.__name__ for conduct in CONDUCTS])
async def test_whatever_the_other_does_one_reads_the_same_at_the_same_hours(evening: House, conduct: Conduct) -> None:
    await asked(evening)
    await write(evening, "Bob", "Share it then")
    await conduct(evening)

    envelope = await opened(evening, "Bob")
    await evening.until(berlin(1, 9, 30, month=12))

    assert (envelope.sent_at, envelope.words) == (OPENS, NEUTRAL)
    assert [(note.at, note.text) for note in evening.phone("Bob").notifications] == [
        (berlin(29, 18, 30), FOLDED),
        (berlin(30, 9, 30), FOLDED),
        (OPENS, FOLDED),
        (berlin(30, 18, 30), FOLDED),
        (berlin(30, 20, 0), FOLDED),
        (berlin(1, 9, 30, month=12), FOLDED),
    ]
    assert not has_ever_seen(evening, "Bob", WORDS["Ann"])


async def test_who_shared_and_who_did_not_read_the_same_line(evening: House) -> None:
    await asked(evening)
    await write(evening, "Bob", "Share it then")
    await write(evening, "Ann", "Keep it mine")

    for_ann, for_bob = await opened(evening, "Ann"), await opened(evening, "Bob")

    assert (for_ann.words, for_bob.words) == (NEUTRAL, NEUTRAL)


async def test_nobody_learns_that_the_other_has_answered(evening: House) -> None:
    await asked(evening)
    before = evening.phone("Bob").ever_shown

    await write(evening, "Ann", "Share it then")
    await evening.until(berlin(30, 9))

    assert evening.phone("Bob").ever_shown == before


# ── After the hour ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("late", ["Keep it mine", "Change", "Take it back"])
async def test_nothing_changes_after_the_hour(evening: House, late: str) -> None:
    pages = await asked(evening)
    for name in ("Ann", "Bob"):
        await write(evening, name, "Share it then")
    tap = next(one["callback_data"] for row in pages["Ann"].keyboard for one in row if one["text"].endswith(late))
    await evening.until(OPENS)

    evening.phone("Ann").forge(pages["Ann"].id, tap)
    await evening.settled()

    assert evening.toast("Ann") == PASSED
    assert (await unfold(evening, "Bob")).words.splitlines()[2] == WORDS["Ann"]


async def test_words_that_come_after_the_hour_are_not_sealed_any_more(evening: House) -> None:
    pages = await asked(evening)
    await evening.until(OPENS)

    late = await evening.say("Ann", WORDS["Ann"], reply_to=pages["Ann"])

    assert late.words == PASSED
    assert any(message.words == WORDS["Ann"] for message in evening.phone("Ann").messages)


async def test_when_both_have_shared_the_eve_opens_at_once(planned: House) -> None:
    await planned.until(berlin(27, 19, 30))
    for name in ("Ann", "Bob"):
        await unfold(planned, name)
        await write(planned, name)
    await planned.press_newest("Ann", "Share it then")
    before = has_ever_seen(planned, "Bob", WORDS["Ann"])

    await planned.press_newest("Bob", "Share it then")

    assert not before
    for name, other in (("Ann", "Bob"), ("Bob", "Ann")):
        envelope = await unfold(planned, name)
        assert envelope.sent_at == berlin(27, 19, 30)
        assert envelope.words.splitlines()[2] == WORDS[other]
