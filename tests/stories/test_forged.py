"""What nobody should be able to do: invented buttons, other people's buttons, edits, groups, bots and channels."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable
from typing import Any
from uuid import UUID

import pytest
from going_wrong import come_true, number_of
from house import House
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scenes import berlin, folded, join, link_for, unfold
from sqlalchemy import select

from bot.buttons import Tap, encode
from bot.storage.tables import Answer, Base, Draft, InboxUpdate, Person
from bot.words import InboxState
from handlers import ROOMS

ONLY_IN_PRIVATE = "This is between you and me. Please send it in our own chat."

ACTIONS = sorted({action for room in ROOMS for action in room.BUTTONS})
COMMANDS = sorted({command for room in ROOMS for command in room.COMMANDS})
FOR_WHO_PRESSES = {"erase-now", "seat-ask"}  # these do something for anybody, and are meant to

EVERYBODY_ELSE = (
    "Ann",
    "Gus",
    "Cleo",
    "Dan",
    "Eve",
)  # a member, another facilitator, an applicant, one who left, nobody
FACILITATORS_BUTTONS = (
    *(("alert-open", "alert", ""), ("alert-fold", "alert", ""), ("alert-read", "alert", "")),
    *(("alert-close", "alert", "contacted"), ("alert-hand", "alert", ""), ("alert-resume", "alert", "")),
    *(("board", "cohort", ""), ("cohort", "cohort", ""), ("cofacilitator", "cohort", ""), ("seats", "cohort", "")),
    *(("sessions", "cohort", ""), ("unpair-for", "cohort", "yes"), ("meeting-new", "cohort", "session")),
    *(("broadcast", "cohort", ""), ("seat-show", "seat", ""), ("seat-new", "seat", "")),
    *(("waiting", "member", ""), ("admit", "member", ""), ("decline", "member", ""), ("decline-yes", "member", "")),
    *(("write-to", "member", ""), ("note-open", "note", ""), ("note-fold", "note", "")),
    *(("broadcast-send", "broadcast", ""), ("broadcast-cancel", "broadcast", ""), ("broadcast-stop", "broadcast", "")),
    *(("broadcast-look", "broadcast", ""), ("meeting", "meeting", ""), ("meeting-move", "meeting", "")),
    *(("meeting-cancel", "meeting", ""), ("meeting-off", "meeting", ""), ("meeting-details", "meeting", "")),
    *(("meeting-detail", "meeting", "place"), ("detail-clear", "meeting", "place"), ("meeting-file", "meeting", "")),
    *(("meeting-roles", "meeting", ""), ("ended-ask", "meeting", ""), ("ended-now", "meeting", "")),
    *(("ended-at", "meeting", ""), ("ended-when", "meeting", "29930000"), ("ended-fix", "meeting", "29930000")),
    *(("ended-not", "meeting", ""), ("left-ask", "meeting", ""), ("digest", "meeting", "")),
    *(("role-of", "attendance", ""), ("role-set", "attendance", "absent"), ("left-how", "attendance", "alone")),
    *(("meet-confirm", "draft", ""), ("meet-drop", "draft", ""), ("meet-change", "draft", "")),
    *(("meet-day", "draft", "2026-12-13"), ("meet-page", "draft", "1"), ("letter-cancel", "draft", "")),
    *(("found-make", "draft", ""), ("found-drop", "draft", ""), ("note-to", "draft", ""), ("note-keep", "draft", "")),
)
MEMBERS_BUTTONS = (
    *(("open", "delivery", ""), ("answer", "delivery", "ready.yes"), ("pick", "delivery", "ready.yes")),
    *(("picked", "delivery", "ready"), ("back", "delivery", "ready"), ("change", "delivery", "")),
    *(("skip", "delivery", ""), ("done", "delivery", ""), ("later", "delivery", ""), ("later-at", "delivery", "hour")),
    *(("share", "delivery", ""), ("keep", "delivery", ""), ("withdraw", "delivery", ""), ("unseal", "delivery", "")),
    *(("refold", "delivery", ""), ("opening-reply", "delivery", "0"), ("reply-read", "delivery", "")),
    *(("rsvp", "delivery", "cannot"), ("call", "member", ""), ("my-place", "member", ""), ("pause", "member", "3d")),
    *(("my-switch", "member", "partner"), ("my-pace", "member", "lighter"), ("resume", "member", "")),
    *(("unpair", "member", "yes"), ("leave", "member", "yes"), ("join-go", "member", "readers")),
    *(("join-show", "member", ""), ("join-switch", "member", "partner"), ("join-adult", "member", "")),
    *(("join-name", "member", ""), ("zone-in", "member", "Asia.Kolkata"), ("join-done", "member", "")),
)


ON_SQLITE = pytest.mark.parametrize("beginnings", ["sqlite"], indirect=True)  # who may do what is decided in Python


# ── A house where a lot goes on ────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
async def busy(planned: House) -> House:
    """Fay has an alert, a note, a broadcast and a preview before her; Gus holds Oak, where Cleo waits and Dan has left.

    Eve is a stranger.
    """
    for name in ("Gus", "Cleo", "Dan", "Eve"):
        planned.stage.person(name)
    await planned.open("Gus", (await planned.say("Fay", "/appoint")).words.split()[0])
    await planned.say("Gus", "/newcohort couple Oak Cleo Dan Europe/Berlin")
    await planned.press_newest("Gus", "☐ Each was screened alone, off this bot", "○ It stays with me", "Make the links")
    for name in ("Cleo", "Dan"):
        await join(planned, name, link_for(planned, name, on="Gus"), switches=())
    await planned.press_newest("Gus", "Admit")  # the newest who waits is Dan
    leaving = await planned.say("Dan", "/leave")
    await planned.press("Dan", leaving, leaving.labels[0])
    await planned.say("Ann", "/call")
    await planned.say("Ann", "Shall we bring a blanket?")
    await planned.press_newest("Ann", "Send to Fay")
    await planned.say("Fay", "/broadcast Maple See you on Saturday")
    await planned.say("Fay", "/session Maple 2026-12-12 14:00 3h")
    await planned.say("Eve", "/help")
    return planned


async def everything(house: House, but: str | None = None) -> dict[str, Counter[str]]:
    """All rows of all tables of the house, without what the house has written down about one person for themselves."""
    async with house.bot.runtime.database.transaction() as tx:
        stranger = house.stage.named(but).id if but else None
        theirs = await tx.scalar(select(Person.id).where(Person.telegram_id == stranger))
        found = {}
        for table in Base.metadata.sorted_tables:
            rows = [row._asdict() for row in await tx.execute(select(table))]
            kept = (row for row in rows if row.get("telegram_id") != stranger or stranger is None)
            kept = (row for row in kept if row.get("person_id") != theirs or theirs is None)
            found[table.name] = Counter(map(repr, kept))
        del found["inbox"], found["lease"]  # what Telegram said, and who leads: both are renewed all the time
    return found


async def ids_in(house: House, table: str) -> list[UUID]:
    async with house.bot.runtime.database.transaction() as tx:
        return list(await tx.scalars(select(Base.metadata.tables[table].c.id)))


async def nothing_failed(house: House, log: pytest.LogCaptureFixture) -> bool:
    aside = await number_of(house, InboxUpdate, state=InboxState.QUARANTINED)
    return (aside, [record.getMessage() for record in log.records if record.levelno >= logging.WARNING]) == (0, [])


def answers(house: House) -> Counter[Any]:
    """How often each tap was answered."""
    return Counter(call.params["callback_query_id"] for call in house.stage.journal.accepted("answerCallbackQuery"))


async def forge(house: House, name: str, taps: Iterable[str]) -> list[str]:
    """Press what no button offers; what flashed up over each."""
    phone = house.phone(name)
    before = len(phone.toasts)
    pressed = [phone.forge(1, data) for data in taps]
    await house.settled()
    answered = answers(house)
    assert [answered[query.id] for query in pressed] == [1] * len(pressed)
    return [toast.text for toast in phone.toasts[before:]]


# ── Invented ───────────────────────────────────────────────────────────────────────────────────────────────────────

ARGUMENTS = st.sampled_from(["", "yes", "all", "0", "1", "7", "fold", "session", "coming", "alone", "contacted"])
INVENTED = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=64).filter(lambda s: len(s.encode()) <= 64),
    st.tuples(
        st.sampled_from(sorted(set(ACTIONS) - FOR_WHO_PRESSES)),
        st.one_of(st.none(), st.uuids(), st.integers(0, 10_000)),  # a number picks an id that exists
        st.one_of(ARGUMENTS, st.from_regex(r"[A-Za-z0-9_.,+-]{0,20}", fullmatch=True)),
    ),
)


async def test_three_hundred_invented_taps_of_a_stranger_change_nothing_and_are_all_answered(
    busy: House, caplog: pytest.LogCaptureFixture
) -> None:
    known = [one for table in Base.metadata.sorted_tables if "id" in table.c for one in await ids_in(busy, table.name)]

    @settings(max_examples=6, suppress_health_check=list(HealthCheck), database=None)
    @given(st.lists(INVENTED, min_size=50, max_size=50))
    def draw(invented: list[Any]) -> None:
        drawn.append(invented)

    drawn: list[list[Any]] = []
    draw()
    before = await everything(busy, but="Eve")

    for invented in drawn:
        await forge(busy, "Eve", (written(one, known) for one in invented))

    assert await everything(busy, but="Eve") == before
    assert await nothing_failed(busy, caplog)


def written(invented: Any, known: list[UUID]) -> str:
    if isinstance(invented, str):
        return invented
    action, ref, arg = invented
    ref = known[ref % len(known)] if isinstance(ref, int) else ref
    return encode(Tap(action, ref, arg[: 64 - 24 - len(action)]))


# ── Other people's ─────────────────────────────────────────────────────────────────────────────────────────────────


@ON_SQLITE
async def test_a_facilitators_buttons_do_nothing_for_anybody_else(
    busy: House, caplog: pytest.LogCaptureFixture
) -> None:
    maples = await ids_of(busy, "Maple")
    taps = [encode(Tap(action, maples[table][-1], arg)) for action, table, arg in FACILITATORS_BUTTONS]
    before = await everything(busy)
    said = {}

    for name in EVERYBODY_ELSE:
        said[name] = await forge(busy, name, taps)

    assert await everything(busy) == before
    assert {name: said[name].count("") for name in said} == dict.fromkeys(EVERYBODY_ELSE, 0)
    assert await nothing_failed(busy, caplog)


@ON_SQLITE
async def test_one_facilitator_does_nothing_in_the_cohort_of_another(
    busy: House, caplog: pytest.LogCaptureFixture
) -> None:
    oaks = await ids_of(busy, "Oak")
    taps = [encode(Tap(action, oaks[table][-1], arg)) for action, table, arg in FACILITATORS_BUTTONS if oaks.get(table)]
    before = await everything(busy)

    said = await forge(busy, "Fay", taps)

    assert await everything(busy) == before
    assert said.count("") == 0
    assert await nothing_failed(busy, caplog)


@ON_SQLITE
async def test_a_members_buttons_do_nothing_for_anybody_else(busy: House, caplog: pytest.LogCaptureFixture) -> None:
    await busy.until(berlin(27, 18))
    anns = await anns_ids(busy)
    taps = [encode(Tap(action, one, arg)) for action, table, arg in MEMBERS_BUTTONS for one in anns[table]]
    before = await everything(busy)
    said = {}

    for name in ("Bob", "Fay", "Eve"):
        said[name] = await forge(busy, name, taps)

    assert await everything(busy) == before
    assert {name: texts.count("") for name, texts in said.items()} == dict.fromkeys(said, 0)
    assert await nothing_failed(busy, caplog)


@ON_SQLITE
async def test_a_former_members_own_buttons_do_nothing_any_more(
    released: House, caplog: pytest.LogCaptureFixture
) -> None:
    await released.until(berlin(28, 19, 5))
    anns = await anns_ids(released)
    leaving = await released.say("Ann", "/leave")
    await released.press("Ann", leaving, leaving.labels[0])
    before = await everything(released)

    taps = [encode(Tap(action, one, arg)) for action, table, arg in MEMBERS_BUTTONS for one in anns[table]]
    await forge(released, "Ann", taps)

    assert await everything(released) == before
    assert await nothing_failed(released, caplog)


async def test_a_tap_in_another_chat_proves_nothing_of_a_delivery(planned: House) -> None:
    planned.stage.person("Eve")
    await planned.until(berlin(27, 18))
    anns = await anns_ids(planned)
    before = await everything(planned, but="Eve")

    await forge(planned, "Eve", [encode(Tap("help", one)) for one in anns["delivery"]])
    await planned.until(berlin(27, 18, 5))

    assert await everything(planned, but="Eve") == before
    assert len(folded(planned, "Ann")) == 1


async def ids_of(house: House, cohort: str) -> dict[str, list[UUID]]:
    """Ids of a cohort and all that belongs to it; with Maple also those of Fay's drafts."""
    found: dict[str, list[UUID]] = {}
    async with house.bot.runtime.database.transaction() as tx:
        tables = Base.metadata.tables
        cohorts = (await tx.execute(select(tables["cohort"]).order_by(tables["cohort"].c.created_at))).all()
        wanted = {"Maple": cohorts[0], "Oak": cohorts[-1]}[cohort].id
        found["cohort"] = [wanted]
        for name in ("seat", "member", "meeting", "alert", "note"):
            table = tables[name]
            found[name] = list(await tx.scalars(select(table.c.id).where(table.c.cohort_id == wanted)))
        if cohort == "Maple":
            found["broadcast"] = list(await tx.scalars(select(tables["broadcast"].c.id)))
            found["attendance"] = list(await tx.scalars(select(tables["attendance"].c.id)))
            fay = select(Person.id).where(Person.telegram_id == house.stage.named("Fay").id).scalar_subquery()
            mine = select(tables["draft"].c.id).where(tables["draft"].c.person_id == fay)
            found["draft"] = list(await tx.scalars(mine))
    return found


async def anns_ids(house: House) -> dict[str, list[UUID]]:
    """Ann's place, and every step and invitation that was sent to her."""
    ann = house.stage.named("Ann").id
    tables = Base.metadata.tables
    async with house.bot.runtime.database.transaction() as tx:
        person = select(tables["person"].c.id).where(tables["person"].c.telegram_id == ann).scalar_subquery()
        chat = select(tables["chat"].c.id).where(tables["chat"].c.telegram_id == ann).scalar_subquery()
        places = select(tables["member"].c.id).where(tables["member"].c.person_id == person)
        delivery = tables["delivery"].c
        sent = select(delivery.id).where(
            delivery.chat_id == chat, delivery.state == "sent", delivery.kind.in_(("prompt", "invitation"))
        )
        return {"member": list(await tx.scalars(places)), "delivery": list(await tx.scalars(sent))}


# ── Edits ──────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_an_edited_command_does_nothing(maple: House) -> None:
    typed = maple.phone("Ann").say("/next")
    await maple.settled()
    before, shown = await everything(maple), maple.shown("Ann")

    for words in ("/pause", "/leave", "/call", "/unpair"):
        maple.phone("Ann").edit(typed, words)
    await maple.settled()

    assert await everything(maple) == before
    assert maple.shown("Ann") == shown


async def test_an_edited_answer_is_not_another_one(planned: House) -> None:
    await planned.until(berlin(27, 19, 30))
    page = await unfold(planned, "Ann")
    typed = planned.phone("Ann").say("To be kind")
    await planned.settled()
    before, shown = await everything(planned), page.words

    planned.phone("Ann").edit(typed, "To be brave")
    await planned.settled()

    assert await number_of(planned, Answer) == 1
    assert await everything(planned) == before
    assert page.words == shown


async def test_edited_words_are_neither_sent_nor_kept_again(maple: House) -> None:
    typed = maple.phone("Ann").say("Shall we bring a blanket?")
    await maple.settled()

    maple.phone("Ann").edit(typed, "Shall we bring two?")
    await maple.settled()

    assert await number_of(maple, Draft) == 1


# ── Groups, bots, channels ─────────────────────────────────────────────────────────────────────────────────────────

FOR_GROUPS = {"start", "help", "call", "link", "unlink"}


async def test_commands_in_a_group_are_refused_kindly_and_show_nothing(
    maple: House, caplog: pytest.LogCaptureFixture
) -> None:
    group = maple.stage.groups.open("Family", owner=maple.stage.named("Fay"), bots=[maple.stage.bot_named()])
    in_group = maple.stage.phone("Fay", group)
    before, shown = await everything(maple), maple.shown("Fay")
    commands = sorted(set(COMMANDS) - FOR_GROUPS)

    for command in commands:
        in_group.say(f"/{command} Maple")
    await maple.settled()

    assert [message.words for message in in_group.received] == [ONLY_IN_PRIVATE] * len(commands)
    assert await everything(maple) == before
    assert maple.shown("Fay") == shown
    assert await nothing_failed(maple, caplog)


async def test_help_in_a_group_is_the_card_that_belongs_to_nobody(maple: House) -> None:
    group = maple.stage.groups.open("Family", owner=maple.stage.named("Ann"), bots=[maple.stage.bot_named()])
    in_group = maple.stage.phone("Ann", group)
    before = await everything(maple)

    for words in ("/help", "/call"):
        in_group.say(words)
    await maple.settled()

    card, again = (message.words for message in in_group.received)
    assert card == again
    assert [name for name in ("Fay", "Ann", "Bob", "Maple") if name in card] == []
    assert await everything(maple) == before


async def test_an_invented_tap_in_a_group_shows_nothing_of_ours(maple: House, caplog: pytest.LogCaptureFixture) -> None:
    group = maple.stage.groups.open("Family", owner=maple.stage.named("Fay"), bots=[maple.stage.bot_named()])
    in_group = maple.stage.phone("Fay", group)
    in_group.say("/board")
    await maple.settled()
    before = await everything(maple)

    for action in ACTIONS:
        in_group.forge(in_group.received[-1].id, f"{action}::")
    await maple.settled()

    assert [message.words for message in in_group.received] == [ONLY_IN_PRIVATE]
    assert {toast.text for toast in in_group.toasts} == {ONLY_IN_PRIVATE}
    assert await everything(maple) == before
    assert await nothing_failed(maple, caplog)


async def test_nobody_hides_behind_a_group(maple: House, caplog: pytest.LogCaptureFixture) -> None:
    group = maple.stage.groups.open("Family", owner=maple.stage.named("Fay"), bots=[maple.stage.bot_named()])
    in_group = maple.stage.phone("Fay", group)
    before = await everything(maple)

    for command in sorted(set(COMMANDS) - {"link", "unlink"}):  # these say that they see nobody
        in_group.say_anonymously(f"/{command} Maple")
    await maple.settled()

    assert [message for message in in_group.received if message.sender is maple.stage.bot_named()] == []
    assert await everything(maple) == before
    assert await nothing_failed(maple, caplog)


async def all_handled(house: House) -> bool:
    return await number_of(house, InboxUpdate, state=InboxState.WAITING) == 0


async def test_bots_channels_and_what_we_do_not_know_act_never(maple: House, caplog: pytest.LogCaptureFixture) -> None:
    fay = maple.stage.named("Fay").as_json()
    private = {"id": fay["id"], "type": "private", "first_name": "Fay"}
    channel = {"id": -1001, "type": "channel", "title": "News"}
    command = {"date": 1, "text": "/pause", "entities": [{"type": "bot_command", "offset": 0, "length": 6}]}
    a_bot = {"id": 5, "is_bot": True, "first_name": "Bot"}
    said = [
        {"message": {"message_id": 1, "chat": private, "from": a_bot, **command}},
        {"message": {"message_id": 2, "chat": private, "sender_chat": channel, "from": fay, **command}},
        {"message": {"message_id": 3, "chat": channel, "sender_chat": channel, **command}},
        {"channel_post": {"message_id": 4, "chat": channel, "sender_chat": channel, **command}},
        {"edited_channel_post": {"message_id": 4, "chat": channel, "edit_date": 2, **command}},
        {"callback_query": {"id": "1", "from": a_bot, "chat_instance": "1", "data": "home::"}},
        {"callback_query": {"id": "2", "from": fay, "chat_instance": "1", "inline_message_id": "9", "data": "home::"}},
        {"callback_query": {"id": "3", "from": fay, "chat_instance": "1", "game_short_name": "chess"}},
        {"something_new": {"from": fay, "chat": private}},
        {},
    ]
    before, shown = await everything(maple), maple.shown("Fay")

    await maple.bot.inbox.store([{"update_id": 900_000 + number, **one} for number, one in enumerate(said)])
    await come_true(lambda: all_handled(maple))

    assert await everything(maple) == before
    assert maple.shown("Fay") == shown
    assert await nothing_failed(maple, caplog)
