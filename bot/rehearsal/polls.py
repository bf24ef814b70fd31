"""Polls: questions with options, votes, closing."""

from __future__ import annotations

from typing import Any

from bot.rehearsal.access import message_in, writable_chat
from bot.rehearsal.entities import read_text
from bot.rehearsal.message import Poll
from bot.rehearsal.methods import Ask, method
from bot.rehearsal.parameters import only
from bot.rehearsal.refusals import bad
from bot.rehearsal.sending import EVERY_SEND, MARKUP, put
from bot.rehearsal.state import Json

OPTION = {"text": str, "text_parse_mode": str, "text_entities": list}


@method(
    "sendPoll",
    EVERY_SEND,
    MARKUP,
    "question question_parse_mode options:array is_anonymous:bool type allows_multiple_answers:bool "
    "allows_revoting:bool hide_results_until_closes:bool open_period:int close_date:int is_closed:bool",
)
def send_poll(ask: Ask) -> Json:
    question, entities = read_text(ask["question"] or "", ask["question_parse_mode"] or "", None)
    if not 1 <= len(question) <= 300:
        raise bad("poll question must be non-empty" if not question else "poll question length must not exceed 300")
    if ask["open_period"] and ask["close_date"]:
        raise bad("only one of open_period and close_date may be given")
    if ask["type"] not in {None, "regular"}:
        raise bad("only regular polls can be sent on the stage")
    number = str(9_000_000_000 + next(ask.stage.serial))
    form: Json = {
        "id": number,
        "question": question,
        "options": _options(ask["options"]),
        "total_voter_count": 0,
        "is_closed": bool(ask["is_closed"]),
        "is_anonymous": ask["is_anonymous"] is not False,
        "type": "regular",
        "allows_multiple_answers": bool(ask["allows_multiple_answers"]),
        "allows_revoting": ask["allows_revoting"] is not False,
        "members_only": False,
    }
    form |= {"question_entities": entities} if entities else {}
    form |= {key: ask[key] for key in ("open_period", "close_date") if ask[key]}
    message = put(ask, {"poll": form}, [])
    ask.stage.polls[number] = Poll(number, message, form)
    return message.as_json()


def _options(options: list[Any] | None) -> list[Json]:
    if not 1 <= len(options or ()) <= 12:
        raise bad("poll must have 1 to 12 options")
    read = []
    for position, option in enumerate(options or ()):
        given = only("InputPollOption", {"text": option} if isinstance(option, str) else option, OPTION)
        text, _ = read_text(given.get("text") or "", given.get("text_parse_mode") or "", given.get("text_entities"))
        if not 1 <= len(text) <= 100:
            raise bad("poll options length must be 1 to 100")
        read.append({"persistent_id": str(position), "text": text, "voter_count": 0})
    return read


@method("stopPoll", "chat_id message_id:int", MARKUP)
def stop_poll(ask: Ask) -> Json:
    message = message_in(writable_chat(ask), ask["message_id"], "stop poll in")
    poll = ask.stage.polls.get(message.content.get("poll", {}).get("id", ""))
    if poll is None or message.sender is not ask.bot:
        raise bad("message with poll to stop not found")
    if poll.form["is_closed"]:
        raise bad("poll has already been closed")
    votes = [number for chosen in poll.votes.values() for number in chosen]
    options = [option | {"voter_count": votes.count(at)} for at, option in enumerate(poll.form["options"])]
    voters = sum(bool(chosen) for chosen in poll.votes.values())
    poll.form = poll.form | {"is_closed": True, "options": options, "total_voter_count": voters}
    ask.stage.change(message, {"poll": poll.form}, edited=False)
    return poll.form
