"""What a facilitator types and presses, against the real handlers; the words are the same on every database."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from maple import END, NOW, START, Maple, Phone, add_facilitator, add_member, add_person, labels, refusal
from sqlalchemy import func, select

from bot.buttons import Tap, UnknownButton, decode, encode
from bot.enrolment.rules import NotYours
from bot.messages import Message
from bot.scheduling.rules import (
    ChangedMeanwhile,
    DetailTooLong,
    InThePast,
    NoSuchMeeting,
    NotALink,
    Overlaps,
    StaleInvitation,
)
from bot.scheduling.typed import NotUnderstood
from bot.storage.drafts import DraftGone
from bot.storage.tables import Cohort, Draft, Facilitation, Meeting, Person
from bot.words import MeetingKind, MeetingState, Role
from handlers import scheduling

# One database is enough for words; what is written is tested on both in the other files.
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

THE_SESSION = "/session Maple 2026-11-28 14:00 3h"
HOUR = timedelta(hours=1)


async def _meetings(maple: Maple) -> list[Meeting]:
    async with maple.database.transaction() as tx:
        return list(await tx.scalars(select(Meeting).order_by(Meeting.starts_at)))


async def _drafts(maple: Maple) -> int:
    async with maple.database.transaction() as tx:
        return await tx.scalar(select(func.count()).select_from(Draft)) or 0


# ── Plan ───────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_one_line_shows_what_it_would_do_and_does_nothing(maple: Maple, fay: Phone) -> None:
    preview = await fay.command(THE_SESSION + " Our evening")

    lines = preview.text.splitlines()
    assert lines[:5] == [
        "<b>Maple, session 1</b>",
        "Saturday, 28 November, 14:00 to 17:00, Berlin time, 3h",
        "<i>Our evening</i> (everybody invited reads this)",
        "Ann and Bob: 14:00 their time",
        "2 invitations go out.",
    ]
    assert lines[5].endswith("messages are planned, the first Fri 27 Nov, 18:00.")
    assert labels(preview) == ["Confirm", "Change", "Cancel"]
    assert await _meetings(maple) == []


async def test_confirming_plans_it_once(maple: Maple, fay: Phone) -> None:
    preview = await fay.command(THE_SESSION)

    done = await fay.press("Confirm")
    again = await refusal(fay.press("Confirm", on=preview))

    assert done.text.startswith("It is planned.\n\n<b>Maple, session 1</b>")
    assert [meeting.starts_at for meeting in await _meetings(maple)] == [START]
    assert again is DraftGone


async def test_buttons_lead_all_the_way(maple: Maple, fay: Phone) -> None:
    page = await fay.taps(encode(Tap("sessions", maple.cohort_id)))
    days = await fay.press("New gathering")
    await fay.press("›")
    await fay.press("‹")
    hours = await fay.press("28")
    lengths = await fay.press("14:00")
    preview = await fay.press("1h30")
    await fay.press("Confirm")

    (meeting,) = await _meetings(maple)
    assert page.text == "<b>Maple</b>, Berlin time\nNothing is planned yet."
    assert labels(days)[7:13] == ["[23]", "24", "25", "26", "27", "28"]
    assert hours.text.startswith("<b>Saturday, 28 November</b>\nAt what time, Berlin time?")
    assert lengths.text.startswith("<b>Saturday, 28 November, 14:00</b>\nFor how long?")
    assert preview.text.startswith("<b>Maple, gathering g1</b>")
    assert (meeting.kind, meeting.starts_at, meeting.lasts) == (MeetingKind.GATHERING, START, 1.5 * HOUR)


async def test_every_question_also_takes_typed_words(maple: Maple, fay: Phone) -> None:
    asks_day = await fay.command("/session")
    asks_length = await fay.types("Sat 6pm")
    preview = await fay.types("3 hours")

    assert "Which day?" in asks_day.text
    assert asks_length.text.startswith("<b>Saturday, 28 November, 18:00</b>\nFor how long?")
    assert "Saturday, 28 November, 18:00 to 21:00, Berlin time, 3h" in preview.text


async def test_words_that_are_no_time_lose_nothing(maple: Maple, fay: Phone) -> None:
    await fay.command("/session Maple Sat")

    no = await refusal(fay.types("whenever you like"))
    asks_length = await fay.types("18:30")

    assert no is NotUnderstood
    assert asks_length.text.startswith("<b>Saturday, 28 November, 18:30</b>")


async def test_an_hour_that_has_passed_is_refused_and_can_be_chosen_again(maple: Maple, fay: Phone) -> None:
    await fay.command("/session Maple today 11:00")
    fay.now = NOW + 2 * HOUR

    no = await refusal(fay.press("3h"))
    await fay.press("Another day")
    await fay.press("28")
    await fay.press("14:00")
    preview = await fay.press("3h")

    assert no is InThePast
    assert labels(preview) == ["Confirm", "Change", "Cancel"]


async def test_today_offers_only_hours_that_are_still_to_come(maple: Maple, fay: Phone) -> None:
    hours = await fay.command("/session Maple today")

    assert labels(hours)[0] == "11:00"  # it is 10:00 in Berlin


async def test_with_several_cohorts_the_bot_asks_for_whom(maple: Maple, fay: Phone) -> None:
    async with maple.database.transaction() as tx:
        oak = Cohort(**{c: getattr(await tx.get_one(Cohort, maple.cohort_id), c) for c in _COHORT}, created_at=NOW)
        tx.seal(oak, "name", "Oak")
        tx.add(oak)
        await tx.flush()
        tx.add(Facilitation(cohort_id=oak.id, person_id=maple.fay, since=NOW))

    asked = await fay.command("/session")
    days = await fay.press("Oak")
    typed_asked = await fay.command("/session")
    typed_days = await fay.types("map")

    assert labels(asked) == ["Maple", "Oak", "Cancel"] == labels(typed_asked)
    assert "Which day?" in days.text
    assert "Which day?" in typed_days.text


_COHORT = ["kind", "zone", "language", "seats", "programme", "secrets_policy", "screened_at", "screened_by"]


async def test_cancel_on_any_question_changes_nothing(maple: Maple, fay: Phone) -> None:
    await fay.command(THE_SESSION)
    pressed = await fay.press("Cancel")
    await fay.command("/session Maple")
    typed = await fay.command("/cancel")

    assert pressed.text == typed.text == "Nothing was changed."
    assert await _drafts(maple) == 0
    assert await _meetings(maple) == []


async def test_change_goes_back_to_the_day(maple: Maple, fay: Phone) -> None:
    await fay.command(THE_SESSION)

    days = await fay.press("Change")

    assert "Which day?" in days.text


async def test_a_meeting_in_the_way_is_named(maple: Maple, fay: Phone) -> None:
    await maple.planned()

    no = await refusal(fay.command("/session Maple 2026-11-28 16:00 1h"))

    assert no is Overlaps
    assert len(await _meetings(maple)) == 1


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("2027-10-31 02:30 3h", "That hour comes twice that day; I take the first, 02:30 (UTC+02:00)."),
        ("2027-03-28 02:30 3h", "That hour does not exist that day; I take 03:30 (UTC+02:00)."),
    ],
)
async def test_a_clock_change_is_said_and_decided(maple: Maple, fay: Phone, words: str, says: str) -> None:
    preview = await fay.command(f"/session Maple {words}")

    assert says in preview.text.splitlines()


async def test_a_preview_fits_a_phone_also_for_forty_in_many_zones(maple: Maple, fay: Phone) -> None:
    zones = ["Asia/Kolkata", "America/New_York", "Pacific/Auckland", "Europe/Berlin"]
    async with maple.database.transaction() as tx:
        for n in range(38):
            person = await add_person(tx, 2000 + n, f"Member {n}", ZoneInfo(zones[n % 4]))
            await add_member(tx, maple.cohort_id, person, f"Member {n}", 10 + n)

    preview = await fay.command(THE_SESSION)

    lines = preview.text.splitlines()
    assert lines[2] == "11 people: Sat 28 Nov, 14:00 their time"
    assert len(lines) <= 24  # every step that cannot be kept is named, whatever it takes
    assert max(len(line) for line in lines) < 120


# ── Move and call off ──────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_move_is_shown_with_its_counts_before_it_is_made(maple: Maple, fay: Phone) -> None:
    await maple.planned()

    preview = await fay.command("/move Maple 1 2026-12-05 15:00")
    between = (await _meetings(maple))[0].starts_at
    done = await fay.press("Confirm")

    lines = preview.text.splitlines()
    assert lines[1] == "Sat 28 Nov, 14:00 → Sat 5 Dec, 15:00, Berlin time"
    assert any(" move" in line for line in lines)
    assert between == START
    assert done.text.startswith("It has moved, and everybody will read so.")
    assert (await _meetings(maple))[0].starts_at == START + timedelta(days=7, hours=1)


async def test_a_move_by_buttons_asks_for_day_and_hour_only(maple: Maple, fay: Phone) -> None:
    meeting_id = await maple.planned()
    await fay.taps(encode(Tap("meeting", meeting_id)))

    await fay.press("Move")
    await fay.press("29")
    preview = await fay.press("15:00")

    assert "Sat 28 Nov, 14:00 → Sun 29 Nov, 15:00, Berlin time" in preview.text


async def test_of_two_moves_at_once_the_second_sees_that_it_has_changed(maple: Maple, fay: Phone) -> None:
    await maple.planned()
    await add_facilitator(maple, 1008, "Gil")
    gil = Phone(maple.database, 1008)
    await fay.command("/move Maple 1 2026-12-05 15:00")
    await gil.command("/move Maple 1 2026-12-06 15:00")
    await fay.press("Confirm")

    assert await refusal(gil.press("Confirm")) is ChangedMeanwhile
    assert (await _meetings(maple))[0].starts_at == START + timedelta(days=7, hours=1)


async def test_calling_off_asks_first_and_an_outdated_question_does_nothing(maple: Maple, fay: Phone) -> None:
    await maple.planned()
    await maple.send("invitation")

    question = await fay.command("/cancel Maple 1")
    await fay.command("/move Maple 1 2026-12-05 15:00")
    await fay.press("Confirm")
    outdated = await refusal(fay.press("Call it off", on=question))
    await fay.command("/cancel Maple 1")
    await fay.press("Call it off")

    assert "2 people read that it is cancelled." in question.text
    assert outdated is ChangedMeanwhile
    assert (await _meetings(maple))[0].state is MeetingState.CANCELLED


async def test_a_number_that_is_none_is_refused_with_the_ones_there_are(maple: Maple, fay: Phone) -> None:
    await maple.planned()

    noes = [
        await refusal(fay.command(line)) for line in ("/move Maple 7 Sat 6pm", "/cancel Maple g1", "/details Maple x")
    ]

    assert noes == [NoSuchMeeting] * 3


# ── Details ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_details_are_typed_one_by_one_and_say_who_reads_them(maple: Maple, fay: Phone) -> None:
    await maple.planned()

    page = await fay.command("/details Maple 1")
    question = await fay.press("What to bring")
    written = await fay.types("A blanket & <socks>")
    again = await fay.press("What to bring")
    cleared = await fay.press("Clear it")

    assert labels(page) == ["Place", "Link", "Who is there", "What to bring", "Music", "Instructions", "Back"]
    assert question.text == "<b>What to bring</b>\nPlease type it. Everybody in Maple will read it."
    assert "What to bring: A blanket &amp; &lt;socks&gt;" in written.text
    assert "Now it says: A blanket &amp; &lt;socks&gt;" in again.text
    assert "blanket" not in cleared.text


async def test_a_page_that_was_left_waits_for_no_words(maple: Maple, fay: Phone) -> None:
    await maple.planned()
    await fay.command("/details Maple 1")
    await fay.press("Place")
    await fay.press("Back")
    fay.now = END
    await fay.command("/ended")
    await fay.press("It ended at…")
    await fay.press("17:00")

    assert await _drafts(maple) == 0


@pytest.mark.parametrize(
    ("field", "words", "no"), [("Link", "room three", NotALink), ("Music", "x" * 601, DetailTooLong)]
)
async def test_a_refused_detail_can_be_typed_again(maple: Maple, fay: Phone, field: str, words: str, no: type) -> None:
    await maple.planned()
    await fay.command("/details Maple")
    await fay.press(field)

    refused = await refusal(fay.types(words))
    written = await fay.types("https://example.org/a")

    assert refused is no
    assert f"{field}: https://example.org/a" in written.text


# ── Coming and roles ───────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_member_answers_and_may_change_their_mind(maple: Maple, ann: Phone) -> None:
    meeting_id = await maple.planned()
    invitation = dict(await maple.send("invitation"))["Ann"]

    kept = await ann.press("I'm coming", on=invitation)
    changed = await ann.press("I'll be late")

    assert labels(kept) == ["✓ I'm coming", "I can't", "I'll be late"]
    assert changed.text.endswith("Thank you for saying so. Fay will see that you will be late.")
    assert (await maple.attendance(meeting_id))["Ann"].rsvp.value == "late"


async def test_nobody_answers_for_somebody_else(maple: Maple, fay: Phone, ann: Phone) -> None:
    meeting_id = await maple.planned()
    invitation = dict(await maple.send("invitation"))["Bob"]

    noes = [await refusal(phone.press("I can't", on=invitation)) for phone in (ann, fay)]

    assert noes == [NotYours, NotYours]
    assert (await maple.attendance(meeting_id))["Bob"].rsvp is None


async def test_an_invitation_to_an_old_time_says_so(maple: Maple, fay: Phone, ann: Phone) -> None:
    await maple.planned()
    invitation = dict(await maple.send("invitation"))["Ann"]
    await fay.command("/move Maple 1 2026-12-05 15:00")
    await fay.press("Confirm")

    assert await refusal(ann.press("I'm coming", on=invitation)) is StaleInvitation


async def test_the_facilitator_decides_what_an_answer_proposes(maple: Maple, fay: Phone, ann: Phone) -> None:
    meeting_id = await maple.planned()
    await ann.press("I can't", on=dict(await maple.send("invitation"))["Ann"])
    before = (await maple.attendance(meeting_id))["Ann"].role

    done = await fay.press("Count as absent", on=dict(await maple.send("rsvp-notice", now=NOW + 5 * HOUR))["Fay"])

    assert before is Role.RECEIVING
    assert done.text == "Ann is absent in session 1. What follows for them is planned anew."
    assert (await maple.attendance(meeting_id))["Ann"].role is Role.ABSENT


async def test_roles_are_set_by_command_and_by_buttons(maple: Maple, fay: Phone) -> None:
    meeting_id = await maple.planned()

    await fay.command("/role Maple Bob supporting")
    await fay.press("Roles")
    await fay.press("Ann")
    await fay.press("Absent")

    roles = {name: one.role for name, one in (await maple.attendance(meeting_id)).items()}
    assert roles == {"Ann": Role.ABSENT, "Bob": Role.SUPPORTING}


# ── Not theirs, forged, stale ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "line",
    [
        THE_SESSION,
        "/gathering Maple",
        "/move Maple 1 Sat 6pm",
        "/cancel Maple 1",
        "/details Maple 1",
        "/ended Maple",
        "/role Maple Ann absent",
    ],
)
async def test_commands_tell_nothing_to_people_who_do_not_hold_the_cohort(maple: Maple, ann: Phone, line: str) -> None:
    await maple.planned()

    assert await refusal(ann.command(line)) is NotYours


async def test_buttons_do_nothing_for_people_who_do_not_hold_the_cohort(maple: Maple, ann: Phone) -> None:
    meeting_id = await maple.planned()
    place = (await maple.attendance(meeting_id))["Bob"].id
    async with maple.database.transaction() as tx:
        await add_person(tx, 1077, "Mallory", ZoneInfo("UTC"))
    taps = [
        *(Tap(action, meeting_id) for action in ("meeting", "meeting-move", "meeting-cancel", "meeting-details")),
        *(
            Tap(action, meeting_id)
            for action in ("meeting-file", "meeting-roles", "ended-now", "ended-at", "ended-ask")
        ),
        *(Tap(action, meeting_id) for action in ("ended-not", "left-ask")),
        Tap("meeting-off", meeting_id, "0"),
        Tap("meeting-detail", meeting_id, "place"),
        Tap("detail-clear", meeting_id, "place"),
        Tap("ended-when", meeting_id, "1"),
        Tap("ended-fix", meeting_id, "1"),
        Tap("role-of", place),
        Tap("role-set", place, "absent"),
        Tap("left-how", place, "alone"),
        Tap("sessions", maple.cohort_id),
        Tap("meeting-new", maple.cohort_id, "session"),
        Tap("rsvp", meeting_id, "coming"),
        *(Tap(action, uuid4()) for action in ("meeting", "role-of", "sessions", "rsvp")),
    ]

    for phone in (ann, Phone(maple.database, 1077)):
        assert {tap.action: await refusal(phone.taps(encode(tap))) for tap in taps} == {
            tap.action: NotYours for tap in taps
        }


async def test_somebody_elses_draft_is_not_there(maple: Maple, fay: Phone) -> None:
    await add_facilitator(maple, 1008, "Gil")
    preview = await fay.command(THE_SESSION)
    gil = Phone(maple.database, 1008)

    noes = [await refusal(gil.press(label, on=preview)) for label in ("Confirm", "Change", "Cancel")]

    assert noes == [DraftGone] * 3
    assert await _meetings(maple) == []


async def test_forged_arguments_are_buttons_of_nobody(maple: Maple, fay: Phone) -> None:
    meeting_id = await maple.planned()
    days = await fay.command("/session Maple")
    draft = decode(days.buttons[-1][-1].data).ref
    forged = [
        Tap("meet-day", draft, "2026-99-99"),
        Tap("meet-hour", draft, "25.00"),
        Tap("meet-length", draft, "long"),
        Tap("meet-page", draft, "-1"),
        Tap("meet-for", draft, "abc"),
        Tap("meeting-detail", meeting_id, "diagnosis"),
        Tap("ended-when", meeting_id, "soon"),
    ]

    assert [await refusal(fay.taps(encode(tap))) for tap in forged] == [UnknownButton] * len(forged)


async def test_a_draft_of_another_cohort_cannot_be_slipped_in(maple: Maple, fay: Phone) -> None:
    async with maple.database.transaction() as tx:
        oak = Cohort(**{c: getattr(await tx.get_one(Cohort, maple.cohort_id), c) for c in _COHORT}, created_at=NOW)
        tx.seal(oak, "name", "Oak")
        tx.add(oak)
    draft = decode((await fay.command("/session Maple")).buttons[-1][-1].data).ref

    assert await refusal(fay.taps(encode(Tap("meet-for", draft, oak.id.hex)))) is NotYours


async def test_every_button_has_somebody_who_listens(maple: Maple, fay: Phone) -> None:
    await maple.planned()
    await fay.command(THE_SESSION.replace("28", "29"))
    for label in ("Confirm", "Details", "Back", "Roles", "Ann", "Back", "Back", "All meetings", "New session", "30"):
        await fay.press(label)
    await fay.press("Cancel")
    fay.now = END
    await fay.command("/ended")
    await fay.press("It ended at…")
    await fay.press("17:00")
    await fay.press("Skip the rest")

    shown = {decode(button.data).action for screen in fay.messages for row in screen.buttons for button in row}

    assert shown - scheduling.BUTTONS.keys() == {"cohort"}


async def test_every_screen_speaks_the_readers_language(maple: Maple, fay: Phone) -> None:
    async with maple.database.transaction() as tx:
        person = await tx.get_one(Person, maple.fay)
        person.language = "qps"
    await maple.planned()

    screens: list[Message] = [
        await fay.command(line)
        for line in ("/session Maple", "/session Maple Sun", "/session Maple Sun 9:00", "/session Maple Sun 9:00 1h")
    ]
    screens += [await fay.command(line) for line in ("/details Maple 1", "/cancel Maple 1", "/role Maple")]

    assert [screen.text for screen in screens if "⟦" not in screen.text] == []
    sentences = [
        line for screen in screens for line in screen.text.splitlines() if "Which day" in line or "will read" in line
    ]
    assert sentences == []
