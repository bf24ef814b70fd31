from __future__ import annotations

from datetime import timedelta

import pytest
from couple import NOON, SAO_PAULO, add_facilitator, add_maple, add_person, letters, said
from sqlalchemy import select

from bot.broadcasts import letters as post
from bot.broadcasts.compose import COMPOSERS, enclosed, folded, sort_words, unfolded
from bot.broadcasts.queries import places_of
from bot.broadcasts.rules import LONGEST_PAGE, NobodyToWriteTo, NotYourLetter, pages
from bot.messages import Attachment, visible_length
from bot.storage.drafts import DraftGone, keep_draft, read_draft
from bot.storage.tables import Alert, Draft, Facilitation, JournalEntry, Note, Person
from bot.texts import Texts
from bot.words import AlertCause, AlertState, Level, MemberState

CANARY = "canary-🐤-words"
T = Texts("en", SAO_PAULO)


async def ann_wrote(tx, maple, words=CANARY, attachment=None):
    content = {"text": words, "message": 5, "attachment": post.as_content(attachment)}
    return await keep_draft(tx, maple.ann.person_id, "words", content, now=NOON)


async def ann_sent(tx, maple, words=CANARY, attachment=None, now=NOON):
    ann = await tx.get_one(Person, maple.ann.person_id)
    return await post.send_words(tx, await ann_wrote(tx, maple, words, attachment), ann, maple.ann.id, now=now)


async def fay_wrote(tx, maple, words=CANARY, now=NOON):
    content = {"text": words, "message": 6, "attachment": None}
    draft = await keep_draft(tx, maple.fay.id, "letter", content, now=now)
    return await post.send_letter(tx, draft, maple.fay, maple.ann.id, now=now)


# ── From a member ──────────────────────────────────────────────────────────────────────────────────────────────────


async def test_what_ann_sends_reaches_every_facilitator_without_a_word_in_the_notification(database):
    async with database.transaction() as tx:
        maple = await add_maple(tx)
        gil = await add_facilitator(tx, maple.cohort, "Gil", 31)

        note = await ann_sent(tx, maple)

        rows = [*await letters(tx, note.id, maple.fay), *await letters(tx, note.id, gil)]
        assert [(row.kind, row.due_at) for row in rows] == [("note", NOON)] * 2
        assert [(await said(tx, row, COMPOSERS, NOON)).text for row in rows] == ["A note for you."] * 2
        assert await letters(tx, note.id, maple.bob) == []


async def test_at_night_a_note_arrives_without_a_sound(database):
    night = NOON + timedelta(hours=14)  # 23:00 in São Paulo
    async with database.transaction() as tx:
        maple = await add_maple(tx)

        note = await ann_sent(tx, maple, now=night)

        (row,) = await letters(tx, note.id)
        assert (row.due_at, row.silent) == (night, True)


async def test_the_words_unfold_for_fay_and_are_sealed_in_the_database(database):
    async with database.transaction() as tx:
        maple = await add_maple(tx)
        note = await ann_sent(tx, maple)

        read = await post.read_letter(tx, note.id, maple.fay, now=NOON + timedelta(minutes=1))

        assert (await unfolded(tx, read, T, 0)).text == f"<b>Ann</b> (Maple), Mon 30 Nov, 09:00\n\n{CANARY}"
        assert read.read_at == NOON + timedelta(minutes=1)
        assert CANARY.encode() not in note.words


async def test_sending_the_same_words_twice_sends_them_once(database):
    async with database.transaction() as tx:
        maple = await add_maple(tx)
        draft = await ann_wrote(tx, maple)
        ann = await tx.get_one(Person, maple.ann.person_id)
        await post.send_words(tx, draft, ann, maple.ann.id, now=NOON)

        with pytest.raises(DraftGone):
            await read_draft(tx, draft.id, ann.id, "words", now=NOON)


async def test_words_cannot_be_sent_from_somebody_elses_place(database):
    async with database.transaction() as tx:
        maple = await add_maple(tx)
        draft = await ann_wrote(tx, maple)
        ann = await tx.get_one(Person, maple.ann.person_id)

        with pytest.raises(NobodyToWriteTo):
            await post.send_words(tx, draft, ann, maple.bob.id, now=NOON)


async def test_words_are_not_lost_while_nobody_holds_the_cohort(database):
    async with database.transaction() as tx:
        maple = await add_maple(tx)
        (await tx.scalars(select(Facilitation))).one().ended_at = NOON
        draft = await ann_wrote(tx, maple)
        ann = await tx.get_one(Person, maple.ann.person_id)

        with pytest.raises(NobodyToWriteTo):
            await post.send_words(tx, draft, ann, maple.ann.id, now=NOON)
        assert await read_draft(tx, draft.id, ann.id, "words", now=NOON) is draft
        assert await places_of(tx, ann) == []


@pytest.mark.parametrize("who", ["bob", "stranger", "former"])
async def test_nobody_but_those_who_hold_ann_can_read_her_note(database, who):
    async with database.transaction() as tx:
        maple = await add_maple(tx)
        former = await add_facilitator(tx, maple.cohort, "Gil", 31)
        ended = select(Facilitation).where(Facilitation.person_id == former.id)
        (await tx.scalars(ended)).one().ended_at = NOON
        reader = {
            "bob": await tx.get_one(Person, maple.bob.person_id),
            "stranger": await add_person(tx, "Sam", 50),
            "former": former,
        }[who]
        note = await ann_sent(tx, maple)

        with pytest.raises(NotYourLetter):
            await post.read_letter(tx, note.id, reader, now=NOON)
        assert note.read_at is None


async def test_what_ann_keeps_becomes_a_sealed_journal_entry_and_no_note(database):
    async with database.transaction() as tx:
        maple = await add_maple(tx)
        ann = await tx.get_one(Person, maple.ann.person_id)

        entry = await post.keep_words(tx, await ann_wrote(tx, maple), ann, now=NOON)
        await tx.flush()

        assert tx.open(entry, "words") == CANARY
        assert CANARY.encode() not in entry.words
        assert (await tx.scalars(select(JournalEntry.person_id))).all() == [ann.id]
        assert (await tx.scalars(select(Note))).all() == []
        assert (await tx.scalars(select(Draft))).all() == []


async def test_the_question_says_who_can_read_and_offers_help(database):
    async with database.transaction() as tx:
        maple = await add_maple(tx)
        await add_facilitator(tx, maple.cohort, "Gil", 31)
        ann = await tx.get_one(Person, maple.ann.person_id)
        draft = await ann_wrote(tx, maple)

        screen = sort_words(T, draft.id, await places_of(tx, ann), may_keep=True)

        assert screen.text == (
            "What shall I do with this? Only Fay and Gil can read what you send. "
            "What you keep, nobody but you can read."
        )
        assert [row[0].label for row in screen.buttons] == ["Send to Fay and Gil", "Keep for me", "I need help now"]


async def test_a_voice_note_travels_as_a_reference_beside_its_words(database):
    async with database.transaction() as tx:
        maple = await add_maple(tx)
        voice = Attachment("voice", file_id="AwACAgIAAx")

        note = await ann_sent(tx, maple, "", voice)

        message = enclosed(tx, note, T)
        assert (message.attachment, message.protected) == (voice, True)
        assert b"AwACAgIAAx" not in note.attachment


async def test_the_longest_letter_is_read_in_pages_that_telegram_takes(database):
    longest = ("ümläut & <b> " * 400)[:4096]
    async with database.transaction() as tx:
        maple = await add_maple(tx)
        note = await ann_sent(tx, maple, longest)

        screens = [await unfolded(tx, note, T, page) for page in range(len(pages(longest)))]

        assert len(screens) == 2
        assert all(visible_length(screen.text) <= 4096 for screen in screens)
        assert [button.label for button in screens[0].buttons[0]] == ["›"]
        assert [button.label for button in screens[1].buttons[0]] == ["‹"]


# ── From a facilitator ─────────────────────────────────────────────────────────────────────────────────────────────


async def test_an_answer_reaches_ann_at_once_because_she_waits_for_it(database):
    night = NOON + timedelta(hours=11)  # midnight in Berlin
    async with database.transaction() as tx:
        maple = await add_maple(tx)
        await ann_sent(tx, maple, now=night - timedelta(hours=1))

        assert await fay_wrote(tx, maple, now=night) == night


async def test_somebody_who_asked_for_help_is_answered_at_night_too(database):
    night = NOON + timedelta(hours=11)
    async with database.transaction() as tx:
        maple = await add_maple(tx)
        tx.add(
            Alert(
                cohort_id=maple.cohort.id,
                member_id=maple.ann.id,
                level=Level.RED,
                cause=AlertCause.UNSAFE,
                state=AlertState.OPEN,
                raised_at=night,
                repeats=0,
            )
        )

        assert await fay_wrote(tx, maple, now=night) == night


async def test_words_out_of_the_blue_wait_for_anns_morning(database):
    night = NOON + timedelta(hours=11)
    async with database.transaction() as tx:
        maple = await add_maple(tx)

        assert await fay_wrote(tx, maple, now=night) == NOON + timedelta(hours=19)  # 08:00 in Berlin


async def test_ann_reads_who_wrote_and_only_then_what(database):
    async with database.transaction() as tx:
        maple = await add_maple(tx)
        await fay_wrote(tx, maple)
        note = (await tx.scalars(select(Note))).one()
        (row,) = await letters(tx, note.id, maple.ann)
        ann = await tx.get_one(Person, maple.ann.person_id)

        assert (await said(tx, row, COMPOSERS, NOON)).text == "A few words from Fay."
        read = await post.read_letter(tx, note.id, ann, now=NOON)
        assert (await unfolded(tx, read, T, 0)).text == (
            f"<b>Fay</b>, Mon 30 Nov, 09:00\n\n{CANARY}\n\nTo answer, just write here."
        )
        assert CANARY not in folded(T, read, "Fay").text


async def test_a_letter_to_ann_is_for_ann_alone(database):
    async with database.transaction() as tx:
        maple = await add_maple(tx)
        gil = await add_facilitator(tx, maple.cohort, "Gil", 31)
        await fay_wrote(tx, maple)
        note = (await tx.scalars(select(Note))).one()

        for person in (gil, await tx.get_one(Person, maple.bob.person_id)):
            with pytest.raises(NotYourLetter):
                await post.read_letter(tx, note.id, person, now=NOON)


async def test_a_facilitator_writes_only_to_those_they_hold_and_who_are_there(database):
    async with database.transaction() as tx:
        maple = await add_maple(tx)
        sam = await add_person(tx, "Sam", 50)
        draft = await keep_draft(tx, sam.id, "letter", {"text": "x", "attachment": None}, now=NOON)

        with pytest.raises(NobodyToWriteTo):
            await post.send_letter(tx, draft, sam, maple.ann.id, now=NOON)
        maple.ann.state = MemberState.LEFT
        with pytest.raises(NobodyToWriteTo):
            await fay_wrote(tx, maple)


# ── Pages ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("words", ["", "short", "a" * 9000, "word " * 2000, "line\n" * 2000, "👨‍👩‍👧 " * 900])
def test_pages_lose_nothing_and_none_is_too_long(words):
    found = pages(words)

    assert "".join(found) == words
    assert all(len(page) <= LONGEST_PAGE for page in found)
