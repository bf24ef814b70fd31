"""Making a cohort, by one line and by buttons; offices and who may do what."""

from __future__ import annotations

from datetime import timedelta

import pytest
from phones import GROUP, Phones
from seating import ANN, BOB, EVE, FAY, NOON
from sqlalchemy import select

from bot.enrolment import actions, rules
from bot.enrolment.compose import menu
from bot.enrolment.queries import find_cohort, meet_person, offices, roles, seats_of
from bot.errors import Refused
from bot.messages import Html
from bot.storage.database import Database
from bot.storage.drafts import DraftGone
from bot.storage.tables import Appointment, Cohort, Facilitation, Person
from bot.texts import Texts
from bot.words import CohortKind, Office, SecretsPolicy
from handlers.context import OnlyInPrivate


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """One kind is enough here: the actions under these screens are tried on both."""
    return sqlite_url


@pytest.fixture
def phones(database: Database) -> Phones:
    return Phones(database, owner=FAY)


async def cohorts(phones: Phones) -> list[tuple[Cohort, str, list[str]]]:
    async with phones.database.transaction() as tx:
        found = list(await tx.scalars(select(Cohort).order_by(Cohort.created_at)))
        return [
            (one, tx.open(one, "name"), [tx.open(seat, "label") for seat in await seats_of(tx, one)]) for one in found
        ]


async def test_one_line_leads_to_one_screen_to_look_over(phones: Phones) -> None:
    shown = await phones.say(FAY, '/newcohort couple "Red Maple" Ann Bob Europe/Berlin')
    assert "<b>Red Maple</b>, Couple: Ann, Bob" in shown.text
    assert "Europe/Berlin, 13:00 there now" in shown.text

    await phones.press(FAY, "I keep no secrets")
    await phones.press(FAY, "screened alone")
    await phones.press(FAY, "Make the links")

    ((cohort, name, labels),) = await cohorts(phones)
    assert (cohort.kind, name, labels) == (CohortKind.COUPLE, "Red Maple", ["Ann", "Bob"])
    assert (cohort.zone.key, cohort.secrets_policy, cohort.minimal) == ("Europe/Berlin", SecretsPolicy.OPEN, False)
    assert (cohort.screened_at, cohort.screened_by) == (NOON, cohort.responder_id)
    assert cohort.lighter_programme is not None
    assert len(await phones.delivered(FAY)) == 2


async def test_buttons_lead_all_the_way(phones: Phones) -> None:
    await phones.say(FAY, "/start")
    await phones.press(FAY, "New cohort")
    await phones.press(FAY, "Couple")
    await phones.say(FAY, "Maple")
    await phones.say(FAY, "Ann, Bob")
    shown = await phones.say(FAY, "são paulo")
    assert "America/Sao_Paulo" in shown.text
    await phones.press(FAY, "It stays with me")
    await phones.press(FAY, "screened alone")
    await phones.press(FAY, "Minimal mode")
    await phones.press(FAY, "Make the links")

    ((cohort, name, labels),) = await cohorts(phones)
    assert (name, labels, cohort.zone.key) == ("Maple", ["Ann", "Bob"], "America/Sao_Paulo")
    assert (cohort.secrets_policy, cohort.minimal) == (SecretsPolicy.KEPT, True)


@pytest.mark.parametrize(
    ("line", "kind", "labels"),
    [
        ("group Oak 3 UTC", CohortKind.GROUP, ["1", "2", "3"]),
        ("group Oak Ann Bob Chidi UTC light-touch", CohortKind.GROUP, ["Ann", "Bob", "Chidi"]),
        ("individual Fern Dana UTC", CohortKind.INDIVIDUAL, ["Dana"]),
        ("couple Maple europe/berlin", CohortKind.COUPLE, ["1", "2"]),
    ],
)
async def test_every_kind_has_its_seats(phones: Phones, line: str, kind: CohortKind, labels: list[str]) -> None:
    await phones.say(FAY, f"/newcohort {line}")
    if kind is not CohortKind.INDIVIDUAL:
        await phones.press(FAY, "It stays with me")
    await phones.press(FAY, "creened alone")
    await phones.press(FAY, "Make the links")

    ((cohort, _, seats),) = await cohorts(phones)

    assert (cohort.kind, seats, cohort.seats) == (kind, labels, len(labels))


@pytest.mark.parametrize(
    ("line", "no"),
    [
        ("trio Maple Ann Bob Eve", rules.KindMissing),
        ("couple", rules.NameMissing),
        ('couple "\u200b"', rules.NameMissing),
        (f"couple {'M' * 33} Ann Bob", rules.NameTooLong),
        ("couple Ma\u202eple Ann Bob", rules.NameInvisible),
        ("couple Maple Ann", rules.WrongSeats),
        ("couple Maple Ann Bob Eve", rules.WrongSeats),
        ("couple Maple Ann ANN", rules.LabelsAlike),
        ("group Oak 1", rules.WrongSeats),
        ("group Oak 41", rules.WrongSeats),
        ("group Oak 999", rules.WrongSeats),
        ("individual Fern Ann Bob", rules.WrongSeats),
        ("couple Maple Ann Bob Europe/Berln", rules.UnknownZone),
        ("group Oak 3 UTC couple-72h", rules.ProgrammeDoesNotFit),
    ],
)
async def test_what_cannot_be_is_refused_by_name(phones: Phones, line: str, no: type[Refused]) -> None:
    with pytest.raises(no):
        await phones.say(FAY, f"/newcohort {line}")

    assert await cohorts(phones) == []


async def test_an_unknown_zone_is_answered_with_the_nearest(phones: Phones) -> None:
    with pytest.raises(rules.UnknownZone) as no:
        await phones.say(FAY, "/newcohort couple Maple Ann Bob Europe/Berln")

    assert no.value.facts["nearest"].split(", ")[0] == "Europe/Berlin"


async def test_links_wait_until_everything_required_was_said(phones: Phones) -> None:
    await phones.say(FAY, "/newcohort couple Maple Ann Bob UTC")
    with pytest.raises(rules.PolicyMissing):
        await phones.press(FAY, "Make the links")
    await phones.press(FAY, "It stays with me")
    with pytest.raises(rules.ScreeningMissing):
        await phones.press(FAY, "Make the links")
    await phones.press(FAY, "screened alone")
    await phones.press(FAY, "screened alone")
    with pytest.raises(rules.ScreeningMissing):
        await phones.press(FAY, "Make the links")


async def test_pressing_twice_makes_one_cohort(phones: Phones) -> None:
    await phones.say(FAY, "/newcohort individual Fern Dana UTC")
    await phones.press(FAY, "Screened alone")
    data = phones.screens[FAY].buttons[-1][-1].data or ""
    await phones.press_data(FAY, data)

    with pytest.raises(DraftGone):
        await phones.press_data(FAY, data)

    assert len(await cohorts(phones)) == 1


async def test_one_facilitator_has_no_two_cohorts_of_one_name(phones: Phones) -> None:
    await test_buttons_lead_all_the_way(phones)

    with pytest.raises(rules.CohortNameTaken):
        await phones.say(FAY, "/newcohort couple MAPLE Ann Bob UTC")


async def test_a_bad_answer_leaves_the_question_open(phones: Phones) -> None:
    await phones.say(FAY, "/newcohort")
    await phones.press(FAY, "Group")
    await phones.say(FAY, "Oak")
    with pytest.raises(rules.WrongSeats):
        await phones.say(FAY, "41")

    await phones.say(FAY, "12")
    await phones.say(FAY, "Berlin")

    assert "12 seats" in phones.screens[FAY].text


async def test_what_was_said_can_be_changed_before_it_is_made(phones: Phones) -> None:
    await phones.say(FAY, "/newcohort couple Maple Ann Bob UTC")
    await phones.press(FAY, "Name")
    await phones.say(FAY, "Oak")
    await phones.press(FAY, "Seats")
    await phones.say(FAY, "Chidi Dana")
    await phones.press(FAY, "Time zone")
    await phones.say(FAY, "Kolkata")
    await phones.press(FAY, "Programme")
    shown = await phones.press(FAY, "A light touch")

    assert "<b>Oak</b>, Couple: Chidi, Dana" in shown.text
    assert "Asia/Kolkata, 17:30 there now" in shown.text
    assert "Programme: A light touch" in shown.text


async def test_a_given_up_cohort_leaves_nothing(phones: Phones) -> None:
    await phones.say(FAY, "/newcohort couple Maple Ann Bob UTC")

    await phones.press(FAY, "Cancel")

    assert await cohorts(phones) == []


# ── Who may ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "command", ["/newcohort", "/newcohort couple Maple Ann Bob UTC", "/cohorts", "/appoint", "/cofacilitator Maple"]
)
async def test_a_stranger_is_refused_without_learning_anything(phones: Phones, command: str) -> None:
    with pytest.raises(rules.NotYours):
        await phones.say(EVE, command)


@pytest.mark.parametrize(
    "command", ["/start", "/start nothing", "/newcohort couple Maple Ann Bob UTC", "/cohorts", "/appoint"]
)
async def test_groups_are_not_where_this_is_done(phones: Phones, command: str) -> None:
    with pytest.raises(OnlyInPrivate):
        await phones.say(FAY, command, group=True)

    assert GROUP not in phones.screens


async def test_a_stranger_reads_two_neutral_sentences(phones: Phones) -> None:
    shown = await phones.say(EVE, "/start")

    assert shown.text.count(".") == 2
    assert shown.buttons == ()


async def test_nobody_presses_through_anothers_draft(phones: Phones) -> None:
    await phones.say(FAY, "/newcohort couple Maple Ann Bob UTC")
    data = phones.screens[FAY].buttons[-1][-1].data or ""
    other = Phones(phones.database, owner=BOB)
    await other.say(BOB, "/start")

    with pytest.raises(DraftGone):
        await other.press_data(BOB, data)


async def test_another_facilitator_cannot_open_a_page(phones: Phones) -> None:
    await test_buttons_lead_all_the_way(phones)
    await phones.press(FAY, "Back to the cohort")
    seats = next(b.data for row in phones.screens[FAY].buttons for b in row if b.label == "Seats and links")
    other = Phones(phones.database, owner=BOB)

    with pytest.raises(rules.NotYours):
        await other.press_data(BOB, seats or "")


async def test_the_page_shows_who_is_on_the_way_and_shows_links_again(phones: Phones) -> None:
    await test_buttons_lead_all_the_way(phones)
    shown = await phones.press(FAY, "Back to the cohort")
    assert "Ann: link not opened yet" in shown.text

    await phones.press(FAY, "Seats and links")
    phones.later(timedelta(seconds=1))
    await phones.press(FAY, "Show the link for Ann")

    assert len(await phones.delivered(FAY)) == 3


async def test_an_owner_appoints_with_a_link_that_works_once(phones: Phones) -> None:
    shown = await phones.say(FAY, "/appoint")
    secret = shown.text.split("start=")[1].split()[0]

    home = await phones.say(BOB, f"/start {secret}")
    assert "You have no cohort yet" in home.text
    with pytest.raises(rules.LinkUsed):
        await phones.say(EVE, f"/start {secret}")

    async with phones.database.transaction() as tx:
        bob = await meet_person(tx, BOB, "Bob", "en", now=NOON)
        assert await offices(tx, bob) == {Office.FACILITATOR}
        assert await roles(tx, bob) == {"facilitator"}


async def test_an_appointment_opened_in_a_group_is_burnt(phones: Phones) -> None:
    shown = await phones.say(FAY, "/appoint")
    secret = shown.text.split("start=")[1].split()[0]

    await phones.say(EVE, f"/start {secret}", group=True)

    with pytest.raises(rules.InvitationExpired):
        await phones.say(BOB, f"/start {secret}")


async def test_a_cofacilitator_holds_the_cohort_too(phones: Phones) -> None:
    await test_buttons_lead_all_the_way(phones)
    shown = await phones.say(FAY, "/cofacilitator map")
    await phones.say(BOB, f"/start {shown.text.split('start=')[1].split()[0]}")

    async with phones.database.transaction() as tx:
        bob = await meet_person(tx, BOB, "Bob", "en", now=NOON)
        cohort = await find_cohort(tx, bob, "Maple")
        held = list(await tx.scalars(select(Facilitation).where(Facilitation.cohort_id == cohort.id)))

    assert len(held) == 2


async def test_who_sits_in_a_cohort_cannot_facilitate_it(phones: Phones) -> None:
    await test_buttons_lead_all_the_way(phones)
    link = (await phones.delivered(FAY))[0].text
    await phones.say(ANN, f"/start {link.split('start=')[1].split()[0]}")
    shown = await phones.say(FAY, "/cofacilitator Maple")
    secret = shown.text.split("start=")[1].split()[0]

    with pytest.raises(rules.OwnSeat):
        await phones.say(ANN, f"/start {secret}")

    await phones.say(BOB, f"/start {secret}")


async def test_the_owners_link_is_the_same_until_it_is_used(database: Database) -> None:
    async with database.transaction() as tx:
        first = await actions.make_owner_link(tx, now=NOON)
        again = await actions.make_owner_link(tx, now=NOON + timedelta(days=1))
        late = await actions.make_owner_link(tx, now=NOON + timedelta(days=8))

    assert first == again
    assert first != late


async def test_the_owners_link_makes_an_owner(database: Database) -> None:
    phones = Phones(database, owner=999)
    async with database.transaction() as tx:
        secret = await actions.make_owner_link(tx, now=NOON)

    await phones.say(FAY, f"/start {secret}")

    async with database.transaction() as tx:
        person = (await tx.scalars(select(Person).where(Person.telegram_id == FAY))).one()
        assert await offices(tx, person) == {Office.OWNER}
        assert await roles(tx, person) == {"owner", "facilitator"}


async def test_an_owner_by_settings_is_appointed_once(phones: Phones) -> None:
    await phones.say(FAY, "/start")
    await phones.say(FAY, "/start")

    async with phones.database.transaction() as tx:
        assert len(list(await tx.scalars(select(Appointment)))) == 1


# ── Finding ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_cohort_is_found_by_the_beginning_of_its_name(phones: Phones) -> None:
    for name in ("Maple", "Maples", "Éclair"):
        await phones.say(FAY, f"/newcohort individual {name} Dana UTC")
        await phones.press(FAY, "Screened alone")
        await phones.press(FAY, "Make the links")

    async with phones.database.transaction() as tx:
        fay = (await tx.scalars(select(Person))).one()

        found = [
            tx.open(await find_cohort(tx, fay, words), "name")
            for words in ("maple", "MAPLES", "e\u0301clair", "É", " Maples ")
        ]

        assert found == ["Maple", "Maples", "Éclair", "Éclair", "Maples"]
        with pytest.raises(rules.AmbiguousCohort) as ambiguous:
            await find_cohort(tx, fay, "map")
        assert ambiguous.value.facts == {"names": "Maple, Maples"}
        with pytest.raises(rules.UnknownCohort):
            await find_cohort(tx, fay, "Birch")
        with pytest.raises(rules.UnknownCohort):
            await find_cohort(tx, fay, "")


async def test_a_person_without_a_visible_name_still_has_one(database: Database) -> None:
    async with database.transaction() as tx:
        person = await meet_person(tx, EVE, "\u200b\u202e", "en", now=NOON)
        again = await meet_person(tx, EVE, "Eve", "en", now=NOON)

        assert again is person
        assert tx.open(person, "name") == "Somebody"
        assert person.zone_confirmed is False


# ── Menus ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("hats", "first", "last"),
    [((), "start", "help"), (("member",), "start", "help"), (("facilitator", "owner"), "start", "help")],
)
def test_menus_begin_at_home_and_end_with_help(hats: tuple[str, ...], first: str, last: str) -> None:
    commands = [command for command, _ in menu(hats, Texts("en"))]

    assert (commands[0], commands[-1]) == (first, last)
    assert len(set(commands)) == len(commands)


def test_only_owners_are_offered_to_appoint() -> None:
    offered = {hat: "appoint" in dict(menu([hat], Texts("en"))) for hat in ("member", "facilitator", "owner")}

    assert offered == {"member": False, "facilitator": False, "owner": True}


def test_every_no_has_its_sentence() -> None:
    from handlers import ROOMS
    from handlers.enrolment import REFUSALS

    noes = {no for no in vars(rules).values() if isinstance(no, type) and issubclass(no, Refused)} - {Refused}

    assert noes - {no for room in ROOMS for no in room.REFUSALS} == set()
    facts = dict.fromkeys(("names", "longest", "name", "least", "most", "nearest"), "x")
    assert not [no for no, words in REFUSALS.items() if "{" in Texts("en")(words, **facts)]
    assert isinstance(Texts("en")(REFUSALS[rules.NotYours]), Html)
