"""The cast of the window's tests, small programmes, and strategies that make many of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from bot.programmes.schema import WHEN_BOTH, Anchor, At, Phase, Programme, Remind, Step
from bot.window.values import Gathered, Party, Sent
from bot.words import MeetingKind, Pace, Pacing, QuietHours, Role, StepKind, Visibility

BERLIN = ZoneInfo("Europe/Berlin")
KOLKATA = ZoneInfo("Asia/Kolkata")
NEW_YORK = ZoneInfo("America/New_York")
SYDNEY = ZoneInfo("Australia/Sydney")
SANTIAGO = ZoneInfo("America/Santiago")
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")  # its clocks change by half an hour
SAO_PAULO = ZoneInfo("America/Sao_Paulo")
ZONES = [BERLIN, KOLKATA, NEW_YORK, SYDNEY, SANTIAGO, LORD_HOWE, SAO_PAULO]
NO_CHANGES = [ZoneInfo("Asia/Kolkata"), ZoneInfo("Asia/Tokyo"), ZoneInfo("Africa/Nairobi"), ZoneInfo("UTC")]

NIGHT = QuietHours()
NEVER = QuietHours(time(0), time(0))

ANN = UUID(int=0xA)
BOB = UUID(int=0xB)
MEETING = UUID(int=0x5E55)

LONG_BEFORE = datetime(2025, 1, 1, tzinfo=UTC)
HALF_A_DAY = timedelta(hours=12)
TEXT = {"en": "Something small."}


def hours(number: float) -> timedelta:
    return timedelta(hours=number)


def local(zone: ZoneInfo, *parts: int) -> datetime:
    """A local time as an instant."""
    return datetime(*parts, tzinfo=zone).astimezone(UTC)


SATURDAY = local(BERLIN, 2026, 11, 28, 14, 0)


def start(offset: timedelta) -> At:
    return At(Anchor.START, offset)


def release(offset: timedelta) -> At:
    return At(Anchor.RELEASE, offset)


def day(number: int, hour: int, minute: int = 0) -> At:
    return At(Anchor.DAY, day=number, clock=time(hour, minute))


def after(step: str, offset: timedelta) -> At:
    return At(Anchor.AFTER, offset, step=step)


def step(
    name: str, at: At, kind: StepKind = StepKind.PROMPT, fresh_for: timedelta = HALF_A_DAY, **more: object
) -> Step:
    return Step(id=name, at=at, kind=kind, text=TEXT, fresh_for=fresh_for, **more)


def phase(key: str, begins: At, ends: At, **more: object) -> Phase:
    return Phase(key, TEXT, begins, ends, **more)


KETAMINE = (
    phase("acute", release(hours(0)), release(hours(4)), only_safety=True, sharing_may_widen=False),
    phase("landing", release(hours(4)), day(1, 10), sharing_may_widen=False),
    phase("open", day(1, 10), release(hours(72))),
    phase("settling", release(hours(72)), release(timedelta(days=7))),
    phase("carry", release(timedelta(days=7)), release(timedelta(days=14))),
)


def programme(*steps: Step, phases: tuple[Phase, ...] = KETAMINE) -> Programme:
    return Programme("little", 1, TEXT, None, phases, steps)


def party(member: UUID, zone: ZoneInfo = BERLIN, **more: object) -> Party:
    known: dict[str, object] = {"quiet": NIGHT, "role": Role.RECEIVING, "since": LONG_BEFORE}
    return Party(member_id=member, chat_id=member, zone=zone, **(known | more))


def gathered(*parties: Party, starts_at: datetime = SATURDAY, **more: object) -> Gathered:
    known: dict[str, object] = {
        "kind": MeetingKind.SESSION,
        "lasts": hours(3),
        "released_at": starts_at + hours(3),
        "zone": BERLIN,
        "next_eve": None,
    }
    couple = parties or (party(ANN), party(BOB))
    return Gathered(meeting_id=MEETING, cohort_id=MEETING, starts_at=starts_at, parties=couple, **(known | more))


SAFE_HOME = step("safe-home", release(hours(2)), StepKind.REMINDER, hours(6), not_after=time(22, 45), safety=True)


# ── Many of them ───────────────────────────────────────────────────────────────────────────────────────────────────

clocks = st.builds(time, st.integers(0, 23), st.sampled_from([0, 15, 30, 45]))
quiets = st.one_of(
    st.just(NIGHT),
    st.just(NEVER),
    st.builds(
        QuietHours,
        st.sampled_from([time(20), time(22, 30), time(0, 30), time(9)]),
        st.sampled_from([time(7), time(6, 15), time(10)]),
    ),
)
# Around the days on which clocks change, north and south, and some ordinary ones.
instants = st.one_of(
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)),  # noqa: DTZ001 - made aware below
    st.sampled_from(
        [date(2026, 3, 7), date(2026, 3, 28), date(2026, 4, 4), date(2026, 10, 3), date(2026, 10, 24)]
    ).flatmap(lambda day: st.times().map(lambda clock: datetime.combine(day, clock))),
).map(lambda instant: instant.replace(second=0, microsecond=0, tzinfo=UTC))
spans_of_hours = st.integers(0, 7 * 24 * 4).map(lambda quarters: timedelta(minutes=15 * quarters))

anchors_before = st.one_of(
    st.builds(start, st.integers(0, 72 * 4).map(lambda quarters: timedelta(minutes=-15 * quarters))),
    st.builds(day, st.integers(-7, 0), st.integers(6, 22), st.sampled_from([0, 30])),
)
anchors_after = st.one_of(
    st.builds(release, spans_of_hours),
    st.builds(day, st.integers(1, 14), st.integers(0, 23), st.sampled_from([0, 30])),
)
openings = st.one_of(
    st.none(),
    st.just(WHEN_BOTH),
    st.builds(day, st.integers(1, 9), st.integers(0, 23)),
    st.builds(release, spans_of_hours),
)
reminds = st.one_of(
    st.none(), st.builds(Remind, st.just(TEXT), at=clocks), st.builds(Remind, st.just(TEXT), after=st.just(hours(3)))
)


@st.composite
def steps(draw: st.DrawFn, name: str, earlier: tuple[str, ...]) -> Step:
    at = draw(st.one_of(anchors_before, anchors_after, anchors_after))
    if earlier and draw(st.integers(0, 5)) == 0:
        at = after(draw(st.sampled_from(earlier)), draw(st.sampled_from([hours(1), hours(1.5), hours(24)])))
    safety = draw(st.integers(0, 5)) == 0
    visible_to = draw(st.sampled_from(Visibility))
    return step(
        name,
        at,
        draw(st.sampled_from(StepKind)),
        draw(st.sampled_from([hours(1), hours(4), hours(12), hours(20), hours(36)])),
        pace=draw(st.sampled_from(Pacing)),
        visible_to=visible_to,
        opens=draw(openings) if visible_to is Visibility.PAIR else None,
        remind=draw(reminds),
        safety=safety,
        not_after=draw(st.one_of(st.none(), st.none(), st.sampled_from([time(20, 30), time(22, 45)]))),
        not_before=draw(st.one_of(st.none(), st.none(), st.just(time(8)))),
        merge_into=draw(st.sampled_from([None, *earlier])),
        again_after_move=draw(st.integers(0, 5)) == 0,
        roles=draw(st.sampled_from([Step.roles, frozenset({Role.RECEIVING})])),
    )


@st.composite
def programmes(draw: st.DrawFn, most: int = 8) -> Programme:
    made: list[Step] = []
    for number in range(draw(st.integers(1, most))):
        made.append(draw(steps(f"s{number}", tuple(earlier.id for earlier in made))))
    return programme(*made, phases=draw(st.sampled_from([(), KETAMINE])))


@st.composite
def parties(draw: st.DrawFn, member: UUID, zones: list[ZoneInfo] = ZONES) -> Party:
    return party(
        member,
        draw(st.sampled_from(zones)),
        quiet=draw(quiets),
        role=draw(st.sampled_from([Role.RECEIVING, Role.RECEIVING, Role.SUPPORTING, Role.ABSENT])),
        pace=draw(st.sampled_from([Pace.FULL, Pace.FULL, Pace.LIGHTER])),
    )


@st.composite
def meetings(draw: st.DrawFn, zones: list[ZoneInfo] = ZONES) -> Gathered:
    starts_at = draw(instants)
    lasts = draw(st.sampled_from([hours(1), hours(3), hours(8)]))
    late = draw(st.sampled_from([None, hours(-0.5), hours(0), hours(2)]))
    people = [draw(parties(UUID(int=number), zones)) for number in range(1, draw(st.integers(2, 4)))]
    return gathered(
        *people,
        starts_at=starts_at,
        lasts=lasts,
        released_at=None if late is None else starts_at + lasts + late,
        zone=draw(st.sampled_from(zones)),
        next_eve=draw(st.one_of(st.none(), st.none(), st.just(starts_at + hours(50)))),
    )


@st.composite
def already_said(draw: st.DrawFn, meeting: Gathered) -> list[Sent]:
    """Messages of other meetings and cohorts, around this one."""
    return [
        Sent(
            draw(st.sampled_from(meeting.parties)).member_id,
            meeting.starts_at + timedelta(minutes=15 * draw(st.integers(-200, 600))),
            draw(st.sampled_from([None, *StepKind])),
        )
        for _ in range(draw(st.integers(0, 6)))
    ]


def moved(meeting: Gathered, by: timedelta) -> Gathered:
    return replace(
        meeting,
        starts_at=meeting.starts_at + by,
        released_at=meeting.released_at + by if meeting.released_at else None,
        next_eve=meeting.next_eve + by if meeting.next_eve else None,
    )
