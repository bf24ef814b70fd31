"""Whatever a bot sends, the stage answers: with a result that aiogram can read or with a refusal in Telegram's form."""

from __future__ import annotations

from datetime import UTC, datetime

from conftest import Caller
from hypothesis import given, settings
from hypothesis import strategies as st
from rehearsal import oracle

from bot.rehearsal.clock import StageClock
from bot.rehearsal.files import Upload
from bot.rehearsal.methods import METHODS
from bot.rehearsal.phone import SMALLEST_PICTURE
from bot.rehearsal.stage import Stage

ANN = 100_001
GROUP = -4_000_001
BUTTONS = {"inline_keyboard": [[{"text": "Open", "callback_data": "o"}]]}

anything = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 2**40) | st.text(max_size=20) | st.sampled_from([ANN, GROUP, 0.5]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["type", "text", "id", "offset"]), inner)
    ),
    max_leaves=6,
)
likely = {
    "chat_id": st.sampled_from([ANN, str(ANN), GROUP, 7]),
    "from_chat_id": st.sampled_from([ANN, GROUP]),
    "message_id": st.integers(0, 12),
    "message_ids": st.lists(st.integers(0, 12), max_size=3),
    "user_id": st.just(ANN),
    "text": st.sampled_from(["x", "<b>x</b>", "/next @fay_holds", "<a href='tg://user?id=100001'>Ann</a>", ""]),
    "parse_mode": st.sampled_from(["HTML", "", "Markdown"]),
    "reply_markup": st.sampled_from([BUTTONS, {"keyboard": [[{"text": "Yes"}]]}, {"remove_keyboard": True}, None]),
    "photo": st.just(Upload("a.png", SMALLEST_PICTURE)),
    "document": st.just(Upload("a.ics", b"BEGIN")),
    "callback_query_id": st.just("4000000001"),
    "action": st.just("typing"),
    "options": st.just(["Fri", "Sat"]),
    "question": st.just("Which day?"),
    "commands": st.just([{"command": "next", "description": "What comes"}]),
    "scope": st.sampled_from([{"type": "default"}, {"type": "chat", "chat_id": ANN}, {"type": "chat_member"}]),
    "reaction": st.just([{"type": "emoji", "emoji": "🙏"}]),
    "reply_parameters": st.sampled_from([{"message_id": 1}, {"message_id": 99, "allow_sending_without_reply": True}]),
}


@st.composite
def calls(draw):
    method = METHODS[draw(st.sampled_from(sorted(METHODS)))]
    names = draw(st.sets(st.sampled_from(sorted(method.kinds)))) if method.kinds else set()
    if "chat_id" in method.kinds:
        names |= {"chat_id"}
    return method.name, {name: draw(likely.get(name, anything) | anything) for name in sorted(names)}


@given(st.lists(calls(), min_size=1, max_size=6))
@settings(max_examples=200)
def test_every_call_gets_an_answer_that_can_be_read(sequence):
    stage = Stage(StageClock(datetime(2026, 11, 28, tzinfo=UTC)))
    bot = stage.bot()
    ann = stage.person("Ann")
    stage.update_watchers.append(lambda _, update: oracle.check_update(update))
    stage.groups.promote(stage.groups.open("Maple", ann, bots=[bot]), bot)
    phone = stage.phone("Ann")
    phone.send_photo(caption="look")
    phone.forge(1, "tap")
    call = Caller(stage)

    for method, params in [("sendMessage", {"chat_id": ANN, "text": "Hello"}), *sequence]:
        body = call.full(method, **params)

        if body["ok"]:
            oracle.check_result(method, body["result"])
        else:
            assert body["description"].partition(":")[0] in {"Bad Request", "Forbidden", "Conflict"}
