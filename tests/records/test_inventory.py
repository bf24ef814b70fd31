"""Nothing of somebody's own is forgotten: every column of every table is told, withheld with a reason, or nobody's."""

from __future__ import annotations

from everything import tables

from bot.records.inventory import NOT_PERSONAL, OWN


def test_every_table_is_somebodys_own_or_nobodys() -> None:
    own = {one.table.__tablename__ for one in OWN}

    assert own | set(NOT_PERSONAL) == {table.__tablename__ for table in tables()}
    assert own & set(NOT_PERSONAL) == set()


def test_somebody_has_decided_about_every_column() -> None:
    decided = {name: set(columns) for name, (_, columns) in NOT_PERSONAL.items()}
    for one in OWN:
        decided.setdefault(one.table.__tablename__, set()).update(one.told, one.withheld)

    assert decided == {table.__tablename__: set(table.__table__.columns.keys()) for table in tables()}


def test_no_column_is_both_told_and_withheld_and_every_reason_is_a_sentence() -> None:
    assert [one.name for one in OWN if set(one.told) & set(one.withheld)] == []
    assert [one.name for one in OWN if not all(len(why) > 10 for why in one.withheld.values())] == []


def test_two_lists_of_one_table_have_names_of_their_own() -> None:
    names = [one.name for one in OWN]

    assert len(names) == len(set(names))
