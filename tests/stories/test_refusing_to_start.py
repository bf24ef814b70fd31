"""Starting with something wrong: the real command says what and how to mend it, ends with 2, and changes nothing."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import sys
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from house import KEY, TOKEN

from bot.rehearsal.clock import StageClock
from bot.rehearsal.server import Served, serve
from bot.rehearsal.stage import Stage
from bot.storage.keys import new_key
from bot.storage.lock import lock_beside

UNDERSTORY = Path(sys.executable).with_name("understory")
NOBODY_LISTENS = "http://127.0.0.1:9"
SECRET = "hunter2-swordfish"


@dataclass(frozen=True)
class Refusal:
    """How a start ended: its exit code and what stands in the terminal."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.err.splitlines()


Run = Callable[..., Awaitable[Refusal]]


@pytest.fixture
async def telegram():
    """A stage that knows our bot and another one."""
    stage = Stage(StageClock(datetime(2026, 11, 28, 12, tzinfo=UTC)))
    stage.bot("understory_bot", token=TOKEN)
    stage.bot("another_bot", token=TOKEN.replace("700001:", "700002:"))
    async with serve(stage, stage.clock) as served:
        yield served


@pytest.fixture
def run(telegram: Served, tmp_path: Path) -> Run:
    """Start the real command in an empty folder with these settings, and wait until it has refused."""

    async def start(**settings: str | None) -> Refusal:
        usual: dict[str, str | None] = {
            "BOT_TOKEN": TOKEN,
            "BOT_API_URL": telegram.url,
            "DATABASE_URL": f"sqlite:///{tmp_path}/understory.db",
            "ENCRYPTION_KEYS": KEY,
        }
        env = {name: value for name, value in (usual | settings).items() if value is not None}
        process = await asyncio.create_subprocess_exec(
            UNDERSTORY,
            "run",
            cwd=tmp_path,
            env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)} | env,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate()
        assert process.returncode is not None
        return Refusal(process.returncode, out.decode(), err.decode())

    return start


@pytest.fixture
def made(migrated_sqlite: Path, tmp_path: Path) -> Path:
    """A database of our bot, sealed with the usual keys."""
    file = tmp_path / "understory.db"
    file.write_bytes(migrated_sqlite.read_bytes())
    return file


def cannot_be_written(file: Path) -> Refusal:
    return Refusal(2, "", f"DATABASE_URL: {file} cannot be written. Name a file in a folder that belongs to the bot.\n")


def content(file: Path) -> list[str]:
    with sqlite3.connect(file) as connection:
        return list(connection.iterdump())


# ── Settings ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_everything_wrong_is_said_at_once_and_no_secret_with_it(run: Run) -> None:
    said = await run(
        BOT_TOKEN=SECRET,
        DATABASE_URL=f"mysql://fay:{SECRET}@localhost/understory",
        ENCRYPTION_KEYS_FILE="/nowhere/keys",
        OWNER_IDS="@fay",
        SEND_RATE="31",
        WEBHOOK_URL="http://bot.example",
        WEBHOOK_SECRET=f"{SECRET} with blanks",
        METRICS_LISTEN="everywhere",
        LOG_FORMAT="xml",
        DEFAULT_LANGUAGE="German",
    )

    assert said.code == 2
    assert sorted(line.partition(":")[0] for line in said.lines) == sorted([
        *("BOT_TOKEN", "DATABASE_URL", "ENCRYPTION_KEYS_FILE", "OWNER_IDS", "SEND_RATE"),
        *("WEBHOOK_URL", "WEBHOOK_SECRET", "METRICS_LISTEN", "LOG_FORMAT", "DEFAULT_LANGUAGE"),
    ])  # fmt: skip
    assert all("Expected: " in line for line in said.lines)
    assert SECRET not in said.err + said.out


async def test_keys_that_are_none_are_refused_without_being_shown(run: Run) -> None:
    said = await run(ENCRYPTION_KEYS=SECRET)

    assert said == Refusal(2, "", "ENCRYPTION_KEYS: key 1 is not eight hex digits, a colon and 32 bytes in base64.\n")


# ── Telegram ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_token_that_telegram_does_not_know_is_refused(run: Run) -> None:
    said = await run(BOT_TOKEN=f"700009:{'A' * 35}")

    assert said == Refusal(2, "", "BOT_TOKEN: Telegram does not know this token. Ask @BotFather for the current one.\n")


async def test_an_address_where_nobody_listens_is_refused(run: Run) -> None:
    said = await run(BOT_API_URL=NOBODY_LISTENS)

    assert said == Refusal(2, "", f"BOT_API_URL: {NOBODY_LISTENS} does not answer. Check the network.\n")


async def test_the_token_of_another_bot_than_the_database_belongs_to_is_refused(run: Run, made: Path) -> None:
    with sqlite3.connect(made) as database:
        database.execute("INSERT INTO fact (name, value) VALUES ('bot', '700001')")

    said = await run(BOT_TOKEN=TOKEN.replace("700001:", "700002:"))

    assert said == Refusal(
        2,
        "",
        "BOT_TOKEN: this token is of bot 700002, but the database belongs to bot 700001. "
        "Use the token of that bot, or another DATABASE_URL.\n",
    )


# ── The database ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def in_use(made: Path) -> Iterator[Path]:
    lock = lock_beside(made)
    yield made
    lock.close()


async def test_a_second_process_on_one_database_file_is_refused(run: Run, in_use: Path) -> None:
    said = await run()

    assert said == Refusal(2, "", f"{in_use} is in use by another process (pid {os.getpid()}). Stop that one first.\n")


async def test_a_database_of_a_newer_version_is_refused_and_left_as_it_is(run: Run, made: Path) -> None:
    with sqlite3.connect(made) as database:
        database.execute("UPDATE alembic_version SET version_num = 'from_the_future'")
    before = content(made)

    said = await run()

    assert said == Refusal(
        2,
        "",
        "The database was written by a newer version of Understory. Install that version, or restore a backup.\n",
    )
    assert content(made) == before


async def test_a_folder_in_the_place_of_the_database_is_refused(run: Run, tmp_path: Path) -> None:
    (tmp_path / "understory.db").mkdir()

    said = await run()

    assert said == cannot_be_written(tmp_path / "understory.db")


async def test_a_database_in_a_folder_that_cannot_be_made_is_refused(run: Run, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file, not a folder")

    said = await run(DATABASE_URL=f"sqlite:///{tmp_path}/data/understory.db")

    assert said == cannot_be_written(tmp_path / "data" / "understory.db")


@pytest.fixture
def read_only(made: Path) -> Path:
    made.chmod(0o400)
    return made


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everything")
async def test_a_database_file_that_may_not_be_written_is_refused(run: Run, read_only: Path) -> None:
    said = await run()

    assert said == cannot_be_written(read_only)


async def test_a_file_that_is_no_database_is_refused_and_left_as_it_is(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "understory.db"
    file.write_text("Dear diary, " * 1000)

    said = await run()

    assert said == Refusal(
        2,
        "",
        f"DATABASE_URL: {file} is not a database that can be read (DatabaseError). "
        "Name another file, or restore a backup.\n",
    )
    assert file.read_text() == "Dear diary, " * 1000


async def test_a_postgresql_that_does_not_answer_is_refused_without_its_password(run: Run) -> None:
    said = await run(DATABASE_URL=f"postgresql://fay:{SECRET}@127.0.0.1:9/understory")

    assert said == Refusal(
        2,
        "",
        "DATABASE_URL: the database does not answer (OperationalError). "
        "Check that it runs, its address and password.\n",
    )


# ── Keys ───────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_other_keys_than_the_database_was_sealed_with_are_refused(run: Run) -> None:
    first = await run(BOT_API_URL=NOBODY_LISTENS)

    said = await run(ENCRYPTION_KEYS=new_key())

    assert first.code == 2  # the database was made before Telegram was asked
    assert said == Refusal(
        2,
        "",
        "ENCRYPTION_KEYS: these keys do not open this database. Bring back the keys it was made with; "
        "nothing was changed.\n",
    )


async def test_a_database_whose_key_file_is_missing_is_refused_and_gets_no_new_one(run: Run, made: Path) -> None:
    said = await run(ENCRYPTION_KEYS=None)

    keys = made.with_suffix(".keys")
    assert said == Refusal(2, "", f"The keys {keys} are missing, but {made} exists. Put the key file back beside it.\n")
    assert not keys.exists()


async def test_a_key_file_that_is_not_there_is_named(run: Run) -> None:
    said = await run(ENCRYPTION_KEYS=None, ENCRYPTION_KEYS_FILE="/nowhere/understory.keys")

    assert said.code == 2
    assert said.lines == [
        "ENCRYPTION_KEYS_FILE: the file cannot be read. Expected: a file with one key a line, newest first."
    ]
