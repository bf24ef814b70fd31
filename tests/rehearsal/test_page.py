"""The page of the rehearsal, in a real browser."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
import segno
from conftest import START
from selenium.webdriver.common.keys import Keys
from theatre import Page, Theatre, chromium

from bot.rehearsal.phone import SMALLEST_PICTURE

pytestmark = pytest.mark.chromium

LEFT = "return Math.round(arguments[0].scrollHeight - arguments[0].clientHeight - arguments[0].scrollTop)"
SMALL = [[{"text": "Open", "callback_data": "open"}]]


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with chromium(tmp_path_factory.mktemp("chromium")) as driver:
        yield driver


@pytest.fixture
def theatre(stage, clock):
    for person, zone in zip(
        stage.people.values(), ("Europe/Berlin", "Europe/Berlin", "America/Sao_Paulo"), strict=True
    ):
        person.zone = zone
        stage.phone(person).start()
    stage.bot_named().updates.drop()
    theatre = Theatre(stage, clock)
    theatre.open()
    yield theatre
    theatre.end()


@pytest.fixture
def page(browser, theatre):
    """The page, not yet opened; a script that fails on it fails the test."""
    page = Page(browser, theatre)
    yield page
    with suppress(Exception):
        page.js("localStorage.clear()")
    browser.get("about:blank")
    assert page.troubles() == []


@pytest.fixture
def send(theatre, call):
    """Let the bot send something; returns the message."""

    def sent(name, text="", method="sendMessage", **more):
        if more.get("buttons"):
            more["reply_markup"] = {"inline_keyboard": more.pop("buttons")}
        chat = theatre.stage.phone(name).chat
        said = {"text": text, "parse_mode": "HTML"} if method == "sendMessage" else {}
        number = theatre.do(call, method, chat_id=chat.id, **said, **more)["message_id"]
        return chat.messages[number]

    return sent


@pytest.fixture
def bot_rests(theatre, clock):
    """A bot that has nothing to do before some instants, one after the other."""
    started = []

    def rests(*instants):
        async def rest():
            for instant in (*instants, None):
                while await clock.rest(instant, 10**9) < (instant or datetime.max.replace(tzinfo=UTC)):
                    pass

        started.append(theatre.begin(rest))
        theatre.wait(clock.settled())

    yield rests
    for one in started:
        one.cancel()


# What is to be seen


def test_the_phones_stand_side_by_side_on_a_wide_screen(page):
    page.open(1280, 800)

    boxes = [phone.rect for phone in page.all(".phone")]
    names = [heading.text for heading in page.all(".phone h2")]

    assert names == ["Ann", "Bob", "Fay"]
    assert len({box["y"] for box in boxes}) == 1
    assert all(one["x"] + one["width"] < other["x"] for one, other in pairwise(boxes))
    assert boxes[-1]["x"] + boxes[-1]["width"] <= 1280
    assert not page.one("#tabs").is_displayed()


@pytest.mark.parametrize("width", [390, 320])
def test_a_small_screen_shows_one_phone_and_the_tabs_lead_to_the_others(page, width):
    page.open(width, 844, still=True)
    fay = page.one("#phones .phone:last-child")

    page.all("#tabs button")[2].click()

    page.until(lambda: abs(page.js("return arguments[0].getBoundingClientRect().left", fay) - 8) < 2)
    page.until(
        lambda: [tab.get_attribute("aria-current") for tab in page.all("#tabs button")] == ["false", "false", "true"]
    )
    assert fay.rect["width"] <= width


def test_a_tab_shows_that_something_has_come(page, send):
    page.open(390, 844)

    send("Bob", "Something small for you today")

    page.until(lambda: page.all("#tabs [data-unread]"))
    assert [tab.text for tab in page.all("#tabs [data-unread]")] == ["Bob"]


@pytest.mark.parametrize("width", [1280, 1000, 720, 390, 320])
def test_nothing_is_wider_than_the_screen(page, send, width):
    long = [{"text": "Nothing shorter than this would say it", "callback_data": f"{n}"} for n in range(3)]
    send("Ann", "A" * 300 + " https://example.org/" + "b" * 200, buttons=[long, long[:1]])
    send("Ann", "<pre>" + "c" * 200 + "</pre><blockquote>" + "d" * 200 + "</blockquote>")

    page.open(width, 844)

    page.until(lambda: len(page.bubbles("Ann")) == 3)
    wide = """return [document.documentElement, document.body, ...document.querySelectorAll('.bar, .phone, .app, .scroll')]
        .filter((element) => element.scrollWidth > element.clientWidth + 1).map((element) => element.className)"""
    assert page.js("return document.documentElement.scrollWidth") == width
    assert page.js(wide) == []


def test_marks_are_drawn_where_they_stand_and_html_stays_text(page, send):
    send(
        "Ann",
        "👩‍👩‍👧 <b>bold <i>both</i></b> <u>under</u> <s>gone</s> <code>x&lt;y</code> &lt;img src=x onerror=alert(1)&gt;\n"
        '<blockquote>a <tg-spoiler>secret</tg-spoiler></blockquote><a href="https://example.org/?a=1&amp;b=2">there</a>',
    )
    page.open()

    page.until(lambda: len(page.bubbles("Ann")) == 2)
    drawn = page.js("return document.querySelector(arguments[0]).innerHTML", page.on("Ann", "li:last-child .words"))
    assert drawn == (
        "👩‍👩‍👧 <strong>bold <em>both</em></strong> <u>under</u> <s>gone</s> <code>x&lt;y</code>"
        " &lt;img src=x onerror=alert(1)&gt;\n"
        '<blockquote>a <span class="spoiler" role="button" aria-label="Hidden; press to read" tabindex="0">secret</span>'
        '</blockquote><a href="https://example.org/?a=1&amp;b=2" target="_blank" rel="noopener noreferrer">there</a>'
    )


def test_a_spoiler_opens_when_it_is_pressed(page, send):
    send("Ann", "<tg-spoiler>secret</tg-spoiler>")
    page.open()
    spoiler = page.until(lambda: page.one(page.on("Ann", ".spoiler")))

    spoiler.send_keys(Keys.ENTER)

    assert spoiler.get_attribute("class") == "spoiler open"
    assert not page.one(page.on("Ann", ".replying")).is_displayed()


def test_a_time_is_shown_in_the_zone_of_the_phone(page, send):
    at = int(datetime(2026, 11, 28, 17, 30, tzinfo=UTC).timestamp())
    for name in ("Ann", "Fay"):
        send(name, f'<tg-time unix="{at}" format="wDt">Sat 28 Nov, 17:30</tg-time>')
    page.open()

    page.shows("Ann", "/start", "Saturday, 28 November 2026 at 18:30")
    page.shows("Fay", "/start", "Saturday, 28 November 2026 at 14:30")
    page.until(lambda: [hour.text for hour in page.all(".hour")] == ["15:00", "15:00", "11:00"])


def test_the_lock_screen_shows_the_last_notification_as_it_arrived(page, send, theatre, call):
    page.open()
    small = send("Ann", "Something small for you today", buttons=SMALL)
    theatre.do(call, "editMessageText", chat_id=small.chat.id, message_id=small.id, text="What touched you?")

    page.shows("Ann", "/start", "What touched you?")
    page.until(lambda: page.one(page.on("Ann", ".note-text")).text == "Something small for you today")
    page.until(lambda: page.one(page.on("Ann", ".note-title")).text == "Understory")
    page.until(lambda: page.one(page.on("Bob", ".note-text")).text == "Notifications will appear here.")


def test_edited_silent_and_protected_messages_carry_small_marks(page, send, theatre, call):
    sent = send("Ann", "first", disable_notification=True, protect_content=True)
    theatre.do(call, "editMessageText", chat_id=sent.chat.id, message_id=sent.id, text="second")
    page.open()

    page.shows("Ann", "/start", "second")
    icons = page.all(page.on("Ann", "li:last-child .marks svg"))
    assert [mark.accessible_name for mark in icons] == ["Cannot be forwarded or saved", "Sent without a sound"]
    page.until(lambda: page.one(page.on("Ann", "li:last-child .marks span")).text == "edited")


def test_pictures_are_shown_and_documents_can_be_taken_away(page, theatre, tmp_path):
    picture = tmp_path / "seat.png"
    segno.make("https://t.me/understory_bot?start=seat").save(str(picture), scale=6)
    ann = theatre.stage.phone("Ann")
    theatre.do(ann.send_photo, picture.read_bytes())
    theatre.do(ann.send_document, b"BEGIN:VCALENDAR", "session.ics")
    page.open()

    shown = page.until(lambda: page.one(page.on("Ann", "img.picture")))
    page.until(lambda: page.js("return arguments[0].naturalWidth", shown) > 100)
    page.until(lambda: page.js(LEFT, page.one(page.on("Ann", ".scroll"))) <= 1)
    chip = page.one(page.on("Ann", "a.chip"))
    taken = page.driver.execute_async_script(
        "const done = arguments[1]; fetch(arguments[0].href).then((answer) => answer.text()).then(done)", chip
    )
    assert (chip.get_attribute("download"), chip.text, taken) == (
        "session.ics",
        "session.ics\n15 bytes",
        "BEGIN:VCALENDAR",
    )


def test_a_deleted_message_goes_and_the_others_stay(page, send, theatre, call):
    first, second = send("Ann", "first"), send("Ann", "second")
    page.open()
    page.shows("Ann", "/start", "first", "second")

    theatre.do(call, "deleteMessage", chat_id=first.chat.id, message_id=first.id)

    page.shows("Ann", "/start", "second")
    page.until(lambda: len(page.all(page.on("Ann", ".messages li"))) == 2)
    assert second.deleted_at is None


def test_only_what_has_changed_is_drawn_again(page, send, theatre, call):
    sent = [send("Ann", f"number {n}") for n in range(200)]
    page.open()
    page.until(lambda: len(page.bubbles("Ann")) == 201)
    page.js("for (const item of document.querySelectorAll('.messages li')) item.dataset.old = 'yes'")

    theatre.do(call, "editMessageText", chat_id=sent[7].chat.id, message_id=sent[7].id, text="changed")
    send("Ann", "new")

    page.until(lambda: page.bubbles("Ann")[8] == "changed" and page.bubbles("Ann")[-1] == "new")
    drawn = page.all(page.on("Ann", "li:not([data-old]) .words"))
    page.until(lambda: [words.text for words in drawn] == ["changed", "new"])


def test_the_newest_message_is_in_sight_unless_the_reader_has_scrolled_up(page, send):
    for n in range(60):
        send("Ann", f"number {n}")
    page.open(still=True)
    page.until(lambda: len(page.bubbles("Ann")) == 61)
    scroll = page.one(page.on("Ann", ".scroll"))

    send("Ann", "one more")
    page.until(lambda: page.bubbles("Ann")[-1] == "one more")
    page.until(lambda: page.js(LEFT, scroll) <= 1)

    page.js("arguments[0].scrollTop = 100", scroll)
    page.until(lambda: page.one(page.on("Ann", ".below")).is_displayed())
    send("Ann", "unseen")
    below = page.until(lambda: page.button("Ann", "To the newest message, 1 new"))
    assert page.js("return arguments[0].scrollTop", scroll) == 100

    below.click()
    page.until(lambda: page.js(LEFT, scroll) <= 1)
    page.until(lambda: not below.is_displayed())


# What a hand can do


def test_enter_sends_what_was_typed(page, theatre, call):
    page.open()

    page.type("Bob", "a quiet evening")

    page.shows("Bob", "/start", "a quiet evening")
    assert [update["message"]["text"] for update in theatre.do(call.updates)] == ["a quiet evening"]
    assert page.one(page.on("Bob", "textarea")).get_property("value") == ""


def test_what_cannot_be_sent_is_said_and_stays_in_the_field(page, theatre):
    theatre.stage.groups.open("Maple", theatre.stage.named("Fay"), [theatre.stage.named("Ann")])
    page.open()
    page.until(lambda: page.button("Ann", "Maple")).click()
    group = theatre.stage.chats_of(theatre.stage.named("Ann"))[1]
    group.members[theatre.stage.named("Ann").id].status = "left"

    page.type("Ann", "hello")

    page.until(lambda: page.one(page.on("Ann", ".toast")).text == "only members write in a group")
    assert page.one(page.on("Ann", "textarea")).get_property("value") == "hello"
    assert [trouble for trouble in page.troubles() if "400 (Bad Request)" not in trouble] == []


def test_a_tap_on_a_bubble_answers_it(page, send, theatre):
    asked = send("Ann", "What touched you?")
    page.open()
    page.shows("Ann", "/start", "What touched you?")

    page.one(page.on("Ann", "li:last-child .words")).click()
    page.type("Ann", "the light")

    page.shows("Ann", "/start", "What touched you?", "the light")
    assert theatre.stage.phone("Ann").last.reply_to == asked.id
    page.until(lambda: page.one(page.on("Ann", "li:last-child .quoted span")).text == "What touched you?")


def test_the_keyboard_walks_through_the_messages_and_answers(page, send, theatre):
    asked = send("Ann", "first")
    send("Ann", "second")
    page.open()
    page.shows("Ann", "/start", "first", "second")

    page.one(page.on("Ann", ".scroll")).send_keys(Keys.ARROW_UP)
    page.driver.switch_to.active_element.send_keys(Keys.ARROW_UP)
    page.driver.switch_to.active_element.send_keys(Keys.ENTER)
    page.driver.switch_to.active_element.send_keys("yes", Keys.ENTER)

    page.shows("Ann", "/start", "first", "second", "yes")
    assert theatre.stage.phone("Ann").last.reply_to == asked.id


def test_of_two_buttons_with_one_label_the_pressed_one_counts(page, send, theatre, call):
    send("Ann", "When?", buttons=[[{"text": "·", "callback_data": "one"}, {"text": "·", "callback_data": "two"}]])
    page.open()
    page.shows("Ann", "/start", "When?")

    page.all(page.on("Ann", ".buttons button"))[1].click()

    page.until(lambda: theatre.stage.queries)
    assert [update["callback_query"]["data"] for update in theatre.do(call.updates)] == ["two"]


@pytest.mark.parametrize("alert", [False, True])
def test_the_answer_to_a_tap_flashes_up(page, send, theatre, call, alert):
    send("Ann", "Something small", buttons=SMALL)
    page.open()
    page.until(lambda: page.button("Ann", "Open")).click()
    query = page.until(lambda: next(iter(theatre.stage.queries)))

    theatre.do(call, "answerCallbackQuery", callback_query_id=query, text="Kept.", show_alert=alert)

    if alert:
        page.until(lambda: page.one(page.on("Ann", ".sheet[open] h4")).text == "Kept.")
        page.choose("Ann", "OK")
        page.until(lambda: not page.all(page.on("Ann", ".sheet[open]")))
    else:
        page.until(lambda: page.one(page.on("Ann", ".toast")).text == "Kept.")


def test_what_flashed_up_before_the_page_was_opened_does_not_again(page, send, theatre, call):
    sent = send("Ann", "Something small", buttons=SMALL)
    query = theatre.do(theatre.stage.phone("Ann").press, sent, "Open")
    theatre.do(call, "answerCallbackQuery", callback_query_id=query.id, text="Old news", show_alert=True)
    page.open()

    send("Ann", "later")

    page.shows("Ann", "/start", "Something small", "later")
    assert page.all(page.on("Ann", ".sheet[open]")) == []


@pytest.mark.parametrize("width", [1280, 390])
def test_a_seat_link_on_one_phone_is_opened_on_another(page, send, theatre, width):
    send("Fay", "Ann, this link is for you alone:\nhttps://t.me/understory_bot?start=seat-1")
    page.open(width, 844, still=True)
    page.js("document.querySelector('#tabs button:last-child').click()")
    page.until(lambda: page.button("Fay", "https://t.me/understory_bot?start=seat-1")).click()

    page.choose("Fay", "Open on Ann's phone")

    page.shows("Ann", "/start", "/start seat-1")
    assert theatre.stage.phone("Fay").last.sender is theatre.stage.bot_named()


def test_the_menu_offers_the_commands_of_the_bot(page, theatre, call):
    theatre.do(call, "setMyCommands", commands=[{"command": "next", "description": "What comes next"}])
    page.open()

    page.button("Ann", "Commands").click()
    page.choose("Ann", "/next\nWhat comes next")

    page.shows("Ann", "/start", "/next")


def test_a_bot_is_blocked_and_unblocked(page, theatre):
    page.open()

    page.button("Ann", "More").click()
    page.choose("Ann", "Block the bot")
    page.until(lambda: page.button("Ann", "Unblock")).click()

    page.until(lambda: page.one(page.on("Ann", "textarea")).is_displayed())
    assert not theatre.stage.phone("Ann").chat.blocked


def test_somebody_new_is_offered_to_start(page, theatre):
    theatre.do(theatre.stage.person, "Zoe")
    page.open()

    page.until(lambda: page.button("Zoe", "Start")).click()

    page.shows("Zoe", "/start")


def test_a_picture_and_a_file_can_be_sent(page, theatre, tmp_path):
    (tmp_path / "programme.yaml").write_text("understory: 1\n", encoding="utf-8")
    (tmp_path / "leaf.png").write_bytes(SMALLEST_PICTURE)
    fay = theatre.stage.phone("Fay")
    page.open()
    field = page.one(page.on("Fay", "input[type=file]"))

    field.send_keys(str(tmp_path / "programme.yaml"))
    page.until(lambda: page.one(page.on("Fay", "a.chip b")).text == "programme.yaml")
    page.one(page.on("Fay", "textarea")).send_keys("from the walk")
    field.send_keys(str(tmp_path / "leaf.png"))
    page.until(lambda: page.all(page.on("Fay", "img.picture")))

    assert fay.messages[-2].document == b"understory: 1\n"
    assert (fay.last.photo, fay.last.caption) == (SMALLEST_PICTURE, "from the walk")


def test_a_reply_keyboard_says_its_labels(page, send):
    send("Ann", "Where are you?", reply_markup={"keyboard": [[{"text": "Berlin"}, {"text": "Elsewhere"}]]})
    page.open()

    page.until(lambda: page.button("Ann", "Berlin")).click()

    page.shows("Ann", "/start", "Where are you?", "Berlin")


# The clock


def test_the_clock_shows_the_time_where_most_people_are(page):
    page.open()

    page.until(lambda: page.one("#time").text == "15:00")
    assert page.one(".now p").text == "Saturday\n28 November 2026, Berlin"


@pytest.mark.parametrize(
    ("choice", "paused", "speed"),
    [("60", False, 60.0), ("600", False, 600.0), ("3600", False, 3600.0), ("fast", False, None)],
)
def test_the_pace_of_the_clock_is_chosen(page, clock, choice, paused, speed):
    page.open()
    page.until(lambda: page.one("#pace [value=paused]").is_selected())

    page.one(f"#pace [value='{choice}']").click()

    page.until(lambda: (clock.paused, clock.speed) == (paused, speed))
    page.until(lambda: page.one(f"#pace [value='{choice}']").is_selected())
    page.one("#pace [value=paused]").click()
    page.until(lambda: clock.paused)


def test_a_flowing_clock_ticks_on_the_page(page, clock, bot_rests):
    bot_rests(START + timedelta(days=1))
    page.open()

    page.one("#pace [value='3600']").click()

    page.until(lambda: page.one("#time").text > "15:30")
    page.one("#pace [value=paused]").click()
    page.until(lambda: clock.paused)
    shown = clock.now.astimezone(ZoneInfo("Europe/Berlin"))
    page.until(lambda: page.one("#time").text == f"{shown:%H:%M}")


def test_the_next_instant_is_named_and_jumped_to(page, clock, bot_rests):
    bot_rests(START + timedelta(hours=2, minutes=10))
    page.open()
    page.until(lambda: page.one("#next-at").text == "Sat 28 Nov, 17:10 · in 2 h 10 min")

    page.one("#next").click()

    page.until(lambda: page.one("#time").text == "17:10")
    page.until(lambda: page.one("#next-at").text == "Nothing is planned")
    assert clock.now == START + timedelta(hours=2, minutes=10)


def test_a_typed_date_is_jumped_to_and_what_was_due_on_the_way_happens(page, clock, bot_rests, theatre):
    moved = []
    bot_rests(START + timedelta(hours=5))
    clock.listeners.append(lambda: moved.append(clock.now))
    page.open()

    page.one("#jump-open").click()
    page.js("document.getElementById('jump-at').value = '2026-12-01T09:30'")
    page.one("#jump .primary").click()

    page.until(lambda: page.one("#time").text == "09:30")
    assert clock.now == datetime(2026, 12, 1, 8, 30, tzinfo=UTC)
    assert START + timedelta(hours=5) in moved


def test_a_moment_that_has_passed_is_not_jumped_to(page, clock):
    page.open()
    page.one("#jump-open").click()
    page.js("document.getElementById('jump-at').value = '2026-11-28T14:59'")

    page.one("#jump .primary").click()

    page.until(lambda: page.one("#notice").text == "This moment has passed.")
    assert clock.now == START


@pytest.mark.parametrize(
    ("local", "zone", "instant"),
    [
        ("2026-11-28T14:00", "Asia/Kolkata", "2026-11-28T08:30:00.000Z"),
        ("2026-10-25T02:30", "Europe/Berlin", "2026-10-25T00:30:00.000Z"),
        ("2026-03-29T02:30", "Europe/Berlin", "2026-03-29T01:30:00.000Z"),
        ("2026-03-29T03:30", "Europe/Berlin", "2026-03-29T01:30:00.000Z"),
        ("2026-11-01T01:30", "America/New_York", "2026-11-01T05:30:00.000Z"),
    ],
)
def test_a_local_time_is_one_instant_even_when_clocks_change(page, local, zone, instant):
    page.open()

    assert page.js("return instantOf(arguments[0], arguments[1]).toISOString()", local, zone) == instant


def test_the_progress_of_a_script_is_shown_while_there_is_one(page, theatre):
    page.open()
    page.until(lambda: page.bubbles("Ann") == ["/start"])
    assert not page.one("#script").is_displayed()

    theatre.script = {"step": 12, "of": 40, "line": "Ann opens her seat", "done": False, "verdict": None}
    theatre.do(theatre.stage.changed)

    page.until(lambda: page.one("#script p").text.split("\n") == ["12 of 40", "Ann opens her seat"])
    assert page.js("return document.getElementById('script-progress').position") == pytest.approx(0.3)


# Around it


def test_the_page_finds_its_way_back_after_the_rehearsal_was_away(page, send, theatre):
    page.open()
    page.shows("Ann", "/start")
    page.js("window.sameLoad = true")
    port = theatre.served.port
    theatre.close()
    page.until(lambda: page.one("#notice").text == "The rehearsal does not answer. Trying again…")

    send("Ann", "while you were away")
    theatre.open(port)

    page.shows("Ann", "/start", "while you were away")
    page.until(lambda: page.one("#notice").text == "")
    assert page.js("return window.sameLoad") is True
    assert all("ERR_" in trouble for trouble in page.troubles())


def test_colours_follow_the_system_until_somebody_chooses(page):
    page.open(dark=True)
    assert page.js("return document.documentElement.dataset.theme") == "dark"

    page.one("#theme").click()
    page.open(dark=True)

    assert page.js("return document.documentElement.dataset.theme") == "light"
    assert page.js("return getComputedStyle(document.querySelector('.bubble')).backgroundColor") == "rgb(213, 232, 216)"


UNREADABLE = """
const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
const rgb = (colour) => {
  canvas.clearRect(0, 0, 1, 1);
  canvas.fillStyle = colour;
  canvas.fillRect(0, 0, 1, 1);
  const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
  return [r, g, b, a / 255];
};
const over = (top, under) => [0, 1, 2].map((n) => top[n] * top[3] + under[n] * (1 - top[3]));
const light = (colour) => {
  const [r, g, b] = colour.map((part) => part / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const contrast = (one, other) => {
  const [high, low] = [light(one), light(other)].sort((a, b) => b - a);
  return (high + 0.05) / (low + 0.05);
};
const grounds = (element) => {
  const style = getComputedStyle(element);
  if (element.matches('.lock')) return ['--sky', '--earth'].map((name) => rgb(style.getPropertyValue(name)));
  const own = rgb(style.backgroundColor);
  if (own[3] === 1 || !element.parentElement) return [own];
  return grounds(element.parentElement).map((under) => [...over(own, under), 1]);
};
const bad = [];
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const element = walker.currentNode.parentElement;
  if (!walker.currentNode.data.trim() || !element.checkVisibility() || element.matches('.spoiler')) continue;
  const style = getComputedStyle(element);
  const wanted = parseFloat(style.fontSize) >= 24 ? 3 : 4.5;
  for (const ground of grounds(element)) {
    const found = contrast(over(rgb(style.color), ground), ground);
    if (found < wanted) bad.push(`${walker.currentNode.data.trim()}: ${found.toFixed(2)}`);
  }
}
return bad;
"""


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("hours", [0, 4, 9, 17])
def test_every_word_can_be_read_by_day_and_by_night(page, send, theatre, clock, bot_rests, call, dark, hours):
    clock.jump_to(START + timedelta(hours=hours))
    bot_rests(START + timedelta(days=1))
    quoted = send(
        "Ann",
        "<b>Hello</b> <a href='https://example.org'>there</a> <code>x</code><blockquote>q</blockquote>",
        buttons=SMALL,
    )
    theatre.do(theatre.stage.phone("Ann").say, "/next and so on", quoted)
    theatre.do(theatre.stage.phone("Ann").send_document, b"x", "notes.txt")
    theatre.script = {"step": 1, "of": 4, "line": "Ann reads", "done": False, "verdict": None}
    page.open(dark=dark, still=True)
    page.until(lambda: page.one(page.on("Ann", "a.chip")).is_displayed() and page.one("#script").is_displayed())

    page.one("#jump-open").click()
    page.button("Bob", "Commands").click()
    page.one(page.on("Ann", "li:nth-child(2) .bubble")).click()

    assert page.js(UNREADABLE) == []


def test_everything_that_can_be_pressed_has_a_name_and_shows_the_focus(page, send):
    send("Ann", "Something small", buttons=SMALL)
    page.open()
    page.until(lambda: page.button("Ann", "Open"))

    reached = []
    for _ in range(60):
        page.one("body" if not reached else ":focus").send_keys(Keys.TAB)
        element = page.driver.switch_to.active_element
        if element.tag_name == "body" or element in reached:
            break
        reached.append(element)
        outline = (
            "const style = getComputedStyle(arguments[0].matches('#pace input') ? arguments[0].nextElementSibling :"
        )
        assert page.js(f"{outline} arguments[0]); return style.outlineStyle", element) == "solid"

    assert all(element.accessible_name for element in reached)
    shown = [button for button in page.all("button, textarea") if button.is_displayed() and button.is_enabled()]
    assert {element.id for element in shown} <= {element.id for element in reached}


def test_a_changed_message_keeps_the_place_of_the_keyboard(page, send, theatre, call):
    rows = [[{"text": "☐ one", "callback_data": "1"}], [{"text": "☐ two", "callback_data": "2"}]]
    sent = send("Ann", "Tick what fits", buttons=rows)
    page.open()
    page.until(lambda: page.button("Ann", "☐ two")).send_keys("")
    page.js("arguments[0].focus()", page.button("Ann", "☐ two"))

    rows[1][0]["text"] = "☑ two"
    markup = {"inline_keyboard": rows}
    theatre.do(call, "editMessageReplyMarkup", chat_id=sent.chat.id, message_id=sent.id, reply_markup=markup)

    page.until(lambda: page.button("Ann", "☑ two"))
    assert page.driver.switch_to.active_element.text == "☑ two"


def test_nothing_moves_for_those_who_want_it_still(page, send, theatre, call):
    sent = send("Ann", "Something small", buttons=SMALL)
    page.open(still=True)
    page.shows("Ann", "/start", "Something small")
    page.js(
        "window.moved = 0; const a = Element.prototype.animate; Element.prototype.animate = function (...given) {"
        " window.moved += 1; return a.apply(this, given); }"
    )

    send("Ann", "new")
    theatre.do(call, "deleteMessage", chat_id=sent.chat.id, message_id=sent.id)

    page.shows("Ann", "/start", "new")
    assert page.js("return window.moved") == 0


def test_the_page_needs_nothing_from_elsewhere(page, theatre):
    page.open()

    loaded = page.js("return performance.getEntriesByType('resource').map((entry) => entry.name)")

    assert {name for name in loaded if not name.startswith(f"{theatre.served.url}/")} == set()
    assert {f"{theatre.served.url}/page/style.css", f"{theatre.served.url}/page/page.js"} <= set(loaded)
