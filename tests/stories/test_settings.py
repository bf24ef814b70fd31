"""Where somebody is, how they are written to, resting, unpairing and leaving: on the phones."""

from __future__ import annotations

from zoneinfo import available_timezones

import pytest
from house import House
from scenes import berlin, folded, found_maple, join, link_for, plan_the_session

from bot.buttons import Tap, decode, encode
from bot.enrolment.about import quiet_argument, quiet_choices
from bot.enrolment.zones import zone_named
from bot.rehearsal.message import Message

NOT_HERE = "There is nothing like that here for you. Send /start to see what is."
LONGEST_SCREEN = 12  # lines


@pytest.fixture
def beginnings(on_sqlite: object) -> object:
    """One database is enough for the screens: what they rest on is tested on both in tests/enrolment."""
    return on_sqlite


def lines_of(message: Message) -> list[str]:
    return [line for line in message.words.split("\n") if line]


def waiting(house: House, name: str) -> int:
    return len(folded(house, name))


# ── Settings ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_the_settings_say_where_one_is_and_fit_a_phone(maple: House) -> None:
    screen = await maple.say("Ann", "/settings")

    assert lines_of(screen) == [
        "Settings",
        "Zone: Berlin, 11:00 now",
        "Country: Germany. It decides which numbers /help shows.",
        "Quiet: 21:00 to 08:00",
        "Messages stay folded until you open them.",
    ]
    assert [row for row in screen.buttons if row != ["Deutsch"]] == [
        ["Zone", "Country"],
        ["Quiet hours", "Unfolded"],
        ["My place in Maple"],
        ["My data", "Help"],
    ]


async def test_a_city_that_is_one_place_is_taken_with_its_country(maple: House) -> None:
    await maple.say("Ann", "/settings")
    await maple.press_newest("Ann", "Zone")

    screen = await maple.say("Ann", "lisbon")

    assert lines_of(screen)[1:3] == [
        "Zone: Lisbon, 10:00 now",
        "Country: Portugal. It decides which numbers /help shows.",
    ]


async def test_of_several_places_the_pressed_one_is_taken(maple: House) -> None:
    await maple.say("Ann", "/settings")
    await maple.press_newest("Ann", "Zone")
    choice = await maple.say("Ann", "springfield")
    asked = choice.words

    screen = await maple.press("Ann", choice, "Springfield, United States · 02:00")

    assert asked == "There are several. Which one is it?"
    assert lines_of(screen)[1] == "Zone: Los Angeles, 02:00 now"


async def test_a_place_that_nobody_knows_is_asked_for_again_and_nothing_is_lost(maple: House) -> None:
    await maple.say("Ann", "/settings")
    await maple.press_newest("Ann", "Zone")

    refused = await maple.say("Ann", "qqqqqqqqqq")
    screen = await maple.say("Ann", "Europe/Lisbon")

    assert refused.words == (
        "I know no place of that name. Please type a larger city nearby, or a zone such as Europe/Berlin."
    )
    assert lines_of(screen)[1] == "Zone: Lisbon, 10:00 now"


async def test_going_back_ends_the_question_so_that_words_are_not_taken_for_a_city(maple: House) -> None:
    await maple.say("Ann", "/settings")
    await maple.press_newest("Ann", "Zone", "Back")

    asked = await maple.say("Ann", "Lisbon was lovely")

    assert asked.words.startswith("What shall I do with this?")


async def test_a_country_may_be_meant_by_its_beginning(maple: House) -> None:
    await maple.say("Ann", "/settings")
    await maple.press_newest("Ann", "Country")
    choice = await maple.say("Ann", "united k")

    screen = await maple.say("Ann", "/settings") if choice.words.startswith("Which") else choice

    assert lines_of(screen)[2] == "Country: United Kingdom. It decides which numbers /help shows."


async def test_quiet_hours_are_turned_one_end_at_a_time(maple: House) -> None:
    await maple.say("Ann", "/settings")
    await maple.press_newest("Ann", "Quiet hours", "from 22:00", "until 07:00")

    screen = await maple.press_newest("Ann", "Done")

    assert lines_of(screen)[3] == "Quiet: 22:00 to 07:00"


async def test_who_wants_it_unfolded_reads_the_step_at_once(maple: House) -> None:
    await maple.say("Ann", "/settings")
    await maple.press_newest("Ann", "Unfolded")
    await plan_the_session(maple)

    await maple.until(berlin(27, 18, 30))

    assert [words for words in maple.shown("Ann") if words.startswith("Your session is on Saturday, 28 November")]
    assert [words for words in maple.shown("Bob") if words.startswith("Your session is on Saturday, 28 November")] == []


async def test_a_language_is_changed_with_its_menu_and_back(maple: House) -> None:
    await maple.say("Ann", "/settings")

    await maple.press_newest("Ann", "Deutsch")
    german = maple.phone("Ann").commands
    screen = await maple.press_newest("Ann", "English")

    assert german.keys() == maple.phone("Ann").commands.keys()
    assert lines_of(screen)[0] == "Settings"


def test_every_zone_fits_a_button_and_comes_back_as_itself() -> None:
    zones = [zone for zone in available_timezones() if "/" in zone and not zone.startswith(("posix/", "right/"))]

    carried = {zone: decode(encode(Tap("my-zone", None, zone.replace("/", ".")))).arg for zone in zones}

    assert {zone: zone_named(arg.replace(".", "/")) for zone, arg in carried.items()} == {zone: zone for zone in zones}


def test_every_choice_of_quiet_hours_fits_a_button() -> None:
    arguments = [quiet_argument(quiet) for quiet in quiet_choices()]

    assert [decode(encode(Tap("my-quiet", None, one))).arg for one in arguments] == arguments
    assert len(set(arguments)) == 16


@pytest.mark.parametrize(
    "data", ["my-zone::Mars.Olympus", "my-country::XX", "my-quiet::9999-0000", "my-language::tlh", "my-language::qps"]
)
async def test_a_forged_setting_changes_nothing(maple: House, data: str) -> None:
    before = await maple.say("Ann", "/settings")

    maple.phone("Ann").forge(before.id, data)
    await maple.settled()

    after = await maple.say("Ann", "/settings")
    assert maple.toast("Ann") == "This button is from an earlier time. Send /start to see what is here now."
    assert after.words == before.words


async def test_nobody_turns_anything_in_somebody_elses_place(maple: House) -> None:
    await maple.say("Ann", "/settings")
    place = await maple.press_newest("Ann", "My place in Maple")
    theirs = [button["callback_data"] for row in place.keyboard for button in row if button["text"] != "Back"]
    before = place.words

    for data in theirs:
        maple.phone("Bob").forge(1, data)
        await maple.settled()

    assert {toast.text for toast in maple.phone("Bob").toasts[-len(theirs) :]} == {NOT_HERE}
    await maple.say("Ann", "/settings")
    assert (await maple.press_newest("Ann", "My place in Maple")).words == before


# ── What comes next ────────────────────────────────────────────────────────────────────────────────────────────────


async def test_what_comes_next_says_when_and_never_what(planned: House) -> None:
    screen = await planned.say("Ann", "/next")

    assert lines_of(screen)[:4] == [
        "What comes next",
        "Fri 27 Nov, 18:00 · something small",
        "Fri 27 Nov, 19:30 · something small",
        "Sat 28 Nov, 11:00 · something small",
    ]
    assert "Sat 28 Nov, 14:00 · your session begins" in lines_of(screen)
    assert len(lines_of(screen)) <= LONGEST_SCREEN


async def test_an_hour_that_depends_on_the_other_is_not_told(planned: House) -> None:
    """What opens as soon as both share would otherwise move on one phone when the other has shared."""
    await planned.until(berlin(27, 20, 0))
    before = (await planned.say("Ann", "/next")).words
    await planned.press("Bob", folded(planned, "Bob")[-1], "Open")
    await planned.say("Bob", "A line about patience")
    await planned.press_newest("Bob", "Share it then")

    after = (await planned.say("Ann", "/next")).words

    assert after == before


async def test_who_has_nothing_planned_reads_that(maple: House) -> None:
    assert (await maple.say("Ann", "/next")).words == "Nothing is planned for you at the moment."


# ── Resting ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_pause_is_silent_and_the_other_gets_everything(planned: House) -> None:
    screen = await planned.say("Ann", "/pause")
    next_steps = await planned.say("Ann", "/next")

    await planned.until(berlin(27, 20, 30))

    assert lines_of(screen)[:2] == ["Maple", "Paused until you return."]
    assert lines_of(next_steps) == ["What comes next", "Sat 28 Nov, 14:00 · your session begins"]
    assert (waiting(planned, "Ann"), waiting(planned, "Bob")) == (0, 2)


async def test_coming_back_catches_nothing_up(planned: House) -> None:
    await planned.say("Ann", "/pause 3 d")
    await planned.until(berlin(23, 9, 0))
    again = lines_of(await planned.say("Ann", "/pause 6d"))
    await planned.until(berlin(28, 7, 0))

    back = await planned.say("Ann", "/resume")
    await planned.until(berlin(28, 7, 45))

    assert again[1] == "Paused until Sun 29 Nov, 09:00."
    assert lines_of(back)[1] == "Running."
    assert (waiting(planned, "Ann"), waiting(planned, "Bob")) == (0, 2)


async def test_what_cannot_be_paused_or_resumed_is_said_kindly(maple: House) -> None:
    assert (await maple.say("Ann", "/resume")).words == "You are not paused: everything runs. /pause lets it rest."
    assert (await maple.say("Ann", "/pause soon")).words == "How long? Try /pause 3d, /pause 12h or /pause alone."
    assert (await maple.say("Fay", "/pause")).words == (
        "You are not part of a group here. Open the link your facilitator gave you, if you have one."
    )


async def test_with_several_places_it_asks_which(maple: House) -> None:
    await maple.say("Fay", "/newcohort individual Birch Ann Europe/Berlin")
    await maple.press_newest("Fay", "☐ Screened alone, off this bot", "Make the links")
    await maple.open("Ann", link_for(maple, "Ann"))
    await maple.press_newest(
        "Ann", "Go on", "Go on", "☐ My check-ins may be read by Fay", "I am 18 or older, go on", "All right, go on"
    )
    await maple.press_newest("Fay", "Admit")

    asked = await maple.say("Ann", "/pause 3d")
    question = (asked.words, asked.labels)
    screen = await maple.press("Ann", asked, "Birch")

    assert question == ("Which one?", ["Maple", "Birch"])
    assert lines_of(screen)[:2] == ["Birch", "Paused until Tue 24 Nov, 11:00."]


async def test_a_lighter_pace_is_marked_and_nobody_else_is_told(planned: House) -> None:
    before = len(planned.shown("Bob"))
    await planned.say("Ann", "/settings")
    await planned.press_newest("Ann", "My place in Maple")

    screen = await planned.press_newest("Ann", "Very few")

    assert screen.buttons[3] == ["All steps", "Fewer", "● Very few"]
    assert planned.toast("Ann") == "Only you see this; the others go on as before."
    assert len(planned.shown("Bob")) == before


# ── Consents ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_consent_is_turned_off_at_once_and_not_on_again_in_the_first_hours(released: House) -> None:
    await released.say("Ann", "/settings")
    await released.press_newest("Ann", "My place in Maple")

    off = await released.press_newest("Ann", "☑ I may open single answers to my partner")
    said = lines_of(off)
    await released.press_newest("Ann", "☐ I may open single answers to my partner")

    assert said[3] == "Nothing of yours opens to your partner."
    assert (
        released.toast("Ann") == "In these first hours nothing can be shared more widely. Turning it off always works."
    )


async def test_turning_off_the_partner_switch_keeps_an_envelope_closed(released: House) -> None:
    await released.until(berlin(29, 19, 0))
    for name in ("Ann", "Bob"):
        await released.press(name, folded(released, name)[-1], "Open")
        await released.say(name, f"Words of {name}")
        await released.press_newest(name, "Share it then")
    await released.say("Ann", "/settings")
    await released.press_newest("Ann", "My place in Maple", "☑ I may open single answers to my partner")

    await released.until(berlin(30, 17, 0))
    inside = [(await released.press(name, folded(released, name)[-1], "Open")).words for name in ("Ann", "Bob")]

    assert inside == ["Nothing to open this time. There can be many reasons, some of them mine."] * 2


# ── Unpairing ──────────────────────────────────────────────────────────────────────────────────────────────────────

OFF = (
    "Paired messages are off for now. What was not open yet is gone; what was open is folded, though screenshots may "
    "exist. If you like, a few small steps for you alone can go on."
)


async def open_and_seal(house: House) -> None:
    """One envelope is open on both phones, the next one is sealed."""
    await house.until(berlin(29, 19, 0))
    for name in ("Ann", "Bob"):
        await house.press(name, folded(house, name)[-1], "Open")
        await house.say(name, f"A moment of {name}")
        await house.press_newest(name, "Share it then")
    await house.until(berlin(30, 17, 0))
    for name in ("Ann", "Bob"):
        await house.press(name, folded(house, name)[-1], "Open")
    await house.press_newest("Ann", "Thank you")
    await house.press("Bob", folded(house, "Bob")[-1], "Open")
    await house.until(berlin(30, 20, 30))
    for name in ("Ann", "Bob"):
        await house.press(name, folded(house, name)[-1], "Open")
        await house.say(name, f"Two things by {name}")
        await house.press_newest(name, "Share it then")


async def test_unpairing_folds_what_was_open_on_both_phones_and_both_read_the_same_line(evening: House) -> None:
    await open_and_seal(evening)
    before = evening.shown("Bob")

    asked = await evening.say("Ann", "/unpair")
    await evening.press("Ann", asked, "Yes, turn them off")

    assert "Ann shared this with you:" in "\n".join(before)
    for name, other in (("Ann", "Bob"), ("Bob", "Ann")):
        shown = evening.shown(name)
        assert [words for words in shown if f"A moment of {other}" in words or words.startswith("Ann: ")] == []
        assert shown.count(OFF) == 1
    assert evening.shown("Bob").count("This was folded away. Screenshots may exist.") == 2


async def test_after_unpairing_nothing_paired_comes_and_nothing_can_be_added(evening: House) -> None:
    await open_and_seal(evening)
    sealed = evening.newest("Bob", "Take it back")
    await evening.say("Ann", "/unpair")
    await evening.press_newest("Ann", "Yes, turn them off")

    await evening.press("Bob", sealed, "Change")
    toast = evening.toast("Bob")
    again = await evening.say("Bob", "/unpair")
    await evening.until(berlin(3, 19, 0, month=12))

    assert toast == "The hour for this one has passed, so it stays as it is."
    assert again.words == "There is nothing to turn off here. /settings shows what you can change."
    everything = "\n".join(text for name in ("Ann", "Bob") for text in evening.phone(name).ever_shown)
    assert "Two things by Ann" not in "\n".join(evening.phone("Bob").ever_shown)
    assert "One tiny thing you could both try" not in everything


async def test_a_facilitator_unpairs_by_name_after_reading_what_it_does(evening: House) -> None:
    await open_and_seal(evening)

    asked = await evening.say("Fay", "/unpair map")
    impact = asked.words
    done = await evening.press("Fay", asked, "Yes, turn them off")

    assert impact.startswith("Turn off paired messages in Maple?\n\n4 planned messages are withdrawn.")
    assert done.words == "Done. Both read the same line."
    assert [evening.shown(name).count(OFF) for name in ("Ann", "Bob")] == [1, 1]


async def test_without_a_name_a_facilitator_chooses_among_their_couples(maple: House) -> None:
    asked = await maple.say("Fay", "/unpair")
    couples = asked.labels
    confirm = await maple.press("Fay", asked, "Maple")

    assert couples == ["Maple"]
    assert confirm.labels == ["Yes, turn them off", "Not now"]


async def test_the_button_of_the_facilitator_is_nobody_elses(maple: House) -> None:
    asked = await maple.say("Fay", "/unpair Maple")
    data = asked.keyboard[0][0]["callback_data"]

    maple.phone("Bob").forge(1, data)
    await maple.settled()

    assert maple.toast("Bob") == NOT_HERE
    assert maple.shown("Ann").count(OFF) == 0


async def test_one_goes_on_alone_lightly_and_the_other_is_not_told(evening: House) -> None:
    await open_and_seal(evening)
    await evening.say("Ann", "/unpair")
    await evening.press_newest("Ann", "Yes, turn them off")
    before = evening.shown("Ann")

    screen = await evening.press_newest("Bob", "Go on alone, lightly")

    assert ["All steps", "Fewer", "● Very few"] in screen.buttons
    assert evening.shown("Ann") == before


# ── Leaving ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_leaving_is_silent_at_once_and_only_the_facilitator_is_told(planned: House) -> None:
    await planned.until(berlin(27, 18, 30))
    bobs = planned.shown("Bob")

    asked = await planned.say("Ann", "/leave")
    left = await planned.press("Ann", asked, "Yes, leave")
    after = len(planned.shown("Ann"))
    await planned.until(berlin(27, 20, 30))

    assert left.words == (
        "You have left. Nothing more will come. Take your data with you, or erase it, whenever you like: /mydata"
    )
    assert planned.shown("Fay")[-1] == "Ann has left Maple. Nothing more goes to them, and the others are not told."
    assert len(planned.shown("Ann")) == after
    assert planned.shown("Bob")[: len(bobs)] == bobs
    assert waiting(planned, "Bob") == 2


async def test_the_one_who_stays_is_still_asked_by_name(planned: House) -> None:
    await planned.until(berlin(27, 18, 30))
    await planned.say("Ann", "/leave")
    await planned.press_newest("Ann", "Yes, leave")

    await planned.until(berlin(27, 20, 30))
    asked = await planned.press("Bob", folded(planned, "Bob")[-1], "Open")

    assert asked.words.startswith(
        "One line, lightly held: what would you like to tend in yourself? You may keep it, or let Ann"
    )


async def test_buttons_of_somebody_who_has_left_are_refused_kindly_and_leaving_twice_is_the_same(maple: House) -> None:
    await maple.say("Ann", "/settings")
    place = await maple.press_newest("Ann", "My place in Maple")
    old = {button["text"]: button["callback_data"] for row in place.keyboard for button in row}
    asked = await maple.say("Ann", "/leave")
    yes = asked.keyboard[0][0]["callback_data"]
    await maple.press("Ann", asked, "Yes, leave")

    for data in (old["Pause 3 days"], old["Very few"], old["Turn off paired messages"]):
        maple.phone("Ann").forge(place.id, data)
        await maple.settled()
        assert maple.toast("Ann") == NOT_HERE
    maple.phone("Ann").forge(asked.id, yes)
    await maple.settled()

    assert asked.words.startswith("You have left.")
    assert [words for words in maple.shown("Fay") if words.startswith("Ann has left")] == [
        "Ann has left Maple. Nothing more goes to them, and the others are not told."
    ]
    assert (await maple.say("Ann", "/leave")).words.startswith("You are not part of a group here.")


async def test_who_is_still_joining_may_leave_too(house: House) -> None:
    links = await found_maple(house)
    await join(house, "Ann", links["Ann"])

    asked = await house.say("Ann", "/leave")
    await house.press("Ann", asked, "Yes, leave")
    await house.press_newest("Fay", "Admit")

    assert house.toast("Fay") == "This was already decided. Send /start to see how it stands."


async def test_somebody_who_left_can_come_back_by_a_new_link(maple: House) -> None:
    await maple.say("Ann", "/leave")
    await maple.press_newest("Ann", "Yes, leave")
    await maple.press_newest("Fay", "Seats and links", "New link for Ann")

    await join(maple, "Ann", link_for(maple, "Ann"))
    await maple.press_newest("Fay", "Admit")

    assert maple.shown("Ann")[-1].startswith("Your seat in Maple is open, Ann.")
