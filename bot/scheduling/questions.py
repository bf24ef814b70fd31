"""What is asked until a meeting has its cohort, day, hour and length; each question takes typed words too."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from uuid import UUID

from babel.dates import format_date, get_day_names

from bot.buttons import button, grid
from bot.messages import Button, Message, Row
from bot.scheduling.compose import length, zone_name
from bot.scheduling.wish import Wish
from bot.texts import Texts

WEEKS_ON_A_PAGE = 4
LAST_PAGE = 12

_HOURS = range(7, 22)
_LENGTHS = (60, 90, 120, 180, 240, 300, 360, 480)  # minutes


def ask_cohort(draft_id: UUID, cohorts: Sequence[tuple[UUID, str]], t: Texts) -> Message:
    """Whose meeting it will be."""
    buttons = [button(name, "meet-for", draft_id, cohort_id.hex) for cohort_id, name in cohorts]
    return Message(t("For whom?"), (*grid(buttons, 2), (_drop(draft_id, t),)))


def ask_day(draft_id: UUID, today: date, page: int, t: Texts) -> Message:
    """Four weeks, a row each; anything else can be typed."""
    page = max(0, min(page, LAST_PAGE))
    first = today - timedelta(days=today.weekday()) + timedelta(weeks=page * WEEKS_ON_A_PAGE)
    days = [first + timedelta(days=n) for n in range(7 * WEEKS_ON_A_PAGE)]
    names = get_day_names("short", locale=t.locale)
    head = tuple(button(names[n], "meet-page", draft_id, str(page)) for n in range(7))
    rows = grid([_day(draft_id, day, today, page, t) for day in days], 7)
    turn = [button("‹", "meet-page", draft_id, str(page - 1))] if page else []
    turn += [button("›", "meet-page", draft_id, str(page + 1))] if page < LAST_PAGE else []
    text = t(
        "<b>{months}</b>\nWhich day? You can also type it, like {example}.",
        months=_months(days[0], days[-1], t),
        example=t.label("Sat 6pm"),
    )
    return Message(text, (head, *rows, (*turn, _drop(draft_id, t))))


def _day(draft_id: UUID, day: date, today: date, page: int, t: Texts) -> Button:
    if day < today:
        return button("·", "meet-page", draft_id, str(page))
    label = t.short_day(day) if day.day == 1 else str(day.day)
    return button(f"[{label}]" if day == today else label, "meet-day", draft_id, day.isoformat())


def _months(first: date, last: date, t: Texts) -> str:
    names = [format_date(day, "LLLL yyyy", locale=t.locale) for day in (first, last)]
    return " / ".join(dict.fromkeys(names))


def ask_hour(draft_id: UUID, wish: Wish, here: datetime, t: Texts) -> Message:
    """The hour in the cohort's time; ``here`` is the present there."""
    assert wish.day is not None  # noqa: S101 - the day is asked before
    hours = [time(hour) for hour in _HOURS if datetime.combine(wish.day, time(hour)) > here]
    buttons = [button(f"{clock:%H:%M}", "meet-hour", draft_id, f"{clock:%H.%M}") for clock in hours]
    text = t(
        "<b>{day}</b>\nAt what time, {zone}? You can also type it, like {example}.",
        day=t.day(wish.day),
        zone=zone_name(t.zone, t),
        example="18:30",
    )
    return Message(text, (*grid(buttons, 5), _again(draft_id, t)))


def ask_length(draft_id: UUID, wish: Wish, t: Texts) -> Message:
    assert wish.day is not None  # noqa: S101 - day and hour are asked before
    assert wish.clock is not None  # noqa: S101
    buttons = [button(length(timedelta(minutes=n)), "meet-length", draft_id, str(n)) for n in _LENGTHS]
    text = t(
        "<b>{day}, {hour}</b>\nFor how long? You can also type it, like {example}.",
        day=t.day(wish.day),
        hour=t.hour(wish.clock),
        example="2h30",
    )
    return Message(text, (*grid(buttons, 4), _again(draft_id, t)))


def _again(draft_id: UUID, t: Texts) -> Row:
    return (button(t.label("Another day"), "meet-change", draft_id), _drop(draft_id, t))


def _drop(draft_id: UUID, t: Texts) -> Button:
    return button(t.label("Cancel"), "meet-drop", draft_id)
