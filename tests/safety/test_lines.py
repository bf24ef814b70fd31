from __future__ import annotations

from datetime import date, timedelta

import pytest

from bot.clock import SystemClock
from bot.safety.lines import STALE_AFTER, HelpLines, Line, is_stale, lines_for, verified_on


async def test_the_table_was_verified_within_the_last_six_months():
    today = (await SystemClock().now()).date()

    assert not is_stale(today), f"read bot/safety/lines.yaml through again; last done on {verified_on()}"
    assert verified_on() <= today


def test_a_table_is_stale_on_the_first_day_after_six_months():
    last_day = verified_on() + STALE_AFTER

    assert not is_stale(last_day)
    assert is_stale(last_day + timedelta(days=1))


def test_an_unknown_country_gets_the_common_emergency_numbers_and_no_line_that_may_not_answer():
    assert lines_for("BR") == lines_for(None) == HelpLines(("112", "911"), (), known=False)


def test_a_country_of_the_european_union_gets_112_and_the_line_that_answers_in_many_of_them():
    assert lines_for("DE") == HelpLines(("112",), (Line("", call="116 123", not_everywhere=True),), known=True)


def test_ireland_has_its_own_entry_although_it_is_in_the_union():
    assert lines_for("IE").lines == (Line("Samaritans", call="116 123"),)


@pytest.mark.parametrize("country", ["US", "CA", "GB", "IE", "AU", "NZ", "FR"])
def test_every_country_in_the_table_has_an_emergency_number_and_somebody_to_talk_to(country):
    found = lines_for(country)

    assert found.known
    assert all(number.isdigit() for number in found.emergency)
    assert [line for line in found.lines if not line.at_home]
    assert all(line.call or line.text_to for line in found.lines)


def test_the_day_in_the_table_is_a_day():
    assert type(verified_on()) is date
