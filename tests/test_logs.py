"""Logs: what the operator needs, and nothing that belongs to somebody else."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
from datetime import datetime, timedelta

import pytest

from bot import logs
from bot.errors import Wrong

TOKEN = "123456789:AAthisIsNotARealTokenButLooksLikeOne"
WORDS = "what Ann wrote"


@pytest.fixture(autouse=True)
def _as_before():
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    root.handlers = []
    yield
    root.handlers, root.level = handlers, level
    for name in ("bot", "handlers"):
        logging.getLogger(name).setLevel(logging.NOTSET)


def fail(error: BaseException) -> None:
    raise error


def failing(error: BaseException) -> None:
    try:
        fail(error)
    except BaseException:
        logging.getLogger("bot.post").exception("reference k3v9")


def test_text_has_the_hour_in_utc_the_place_and_the_message(capsys):
    logs.configure("text", "INFO")

    logging.getLogger("bot.post").info("sent %d", 3)

    hour, rest = capsys.readouterr().err.split(" ", 1)
    assert rest == "INFO    bot.post: sent 3\n"
    assert datetime.fromisoformat(hour).utcoffset() == timedelta(0)


def test_json_is_one_object_a_line(capsys):
    logs.configure("json", "INFO")

    logging.getLogger("bot.post").warning("two\nlines")
    failing(RuntimeError("hidden"))

    first, second = (json.loads(line) for line in capsys.readouterr().err.splitlines())
    assert (first["level"], first["from"], first["message"]) == ("warning", "bot.post", "two\nlines")
    assert set(first) == {"at", "level", "from", "message"}
    assert second["error"].splitlines()[-1] == "RuntimeError"


def test_a_message_cannot_pretend_to_be_two(capsys):
    logs.configure("text", "INFO")

    logging.getLogger("bot").info("kept\nERROR bot: invented")

    assert len(capsys.readouterr().err.splitlines()) == 1


def test_the_level_is_for_our_own_events(capsys):
    logs.configure("text", "DEBUG")

    logging.getLogger("bot.post").debug("claimed")
    for library in ("httpx", "httpcore", "telegram.Bot", "aiohttp.access", "aiosqlite", "sqlalchemy.engine"):
        logging.getLogger(library).info("parameters of %s", library)

    assert [line.split(" ", 1)[1] for line in capsys.readouterr().err.splitlines()] == ["DEBUG   bot.post: claimed"]


def test_a_second_call_replaces_the_first(capsys):
    logs.configure("text", "INFO")
    logs.configure("text", "ERROR")

    logging.getLogger("bot").warning("quiet")
    logging.getLogger("bot").error("once")

    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("shape", ["text", "json"])
@pytest.mark.parametrize(
    "secret",
    [
        TOKEN,
        f"https://api.telegram.org/bot{TOKEN}/getUpdates",
        f"/bot{TOKEN.replace(':', '%3A')}/sendMessage",
        "901cc304:DLh4dj2nhWwWBYXV7WH/TRNncp/tTKTm07hX0jWFeeg=",
        "postgresql://ann:AAthisIsNotARealTokenButLooksLikeOne@db/understory",
    ],
)
def test_no_secret_is_logged_in_messages_errors_or_their_causes(capsys, shape, secret):
    logs.configure(shape, "INFO")

    logging.getLogger("bot").info("calling %s", secret)
    error = OSError(secret)
    error.__cause__ = Wrong(secret)
    failing(error)

    told = capsys.readouterr().err
    assert told.count("***") == 3
    assert secret.rpartition(":")[2].partition("@")[0] not in told


@pytest.mark.parametrize("shape", ["text", "json"])
def test_an_errors_message_is_kept_out_because_it_may_quote_a_person(capsys, shape):
    logs.configure(shape, "INFO")
    error = ExceptionGroup(WORDS, [RuntimeError(WORDS)])
    error.__cause__ = KeyError(WORDS)
    error.__cause__.__context__ = ValueError(WORDS)

    failing(error)

    told = capsys.readouterr().err
    assert WORDS not in told
    assert [name for name in ("ValueError", "KeyError", "ExceptionGroup", "RuntimeError") if name not in told] == []


def test_an_error_keeps_its_way_through_the_code(capsys):
    logs.configure("text", "INFO")

    failing(RuntimeError("hidden"))

    told = capsys.readouterr().err.splitlines()
    assert told[1].endswith("in failing")
    assert told[-1] == "RuntimeError"


def test_what_is_wrong_with_settings_and_files_is_said(capsys):
    logs.configure("text", "INFO")

    failing(Wrong("SEND_RATE: too fast."))
    failing(FileNotFoundError(2, "No such file", "/data/understory.db"))

    told = capsys.readouterr().err.splitlines()
    assert "bot.errors.Wrong: SEND_RATE: too fast." in told
    assert told[-1] == "FileNotFoundError: [Errno 2] No such file: '/data/understory.db'"


async def test_a_forgotten_task_does_not_show_its_error_in_full(capsys):
    logs.configure("text", "INFO")
    asyncio.get_running_loop().set_exception_handler(logs.say_unexpected)

    async def forget() -> None:
        fail(ValueError(WORDS))

    task = asyncio.create_task(forget())
    await asyncio.wait([task])
    del task
    gc.collect()

    told = capsys.readouterr().err
    assert WORDS not in told
    assert told.splitlines()[-1] == "ValueError"
