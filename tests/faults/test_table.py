from __future__ import annotations

from dataclasses import replace

from faults.ledger import Verdict
from faults.table import Entry, table

KILLED = Entry.of(
    Verdict(deliveries=10, accepted=9, in_doubt=["x"]),
    scenario="killed",
    database="sqlite",
    measured={"deaths": "3"},
)


def test_cases_of_a_scenario_are_one_line_for_each_database() -> None:
    lines = table([KILLED, replace(KILLED, case="later"), replace(KILLED, database="postgresql")])

    rows = [line.split() for line in lines if line.startswith("killed")]
    assert rows == [
        ["killed", "postgresql", "1", "10", "9", "0", "0", "0", "1", "0", "0", "0"],
        ["killed", "sqlite", "2", "20", "18", "0", "0", "0", "2", "0", "0", "0"],
    ]
    assert "  killed, sqlite, later: deaths 3" in lines


def test_the_last_line_is_the_verdict() -> None:
    assert table([KILLED])[-1] == (
        "THE LEDGER HOLDS: 10 letters, 0 lost, 0 doubled, 0 ghost, 0 late, 0 out of order, 0 too fast; "
        "1 in doubt, and their rows say so; cases 1."
    )


def test_one_lost_letter_is_named_and_the_verdict_says_no() -> None:
    lost = Entry.of(
        Verdict(deliveries=1, lost=["a: still planned"]), scenario="starved", database="sqlite", passed=False
    )

    lines = table([KILLED, lost])

    assert lines[-1].startswith("THE LEDGER DOES NOT HOLD: 11 letters, 1 lost,")
    assert lines[-1].endswith("; 1 of 2 cases failed.")
    assert "  starved, sqlite: lost: a: still planned" in lines
    assert any(line.startswith("starved") and line.endswith("1 FAILED") for line in lines)


def test_a_test_that_never_came_to_its_ledger_is_in_the_table_and_fails_it() -> None:
    lines = table([Entry("hung", "sqlite", passed=False, balanced=False)])

    assert "  hung, sqlite: ended before the ledger could be balanced" in lines
    assert lines[-1].startswith("THE LEDGER DOES NOT HOLD")
