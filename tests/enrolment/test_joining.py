"""From the link to the admission, on the phones."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from phones import Phones
from seating import ANN, BOB, EVE, FAY
from sqlalchemy import select

from bot.enrolment import consent, rules
from bot.messages import Message, visible_length
from bot.storage.database import Database
from bot.storage.tables import AuditEntry, ConsentGiven, Member, Person
from bot.texts import languages
from bot.words import Consent, MemberState

LINK = re.compile(r"start=([\w-]+)")


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """One kind is enough here: the actions under these screens are tried on both."""
    return sqlite_url


@pytest.fixture
async def phones(database: Database) -> Phones:
    """Fay owns the bot and has made Maple for Ann and Bob."""
    phones = Phones(database, owner=FAY)
    await make(phones, "couple Maple Ann Bob Europe/Berlin")
    return phones


async def make(phones: Phones, line: str) -> None:
    await phones.say(FAY, f"/newcohort {line}")
    if "individual" not in line:
        await phones.press(FAY, "I decide with care")
    await phones.press(FAY, "screened alone" if "individual" not in line else "Screened alone")
    await phones.press(FAY, "Make the links")


async def links(phones: Phones) -> list[str]:
    """The secrets of the links that Fay has been sent, in the order of the seats."""
    found = [(said.text, LINK.search(said.text)) for said in await phones.delivered(FAY)]
    return [match[1] for _, match in sorted(found) if match]


async def walk(phones: Phones, who: int, secret: str) -> Message:
    """Through all the screens without changing anything."""
    await phones.say(who, f"/start {secret}")
    await phones.press(who, "Go on")
    await phones.press(who, "Go on")
    await phones.press(who, "I am 18")
    return await phones.press(who, "All right")


async def the_member(phones: Phones, who: int) -> Member:
    async with phones.database.transaction() as tx:
        person = (await tx.scalars(select(Person).where(Person.telegram_id == who))).one()
        return (await tx.scalars(select(Member).where(Member.person_id == person.id))).one()


async def the_person(phones: Phones, who: int) -> Person:
    async with phones.database.transaction() as tx:
        return (await tx.scalars(select(Person).where(Person.telegram_id == who))).one()


async def test_a_couple_joins_and_is_admitted(phones: Phones) -> None:
    secrets = await links(phones)
    for who, secret in zip((ANN, BOB), secrets, strict=True):
        last = await walk(phones, who, secret)
        words = re.search(r"<b>(\w+ \w+)</b>", last.text.split("two words")[1])
        assert words is not None

        asked = (await phones.delivered(FAY))[-1] if who == ANN else await phones.say(FAY, "/start")
        if who == BOB:
            asked = await phones.press(FAY, "Bob waits")
        assert words[1] in asked.text

        await phones.press(FAY, "Admit")
        assert (await the_member(phones, who)).state is MemberState.ENROLLED
        assert "is open" in (await phones.delivered(who))[-1].text


async def test_there_are_five_short_screens(phones: Phones) -> None:
    secret = (await links(phones))[0]

    screens = [await phones.say(ANN, f"/start {secret}")]
    screens += [await phones.press(ANN, label) for label in ("Go on", "Go on", "I am 18", "All right")]

    assert len(screens) == 5
    assert all(len([line for line in screen.text.split("\n") if line]) <= 10 for screen in screens)
    assert all(visible_length(screen.text) <= 800 for screen in screens)


async def test_joining_goes_on_where_it_was_left(phones: Phones) -> None:
    secret = (await links(phones))[0]
    await phones.say(ANN, f"/start {secret}")
    there = await phones.press(ANN, "Go on")

    phones.later(timedelta(days=30))

    assert await phones.say(ANN, f"/start {secret}") == there
    assert await phones.say(ANN, "/start") == there


async def test_switches_are_off_until_they_are_turned_on_and_each_turn_is_written_down(phones: Phones) -> None:
    await phones.say(ANN, f"/start {(await links(phones))[0]}")
    await phones.press(ANN, "Go on")
    shown = await phones.press(ANN, "Go on")
    assert [button.label[0] for row in shown.buttons[:2] for button in row] == ["☐", "☐"]

    await phones.press(ANN, "partner")
    phones.later(timedelta(minutes=1))
    await phones.press(ANN, "check-ins")
    phones.later(timedelta(minutes=1))
    shown = await phones.press(ANN, "partner")
    await phones.press(ANN, "I am 18")

    assert [button.label[0] for row in shown.buttons[:2] for button in row] == ["☑", "☐"]
    async with phones.database.transaction() as tx:
        given = list(await tx.scalars(select(ConsentGiven).order_by(ConsentGiven.given_at)))
    assert [(row.switch, row.granted) for row in given] == [
        (Consent.PARTNER, True),
        (Consent.FACILITATOR, True),
        (Consent.PARTNER, False),
    ]
    assert {row.version for row in given} == {consent.VERSION}
    assert {row.language for row in given} == {"en"}


async def test_switches_never_touched_are_written_down_as_off(phones: Phones) -> None:
    await walk(phones, ANN, (await links(phones))[0])

    async with phones.database.transaction() as tx:
        given = list(await tx.scalars(select(ConsentGiven)))
        actions = list(await tx.scalars(select(AuditEntry.action)))

    assert {(row.switch, row.granted) for row in given} == {(Consent.FACILITATOR, False), (Consent.PARTNER, False)}
    assert "is-adult" in actions


async def test_a_switch_turned_twice_at_one_instant_stays_as_it_was_last(phones: Phones) -> None:
    await phones.say(ANN, f"/start {(await links(phones))[0]}")
    await phones.press(ANN, "Go on")
    await phones.press(ANN, "Go on")
    await phones.press(ANN, "partner")
    shown = await phones.press(ANN, "partner")

    assert "☑" not in "".join(phones.labels(ANN))
    assert shown.text


@pytest.mark.parametrize(
    ("kind", "switches"),
    [
        ("couple Oak Ann Bob", ["check-ins", "partner"]),
        ("group Oak 3", ["check-ins", "rounds"]),
        ("individual Oak Ann", ["check-ins"]),
    ],
)
async def test_each_kind_is_asked_for_its_own_switches(database: Database, kind: str, switches: list[str]) -> None:
    phones = Phones(database, owner=FAY)
    await make(phones, f"{kind} Europe/Berlin")
    await phones.say(ANN, f"/start {(await links(phones))[0]}")
    await phones.press(ANN, "Go on")
    await phones.press(ANN, "Go on")

    asked = [label for label in phones.labels(ANN) if label[0] in "☐☑"]

    assert len(asked) == len(switches)
    assert all(word in label for word, label in zip(switches, asked, strict=True))


async def test_minimal_mode_has_nothing_to_allow(database: Database) -> None:
    phones = Phones(database, owner=FAY)
    await phones.say(FAY, "/newcohort couple Oak Ann Bob Europe/Berlin")
    await phones.press(FAY, "Minimal mode")
    await phones.press(FAY, "I decide with care")
    await phones.press(FAY, "screened alone")
    await phones.press(FAY, "Make the links")

    await phones.say(ANN, f"/start {(await links(phones))[0]}")
    await phones.press(ANN, "Go on")
    await phones.press(ANN, "Go on")

    assert not [label for label in phones.labels(ANN) if label[0] in "☐☑"]
    await phones.press(ANN, "I am 18")


async def test_nobody_goes_on_without_saying_that_they_are_of_age(phones: Phones) -> None:
    await phones.say(ANN, f"/start {(await links(phones))[0]}")
    go_on = phones.screens[ANN].buttons[0][0].data or ""
    await phones.press(ANN, "Go on")
    await phones.press(ANN, "Go on")

    with pytest.raises(rules.NotThere):
        await phones.press_data(ANN, go_on.replace("readers", "about"))


async def test_screens_cannot_be_skipped(phones: Phones) -> None:
    await phones.say(ANN, f"/start {(await links(phones))[0]}")
    go_on = phones.screens[ANN].buttons[0][0].data or ""

    with pytest.raises(rules.NotThere):
        await phones.press_data(ANN, go_on.replace("readers", "switches"))


async def test_the_full_text_folds_back(phones: Phones) -> None:
    first = await phones.say(ANN, f"/start {(await links(phones))[0]}")

    longer = await phones.press(ANN, "Full text")

    assert visible_length(longer.text) > visible_length(first.text)
    assert await phones.press(ANN, "Fold") == first


async def test_time_zone_and_country_are_guessed_from_the_cohort_and_kept_only_when_confirmed(phones: Phones) -> None:
    await phones.say(ANN, f"/start {(await links(phones))[0]}")
    await phones.press(ANN, "Go on")
    await phones.press(ANN, "Go on")
    shown = await phones.press(ANN, "I am 18")

    assert "It is <b>13:00</b> for you, right? (Berlin)" in shown.text
    assert "Country: Germany" in shown.text
    assert (await the_person(phones, ANN)).zone_confirmed is False

    await phones.press(ANN, "All right")

    person = await the_person(phones, ANN)
    assert (person.zone.key, person.country, person.zone_confirmed) == ("Europe/Berlin", "DE", True)


async def at_the_fourth(phones: Phones, who: int = ANN) -> None:
    await phones.say(who, f"/start {(await links(phones))[0]}")
    await phones.press(who, "Go on")
    await phones.press(who, "Go on")
    await phones.press(who, "I am 18")


async def test_a_zone_can_be_picked(phones: Phones) -> None:
    await at_the_fourth(phones)
    await phones.press(ANN, "Another time")

    shown = await phones.press(ANN, "New York · 07:00")

    assert "It is <b>07:00</b> for you" in shown.text
    assert "Country: United States" in shown.text


async def test_a_city_can_be_typed_without_accents(phones: Phones) -> None:
    await at_the_fourth(phones)
    await phones.press(ANN, "Another time")

    shown = await phones.say(ANN, "zurich")

    assert "(Zurich)" in shown.text
    assert "Country: Switzerland" in shown.text


async def test_a_city_that_exists_twice_is_asked_about(phones: Phones) -> None:
    await at_the_fourth(phones)
    await phones.press(ANN, "Another time")
    shown = await phones.say(ANN, "London")
    assert shown.text == "There are several. Which one is it?"

    await phones.press(ANN, "London, Canada")

    assert (await the_person(phones, ANN)).zone.key == "America/Toronto"


async def test_a_city_that_is_mistyped_gets_the_nearest_ones_and_still_listens(phones: Phones) -> None:
    await at_the_fourth(phones)
    await phones.press(ANN, "Another time")
    await phones.say(ANN, "Lissabn")
    assert "Lisbon, Portugal · 12:00" in phones.labels(ANN)

    await phones.say(ANN, "lisboa")

    assert (await the_person(phones, ANN)).zone.key == "Europe/Lisbon"


async def test_the_country_that_was_chosen_is_not_overwritten_by_the_guess(phones: Phones) -> None:
    await at_the_fourth(phones)
    await phones.press(ANN, "Another country")
    await phones.say(ANN, "austria")

    await phones.press(ANN, "All right")

    person = await the_person(phones, ANN)
    assert (person.zone.key, person.country) == ("Europe/Berlin", "AT")


async def test_quiet_hours_are_chosen_by_buttons(phones: Phones) -> None:
    await at_the_fourth(phones)
    await phones.press(ANN, "Other quiet hours")
    await phones.press(ANN, "from 22:00")
    await phones.press(ANN, "until 09:00")

    shown = await phones.press(ANN, "Done")

    assert "Quiet hours: 22:00 to 09:00" in shown.text


async def test_the_name_can_be_changed_and_a_bad_one_loses_nothing(phones: Phones) -> None:
    await at_the_fourth(phones)
    await phones.press(ANN, "Another name")
    with pytest.raises(rules.NameInvisible):
        await phones.say(ANN, "An\u202en")
    with pytest.raises(rules.NameTooLong):
        await phones.say(ANN, "A" * 33)

    shown = await phones.say(ANN, "  <b>Annie</b>  ")

    assert "Name: &lt;b&gt;Annie&lt;/b&gt;." in shown.text


async def test_no_screen_of_joining_tells_anything_about_the_other(phones: Phones) -> None:
    """Bob's screens are the same whether Ann has joined, waits, is in, or was never there."""
    secrets = await links(phones)
    before = [await phones.say(BOB, f"/start {secrets[1]}")]
    await walk(phones, ANN, secrets[0])
    await phones.delivered(FAY)
    await phones.press(FAY, "Admit")

    after = [await phones.say(BOB, f"/start {secrets[1]}")]
    rest = [await phones.press(BOB, label) for label in ("Go on", "Go on", "I am 18", "All right")]

    assert before == after
    assert not [screen for screen in rest if "Ann" in screen.text]


async def test_the_facilitators_policy_is_read_before_the_switches(phones: Phones) -> None:
    await phones.say(ANN, f"/start {(await links(phones))[0]}")

    shown = await phones.press(ANN, "Go on")

    assert "Fay decides with care what has to be shared, and tells you first." in shown.text
    assert "not end-to-end encrypted" in shown.text
    assert "BAA" in shown.text


async def test_a_stranger_cannot_press_anothers_joining(phones: Phones) -> None:
    await phones.say(ANN, f"/start {(await links(phones))[0]}")
    data = phones.screens[ANN].buttons[0][0].data or ""

    with pytest.raises(rules.NotYours):
        await phones.press_data(EVE, data)


async def test_only_the_cohorts_facilitator_admits(phones: Phones) -> None:
    await walk(phones, ANN, (await links(phones))[0])
    await phones.delivered(FAY)
    admit = phones.screens[FAY].buttons[0][0].data or ""

    with pytest.raises(rules.NotYours):
        await phones.press_data(ANN, admit)
    with pytest.raises(rules.NotYours):
        await phones.press_data(EVE, admit)


async def test_admitting_twice_is_refused_kindly(phones: Phones) -> None:
    await walk(phones, ANN, (await links(phones))[0])
    await phones.delivered(FAY)
    admit = phones.screens[FAY].buttons[0][0].data or ""
    await phones.press_data(FAY, admit)

    with pytest.raises(rules.AlreadyDecided):
        await phones.press_data(FAY, admit)


async def test_not_this_person_asks_once_more_and_sends_a_new_link(phones: Phones) -> None:
    old, bobs = await links(phones)
    await walk(phones, EVE, old)
    await phones.delivered(FAY)
    await phones.press(FAY, "Not this person")
    phones.later(timedelta(minutes=1))
    await phones.press(FAY, "Yes, not this person")

    assert "talk to Fay" in (await phones.delivered(EVE))[-1].text
    with pytest.raises(rules.UnknownLink):
        await phones.say(ANN, f"/start {old}")
    (new,) = set(await links(phones)) - {bobs}
    assert "keeps a seat for you" in (await phones.say(ANN, f"/start {new}")).text


async def test_an_old_link_offers_to_ask_for_another(phones: Phones) -> None:
    secret = (await links(phones))[0]
    phones.later(timedelta(days=8))

    shown = await phones.say(ANN, f"/start {secret}")
    assert shown.text.startswith("This link is too old")
    await phones.press(ANN, "Ask for a new link")

    wanted = (await phones.delivered(FAY))[-1]
    assert "Ann" in wanted.text
    await phones.press(FAY, "New link")
    assert len(await links(phones)) == 1


async def test_a_link_opened_in_a_group_says_nothing_and_dies(phones: Phones) -> None:
    secret = (await links(phones))[0]

    shown = await phones.say(EVE, f"/start {secret}", group=True)

    assert not [word for word in ("Maple", "Ann", "Fay", "seat") if word in shown.text]
    assert (await phones.say(ANN, f"/start {secret}")).text.startswith("This link is too old, or was seen by others")
    async with phones.database.transaction() as tx:
        assert await tx.scalar(select(Member)) is None


async def test_pressing_twice_shows_the_same_screen_and_tells_the_facilitator_once(phones: Phones) -> None:
    await at_the_fourth(phones)
    done = phones.screens[ANN].buttons[0][0].data or ""

    first = await phones.press_data(ANN, done)
    second = await phones.press_data(ANN, done)

    assert first == second
    assert len([said for said in await phones.delivered(FAY) if "Say the words" in said.text]) == 1


async def test_a_facilitator_who_joins_elsewhere_keeps_a_home_with_a_way_on(phones: Phones) -> None:
    secret = (await phones.say(FAY, "/appoint")).text.split("start=")[1].split()[0]
    await phones.say(BOB, f"/start {secret}")
    there = await phones.say(BOB, f"/start {(await links(phones))[1]}")

    home = await phones.say(BOB, "/start")
    assert "New cohort" in [button.label for row in home.buttons for button in row]

    assert await phones.press(BOB, "Go on with Maple") == there


@pytest.mark.parametrize("language", ["en", "de", "qps"])
async def test_joining_works_in_every_language(phones: Phones, language: str) -> None:
    await phones.say(ANN, f"/start {(await links(phones))[0]}", language=language)
    for action in ("join-go", "join-go", "join-full", "join-go", "join-switch", "join-adult"):
        await press_action(phones, action, language)
    for picker in ("join-name", "join-place", "join-country", "join-quiet"):
        await press_action(phones, picker, language)
        await press_action(phones, "join-go", language)

    await press_action(phones, "join-done", language)

    assert (await the_member(phones, ANN)).state is MemberState.WAITING
    assert (await the_person(phones, ANN)).language == (language if language in {*languages(), "qps"} else "en")


async def press_action(phones: Phones, action: str, language: str) -> None:
    """Press the last button that does this: forward rather than back."""
    found = [
        b.data or "" for row in phones.screens[ANN].buttons for b in row if (b.data or "").startswith(action + ":")
    ]
    await phones.press_data(ANN, found[-1], language=language)
