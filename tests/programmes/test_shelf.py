from __future__ import annotations

import hashlib
from datetime import UTC, datetime

import pytest
from pages import page, step
from sqlalchemy import func, select

from bot.errors import Wrong
from bot.programmes.problems import ProgrammeProblems
from bot.programmes.reading import read_programme
from bot.programmes.shelf import UnknownProgramme, digest_of, library, pin, pinned
from bot.storage.tables import PinnedProgramme

NOW = datetime(2026, 11, 28, 14, tzinfo=UTC)


async def test_a_pinned_text_is_kept_to_the_byte_under_its_digest(database):
    source = page(step("kept", text="{de: Grüße}"))

    async with database.transaction() as tx:
        await pin(tx, source, NOW)

    async with database.transaction() as tx:
        row = (await tx.scalars(select(PinnedProgramme))).one()
    assert (row.source, row.name, row.version, row.pinned_at) == (source, "our-days", 1, NOW)
    assert row.digest == hashlib.sha256(source.encode()).hexdigest() == digest_of(source)


async def test_the_same_text_is_pinned_once(database):
    async with database.transaction() as tx:
        first = await pin(tx, page(), NOW)
        again = await pin(tx, page(), NOW)

        assert again is first
        assert await tx.scalar(select(func.count()).select_from(PinnedProgramme)) == 1


async def test_a_cohort_keeps_the_text_it_began_with(database):
    older, newer = page(step("older")), page(step("newer"))

    async with database.transaction() as tx:
        before, after = await pin(tx, older, NOW), await pin(tx, newer, NOW)

        assert await pinned(tx, before.digest) == read_programme(older, "older")
        assert await pinned(tx, after.digest) == read_programme(newer, "newer")


async def test_a_programme_that_another_process_pinned_is_read_from_the_database(database):
    source = page(step("from-elsewhere"))
    async with database.transaction() as tx:
        tx.add(PinnedProgramme(digest=digest_of(source), name="x", version=1, source=source, pinned_at=NOW))

    async with database.transaction() as tx:
        assert (await pinned(tx, digest_of(source))).steps[0].id == "from-elsewhere"


async def test_an_unknown_digest_is_refused(database):
    async with database.transaction() as tx:
        with pytest.raises(UnknownProgramme):
            await pinned(tx, "0" * 64)


async def test_what_is_no_programme_is_not_pinned(database):
    async with database.transaction() as tx:
        with pytest.raises(ProgrammeProblems):
            await pin(tx, "understory: 1\n", NOW)

        assert (await tx.scalars(select(PinnedProgramme))).all() == []


def test_files_of_ones_own_stand_beside_the_library_and_win(tmp_path):
    own = page().replace("our-days", "light-touch")
    (tmp_path / "mine.yaml").write_text(page(), "utf-8")
    (tmp_path / "other.yml").write_text(own, "utf-8")
    (tmp_path / "notes.txt").write_text("not a programme", "utf-8")

    shelf = library(tmp_path)

    assert set(shelf) == {*library(), "our-days"}
    assert shelf["light-touch"].source == own
    assert shelf["couple-72h"] == library()["couple-72h"]


def test_everything_wrong_with_files_of_ones_own_is_said_at_once(tmp_path):
    (tmp_path / "a.yaml").write_text(page(), "utf-8")
    (tmp_path / "b.yaml").write_text(page(), "utf-8")
    (tmp_path / "c.yaml").write_text(page().replace("6h", "six hours"), "utf-8")

    with pytest.raises(Wrong) as wrong:
        library(tmp_path)

    assert wrong.value.problems == (
        "b.yaml: another file here has the id our-days too. Change one of them.",
        'c.yaml, line 10, step first: "six hours" is not a length of time. Write it like 45m, 2h, 1h 30m, 3d or 1w.',
    )


def test_a_directory_that_is_missing_is_said(tmp_path):
    with pytest.raises(Wrong) as wrong:
        library(tmp_path / "nowhere")

    assert wrong.value.problems == (f"{tmp_path / 'nowhere'}: there is no such directory for programmes.",)
