from __future__ import annotations

from datetime import UTC, datetime, time
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest

from bot.safety.rules import (
    BEYOND_AFTER,
    DutyHours,
    NobodyElse,
    Roster,
    is_news,
    is_told,
    may_handle,
    others,
    recipients,
)
from bot.words import AlertCause, Level, Office

FAY, GIL, HOPE, OWEN = uuid4(), uuid4(), uuid4(), uuid4()
ROSTER = Roster(facilitators=(FAY, GIL), responder=GIL, backup=HOPE, owners=(OWEN,))


def test_an_amber_alert_reaches_the_responder_alone():
    assert recipients(Level.AMBER, 0, ROSTER) == [GIL]


def test_a_red_alert_reaches_every_facilitator_the_responder_first():
    assert recipients(Level.RED, 0, ROSTER) == [GIL, FAY]


def test_a_red_alert_that_stays_unread_goes_beyond_to_backup_and_owners():
    assert recipients(Level.RED, BEYOND_AFTER - 1, ROSTER) == [GIL, FAY]
    assert recipients(Level.RED, BEYOND_AFTER, ROSTER) == [GIL, FAY, HOPE, OWEN]


def test_without_anybody_who_can_be_written_to_even_an_amber_alert_goes_beyond():
    stranded = Roster(facilitators=(FAY,), responder=None, backup=None, owners=(OWEN,))

    assert recipients(Level.AMBER, 0, stranded) == [FAY, OWEN]


@pytest.mark.parametrize(
    ("person", "offices", "repeats", "allowed"),
    [
        (FAY, {Office.FACILITATOR}, 0, True),
        (HOPE, {Office.FACILITATOR}, 0, True),
        (OWEN, {Office.OWNER}, 0, False),
        (OWEN, {Office.OWNER}, BEYOND_AFTER, True),
        (uuid4(), {Office.FACILITATOR}, BEYOND_AFTER, False),
        (uuid4(), set(), BEYOND_AFTER, False),
    ],
)
def test_only_those_an_alert_was_given_to_may_open_it(person, offices, repeats, allowed):
    assert may_handle(person, offices, repeats, ROSTER) is allowed


@pytest.mark.parametrize(
    ("cause", "told"),
    [
        (AlertCause.CALL, True),
        (AlertCause.UNSAFE, True),
        (AlertCause.ANSWER, True),
        (AlertCause.SILENCE, False),
        (AlertCause.UNREACHABLE, False),
    ],
)
def test_a_member_is_told_of_what_they_set_off_themselves(cause, told):
    assert is_told(cause) is told


def test_only_turning_red_is_news_while_nobody_has_read_it():
    assert is_news(Level.AMBER, Level.RED)
    assert not is_news(Level.AMBER, Level.AMBER)
    assert not is_news(Level.RED, Level.AMBER)
    assert not is_news(Level.RED, Level.RED)


def test_an_alert_is_handed_to_others_and_never_to_oneself():
    assert others(ROSTER, FAY) == [GIL, HOPE]

    with pytest.raises(NobodyElse):
        others(Roster((FAY,), FAY, None, ()), FAY)


@pytest.mark.parametrize(
    ("begins", "ends", "utc_hour", "on_duty"),
    [
        (time(8), time(21), 11, True),  # 08:00 in São Paulo
        (time(8), time(21), 10, False),
        (time(8), time(21), 0, False),  # 21:00 there: the end does not belong to it
        (time(21), time(6), 3, True),  # over midnight
        (time(21), time(6), 12, False),
        (time(8), time(8), 3, True),  # equal ends: always
    ],
)
def test_duty_hours_hold_in_the_zone_of_the_cohort(begins, ends, utc_hour, on_duty):
    duty = DutyHours(begins, ends, ZoneInfo("America/Sao_Paulo"))

    assert duty.holds_at(datetime(2026, 11, 28, utc_hour, tzinfo=UTC)) is on_duty
