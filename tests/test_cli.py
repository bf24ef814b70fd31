"""The command line: it works as it says, and what is wrong is said kindly and in full."""

from __future__ import annotations

import asyncio
import logging
import re
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiohttp.test_utils import TestServer

from bot.cli import main
from bot.delivery.leadership import Leadership
from bot.health import Health
from bot.heart import Heart
from bot.rehearsal.clock import StageClock
from bot.rehearsal.server import serve
from bot.rehearsal.stage import Stage
from bot.settings import Settings
from bot.storage.keys import read_keys

COUPLE = Path(__file__).parents[1] / "bot" / "programmes" / "library" / "couple-72h.yaml"


@pytest.fixture
def telegram():
    """A stage with one bot; its settings for a process of our own."""
    stage = Stage(StageClock(datetime(2026, 11, 28, 12, tzinfo=UTC)))
    stage.bot("understory_bot", token="700001:AAthisIsNotARealTokenButLooksLikeOne")
    return stage


@dataclass(frozen=True)
class Said:
    """What a command left behind in the terminal."""

    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def understory(tmp_path, monkeypatch, capsys):
    """Run the command in an empty folder, with these settings and no others."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    root.handlers = []  # the command configures its own, on the terminal of this test

    def command(*arguments, **env):
        with monkeypatch.context() as here:
            here.setattr(sys, "argv", ["understory", *map(str, arguments)])
            for name, value in env.items():
                here.setenv(name, value)
            try:
                main()
                code = 0
            except SystemExit as end:
                code = end.code or 0
        terminal = capsys.readouterr()
        return Said(code, terminal.out, terminal.err)

    yield command
    root.handlers, root.level = handlers, level


async def at(telegram, understory, *arguments, **env):
    """Run the command while the stage answers."""
    async with serve(telegram, telegram.clock) as served:
        env = {"BOT_TOKEN": telegram.bot_named().token, "BOT_API_URL": served.url} | env
        return await asyncio.to_thread(understory, *arguments, **env)


def test_the_command_is_installed_and_lists_what_it_can():
    said = subprocess.run(
        [Path(sys.executable).with_name("understory"), "--help"], capture_output=True, text=True, check=True
    )

    listed = re.findall(r"^  ([a-z][a-z-]+) +[A-Z]", said.stdout, re.MULTILINE)
    assert listed[:5] == ["run", "rehearse", "check", "simulate", "doctor"]


@pytest.mark.parametrize("command", ["run", "doctor", "migrate", "appoint"])
def test_wrong_settings_are_all_named_at_once_without_a_traceback(understory, command):
    said = understory(command, SEND_RATE="500", LOG_FORMAT="xml")

    assert said.returncode == 2
    assert [line.partition(":")[0] for line in said.stderr.splitlines()] == ["BOT_TOKEN", "SEND_RATE", "LOG_FORMAT"]


def test_a_good_programme_can_be_used(understory):
    said = understory("check", COUPLE)

    assert (said.returncode, said.stderr) == (0, "")
    assert said.stdout.splitlines()[-1].startswith("couple-72h.yaml can be used: ")


def test_everything_wrong_with_a_programme_is_said_with_its_line(understory, tmp_path):
    (tmp_path / "ours.yaml").write_text("understory: 1\nid: Our Days\nversion: one\nsteps: []\n")

    said = understory("check", "ours.yaml")

    lines = said.stderr.splitlines()
    assert said.returncode == 2
    assert {line.partition(" ")[0] for line in lines} == {"ours.yaml,"}
    assert len([line for line in lines if line.startswith("ours.yaml, line 2")]) == 1
    assert len([line for line in lines if line.startswith("ours.yaml, line 3")]) == 1


def test_a_file_that_is_not_there_is_said(understory):
    said = understory("check", "nowhere.yaml")

    assert said.returncode == 2
    assert "Traceback" not in said.stderr


def test_a_plan_is_shown_in_everybodys_own_hours(understory):
    said = understory(
        "simulate", COUPLE, "--zone", "Ann=Europe/Berlin", "--zone", "Bob=Asia/Kolkata", "--from", "2026-11-28 14:00"
    )

    safe_home = re.findall(r"(\w+ \d+ \w+ \d\d:\d\d) +│ (\w+) +│ safe-home", said.stdout)
    assert said.returncode == 0
    assert sorted(safe_home, key=lambda row: row[1]) == [("Sat 28 Nov 19:00", "Ann"), ("Sat 28 Nov 22:45", "Bob")]


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        (["--zone", "Berlin", "--from", "2026-11-28 14:00"], "--zone"),
        (["--zone", "../etc", "--from", "2026-11-28 14:00"], "--zone"),
        (["--zone", "Europe/Berlin", "--from", "on Saturday"], "--from"),
        (["--zone", "Europe/Berlin", "--from", "2026-11-28 14:00", "--lasts", "long"], "--lasts"),
    ],
)
def test_a_wrong_option_is_named_with_a_remedy(understory, wrong, named):
    said = understory("simulate", COUPLE, *wrong)

    assert said.returncode == 2
    assert said.stderr.partition(":")[0] == named
    assert len(said.stderr.splitlines()) == 1


def test_a_new_key_is_one(understory):
    said = understory("new-key")

    assert said.returncode == 0
    assert repr(read_keys(said.stdout)) == "<Keyring of 1>"


def test_a_new_database_is_made_and_the_second_time_nothing_happens(understory, tmp_path, telegram):
    for _ in range(2):
        said = understory("migrate", BOT_TOKEN=telegram.bot_named().token)
        assert (said.returncode, said.stdout, said.stderr) == (0, "The database is up to date.\n", "")

    assert (tmp_path / "understory.keys").stat().st_mode & 0o777 == 0o600


async def test_an_owners_link_stays_the_same_until_it_is_used(telegram, understory):
    first = await at(telegram, understory, "appoint")
    second = await at(telegram, understory, "appoint")

    assert first.returncode == 0
    assert re.fullmatch(r"https://t\.me/understory_bot\?start=[\w-]{32,64}\n", first.stdout)
    assert second.stdout == first.stdout


async def test_the_doctor_finds_nothing_wrong_with_a_new_bot(telegram, understory):
    said = await at(telegram, understory, "doctor")

    assert said.returncode == 0
    assert [line for line in said.stdout.splitlines() if not line.startswith("ok ")] == []
    assert "ok    Telegram knows the bot as @understory_bot." in said.stdout.splitlines()
    assert "ok    There is no database understory.db yet. The first start makes it." in said.stdout.splitlines()


async def test_the_doctor_looks_into_a_database_that_nobody_uses(telegram, understory):
    await at(telegram, understory, "migrate")

    said = await at(telegram, understory, "doctor")

    assert said.returncode == 0
    assert "ok    The keys open it, and it belongs to this bot." in said.stdout.splitlines()
    assert "ok    The database file is sound." in said.stdout.splitlines()


async def test_the_doctor_names_a_token_that_telegram_does_not_know(telegram, understory):
    said = await at(telegram, understory, "doctor", BOT_TOKEN="987654321:AAthisIsNotARealTokenButLooksLikeOne")

    assert said.returncode == 1
    assert "WRONG BOT_TOKEN: Telegram does not know it. Ask @BotFather for the current one." in said.stdout.splitlines()
    assert "AAthisIsNot" not in said.stdout + said.stderr


async def test_the_doctor_names_keys_that_do_not_open_the_database(telegram, understory):
    await at(telegram, understory, "migrate")
    other = understory("new-key").stdout.strip()

    said = await at(telegram, understory, "doctor", ENCRYPTION_KEYS=other)

    [wrong] = [line for line in said.stdout.splitlines() if line.startswith("WRONG")]
    assert said.returncode == 1
    assert wrong.startswith("WRONG ENCRYPTION_KEYS: ")


def test_the_doctor_says_when_nothing_answers(understory, telegram):
    env = {
        "BOT_TOKEN": telegram.bot_named().token,
        "BOT_API_URL": "http://127.0.0.1:9",
        "METRICS_LISTEN": "127.0.0.1:9",
    }

    said = understory("doctor", **env)
    quick = understory("doctor", "--quick", **env)

    wrong = [line.partition(" ")[2].partition(" ")[0] for line in said.stdout.splitlines() if line.startswith("WRONG")]
    assert (said.returncode, wrong) == (1, ["No", "BOT_API_URL:"])
    assert (quick.returncode, quick.stdout) == (1, "not alive\n")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_the_quick_question_is_answered_by_a_running_bot(understory, telegram, database):
    health = Health(database, telegram.clock, Leadership(database), None, Heart())
    async with TestServer(health.server()) as running:
        env = {"BOT_TOKEN": telegram.bot_named().token, "METRICS_LISTEN": f"0.0.0.0:{running.port}"}

        said = await asyncio.to_thread(understory, "doctor", "--quick", **env)

    assert (said.returncode, said.stdout) == (0, "alive\n")
