"""Letters and broadcasts, on the phones: the whole bot against the stage."""

from __future__ import annotations

from datetime import timedelta

from couple import NOON
from house import House

SECOND = timedelta(seconds=1)
CANARY = "the heron by the lake"


def shown(house: House, name: str) -> list[str]:
    return [message.words for message in house.phone(name).received[1:]]


async def test_words_out_of_the_blue_go_to_fay_when_ann_says_so_and_fay_answers(maple: House):
    ann, fay = maple.phone("Ann"), maple.phone("Fay")
    asked = await maple.say("Ann", CANARY)
    assert asked.buttons == [["Send to Fay"], ["Keep for me"], ["I need help now"]]
    assert shown(maple, "Fay") == []

    await maple.press("Ann", asked, "Send to Fay")
    assert asked.words == "Sent to Fay. I can't know when it is read."
    assert CANARY not in [message.words for message in ann.messages]
    note = fay.received[-1]
    assert (note.words, note.labels) == ("A note for you.", ["Open"])

    await maple.press("Fay", note, "Open")
    assert note.words.splitlines()[-1] == CANARY
    await maple.press("Fay", note, "Answer")
    sent = await maple.say("Fay", "I am here.")
    assert sent.words == "Sent to Ann."
    answer = ann.received[-1]
    assert answer.words == "A few words from Fay."
    await maple.press("Ann", answer, "Open")
    assert answer.words.splitlines()[2] == "I am here."
    await maple.press("Fay", note, "Fold")
    await maple.press("Ann", answer, "Fold")

    assert (note.words, answer.words) == ("A note for you.", "A few words from Fay.")
    assert shown(maple, "Bob") == []
    for name in ("Fay", "Ann"):
        assert CANARY not in " ".join(str(one) for one in maple.phone(name).notifications)


async def test_what_ann_keeps_is_in_her_journal_and_out_of_the_chat(maple: House):
    asked = await maple.say("Ann", CANARY)

    await maple.press("Ann", asked, "Keep for me")

    assert asked.words == "Kept. Only you can read it: /journal"
    assert CANARY in (await maple.say("Ann", "/journal")).words
    assert shown(maple, "Fay") == []


async def test_a_voice_note_reaches_fay_and_can_be_put_away(maple: House):
    maple.phone("Ann").send_voice()
    await maple.settled()
    asked = maple.phone("Ann").received[-1]
    assert asked.buttons == [["Send to Fay"], ["I need help now"]]

    await maple.press("Ann", asked, "Send to Fay")
    note = maple.phone("Fay").received[-1]
    await maple.press("Fay", note, "Open")

    voice = maple.phone("Fay").received[-1]
    assert (voice.voice, voice.protected) == (b"OggS", True)
    await maple.press("Fay", voice, "Put away")
    assert voice.deleted_at is not None


async def test_a_sticker_and_a_strangers_words_get_one_kind_sentence(maple: House):
    maple.stage.person("Sam", language="en", id=1009)

    maple.phone("Ann").send_sticker()
    await maple.settled()
    to_sam = await maple.say("Sam", CANARY)

    assert shown(maple, "Ann") == [
        "I can pass on words, pictures, voice notes and files. This is none of them, and I have not kept it."
    ]
    assert to_sam.words == "I did not expect words here, and I have not kept them. /start shows what there is."


async def test_a_broadcast_is_seen_sent_after_fifteen_seconds_and_reported(maple: House):
    fay = maple.phone("Fay")
    control = await maple.say("Fay", "/broadcast Maple Bring <b>socks</b>.\nAnd tea.")
    assert fay.received[-2].words == "From Fay:\nBring <b>socks</b>.\nAnd tea."
    assert control.words.splitlines()[:2] == ["This reaches 2 people.", "At once: Ann and Bob"]

    await maple.press("Fay", control, "Send")
    await maple.until(NOON + 14 * SECOND)
    assert shown(maple, "Ann") == shown(maple, "Bob") == []
    await maple.until(NOON + 90 * SECOND)

    assert shown(maple, "Ann") == shown(maple, "Bob") == ["From Fay:\nBring <b>socks</b>.\nAnd tea."]
    assert fay.received[-1].words == "2 people have it.\nAnn and Bob"


async def test_the_undo_goes_when_its_seconds_are_over(maple: House):
    control = await maple.say("Fay", "/broadcast Maple Socks.")
    await maple.press("Fay", control, "Send")
    await maple.until(NOON + 15 * SECOND)
    while_it_leaves = control.words, control.labels
    await maple.until(NOON + 90 * SECOND)

    assert while_it_leaves == ("It is on its way.", ["Stop the rest", "How far is it?"])
    assert (control.words, control.labels) == ("It has left.", [])


async def test_undo_and_double_taps_send_nothing(maple: House):
    control = await maple.say("Fay", "/broadcast all Socks.")
    data = control.keyboard[0][0]["callback_data"]
    await maple.press("Fay", control, "Send")
    await maple.press("Fay", control, "Undo")
    assert control.words == "Cancelled. Nobody has received it."

    maple.phone("Fay").forge(control.id, data)
    await maple.until(NOON + 60 * SECOND)

    assert shown(maple, "Ann") == []
    assert maple.phone("Fay").toasts[-1].text == (
        "This was sent, stopped or cancelled already. /broadcast begins a new one."
    )


async def test_buttons_all_the_way_with_a_picture(maple: House):
    choice = await maple.say("Fay", "/broadcast")
    await maple.press("Fay", choice, "Maple")
    maple.phone("Fay").send_photo(caption="The lake")
    await maple.settled()
    await maple.press("Fay", maple.phone("Fay").received[-1], "Send")

    await maple.until(NOON + 60 * SECOND)

    to_ann = maple.phone("Ann").received[-1]
    assert to_ann.words == "From Fay:\nThe lake"
    assert to_ann.photo is not None


async def test_a_broadcast_in_reply_repeats_what_was_replied_to(maple: House):
    original = maple.phone("Fay").say("Tea at four.")
    await maple.settled()

    await maple.say("Fay", "/broadcast Maple", original)

    assert maple.phone("Fay").received[-2].words == "From Fay:\nTea at four."


async def test_members_and_strangers_cannot_broadcast(maple: House):
    refused = await maple.say("Ann", "/broadcast all Socks.")

    assert refused.words == ("There is no group here that you hold.")
    assert shown(maple, "Bob") == []
