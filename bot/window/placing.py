"""How steps take their places. Pure.

One after the other, safety first, then by the hour they wish for; what comes later makes way within its freshness or
is left out. Somebody who rests, goes lighter or has left keeps an unspoken place in the plan, so that the others'
hours never tell.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from uuid import UUID

from bot.programmes.schema import Anchor, At, Programme, Step
from bot.window.budget import GAP
from bot.window.diary import Diary
from bot.window.phases import Anchors, Span, instant_of, spans
from bot.window.quiet import local_instant, shared_waking
from bot.window.values import RELEASE_FALLBACK, Cannot, Decision, Gathered, Party, Plan, Sent, Wanted, Why, key_of
from bot.window.wishes import Wish, plain_wishes, resting_at_lighter_pace, wish_of
from bot.words import Lane, MeetingKind, Pace, Pacing, Role, StepKind, Visibility

EVENING_ENDS = time(22, 45)  # until then a safety step may speak silently in quiet hours
GRACE = timedelta(minutes=15)  # for a slow line; nothing is said after eleven
NUDGE_FRESH_FOR = timedelta(hours=6)

_MINUTE = timedelta(minutes=1)
_DAY = timedelta(days=1)
_TWO_DAYS = timedelta(days=2)  # nights repeat: who shares no waking hour in two days never does


@dataclass(frozen=True)
class _Ask:
    """A step that waits for its place, with those who should read it at one instant."""

    step: Step
    readers: tuple[tuple[Diary, Wish], ...]
    together: bool = False

    @property
    def wish_at(self) -> datetime:
        return max(wish.at for _, wish in self.readers)


class Planning:
    """One programme on its way into one meeting's days; made once, read once."""

    def __init__(
        self,
        programme: Programme,
        gathered: Gathered,
        now: datetime,
        already: Sequence[Sent] = (),
        *,
        other: Programme | None = None,
        without_light_touch: bool = False,
    ) -> None:
        self._programme = programme
        self._gathered = gathered
        self._now = now
        self._without_light_touch = without_light_touch
        self._lighter_rests = resting_at_lighter_pace(programme)
        self._cohort = Anchors(gathered.starts_at, gathered.release, gathered.zone)
        self._diaries = self._open_diaries()
        self._sent: dict[str, datetime] = {}
        self._heard: dict[UUID, datetime] = {}  # until when the other programme spoke to somebody
        self._read_already(already, frozenset(step.id for step in other.steps) if other else frozenset())

        self._queue: list[tuple[bool, datetime, int, int, _Ask]] = []
        self._open: dict[str, int] = {}  # how many places of a step are still to be found
        self._at: dict[tuple[str, UUID], datetime] = {}  # where a step lies in somebody's days, spoken or not
        self._wanted: list[Wanted] = []
        self._cannot: list[Cannot] = []
        self._dropped: dict[str, Why] = {}
        self._travels: dict[tuple[str, UUID], list[Step]] = defaultdict(list)  # in which message, for whom

    def made(self) -> Plan:
        steps = [step for step in self._programme.steps if self._belongs(step)]
        followers: dict[str, list[Step]] = defaultdict(list)
        for step in steps:
            if step.at.anchor is Anchor.AFTER:
                followers[step.at.step or ""].append(step)
        ready = [step for step in steps if step.at.anchor is not Anchor.AFTER]
        order = {step.id: index for index, step in enumerate(self._programme.steps)}
        while ready or self._queue:
            for step in ready:
                self._open[step.id] = 0
                self._ask(step, order[step.id])
            ready = [follower for step in ready if not self._open[step.id] for follower in followers.pop(step.id, ())]
            if ready or not self._queue:
                continue
            *_, ask = heapq.heappop(self._queue)
            self._settle(ask, order[ask.step.id])
            self._open[ask.step.id] -= 1
            if not self._open[ask.step.id]:
                ready = followers.pop(ask.step.id, [])
        decisions = self._openings()
        self._nudge({decision.step: decision.due_at for decision in decisions})
        return Plan(in_order(self._with_travellers()), decisions, tuple(self._cannot), self._dropped)

    # ── Before anything is placed ──────────────────────────────────────────────────────────────────────────────────

    def _open_diaries(self) -> tuple[Diary, ...]:
        laid: dict[Anchors, tuple[tuple[Span, ...], datetime]] = {}
        common = plain_wishes(self._programme, self._cohort).values()
        diaries = []
        for party in self._gathered.parties:
            if party.left_at and party.left_at <= min(common, default=self._cohort.starts_at):
                continue  # left before any of this began
            own = replace(self._cohort, released_at=party.released_at or self._cohort.released_at, zone=party.zone)
            if own not in laid:
                phases = spans(self._programme, own)
                ends = [span.ends_at for span in phases] or [own.released_at + self._programme.window]
                laid[own] = (phases, max([*ends, *common, *plain_wishes(self._programme, own).values()]))
            diaries.append(Diary(party, own, *laid[own]))
        return tuple(diaries)

    def _read_already(self, already: Sequence[Sent], other: frozenset[str]) -> None:
        """Sort what was said: our own steps lie where they were sent, everything else fills days.

        What the other programme of this meeting said does not, for those whose place here is only kept: their pace is
        nobody else's business.
        """
        diaries = {diary.party.member_id: diary for diary in self._diaries}
        own = frozenset(step.id for step in self._programme.steps)
        for sent in already:
            diary = diaries.get(sent.member_id)
            if diary is None:
                continue
            ours, step = self._ours(sent)
            if ours and sent.key:
                self._sent[sent.key] = sent.at
            if step in other - own:
                if self._is_kept_only(diary.party):
                    continue
                self._heard[sent.member_id] = max(sent.at, self._heard.get(sent.member_id, sent.at))
            if not sent.safety:
                diary.note(sent.at, sent.kind, waits=sent.at > self._now and not sent.key)

    def _ours(self, sent: Sent) -> tuple[bool, str | None]:
        """Whether this meeting's window said it, and with which step."""
        kind, *parts = (sent.key or "").split(":")
        if kind in {"prompt", "remind"} and parts[0] == str(self._gathered.meeting_id):
            return True, parts[1]
        return False, None

    def _is_kept_only(self, party: Party) -> bool:
        return self._without_light_touch and party.pace is Pace.LIGHT_TOUCH

    def _belongs(self, step: Step) -> bool:
        """A gathering opens no window: of the programme it has the logistics that speak of its start."""
        if self._gathered.kind is MeetingKind.SESSION:
            return True
        before = step.at.anchor is Anchor.START or (step.at.anchor is Anchor.DAY and step.at.day <= 0)
        return step.kind is StepKind.REMINDER and step.again_after_move and before

    # ── Asking for places ──────────────────────────────────────────────────────────────────────────────────────────

    def _ask(self, step: Step, order: int) -> None:
        readers = [(diary, wish) for diary in self._diaries if (wish := self._wish_for(step, diary))]
        if step.pace is Pacing.TOGETHER:
            self._queue_up(step, order, [readers] if readers else [], together=True)
        else:
            self._queue_up(step, order, [[reader] for reader in readers])

    def _queue_up(
        self, step: Step, order: int, asks: Iterable[Sequence[tuple[Diary, Wish]]], *, together: bool = False
    ) -> None:
        for position, readers in enumerate(asks):
            ask = _Ask(step, tuple(readers), together)
            heapq.heappush(self._queue, (not step.safety, ask.wish_at, order, position, ask))
            self._open[step.id] += 1

    def _wish_for(self, step: Step, diary: Diary, *, own_hour: bool = False) -> Wish | None:
        """When one member would read a step; none if it is not for them, or not any more."""
        party = diary.party
        key = key_of("prompt", self._gathered, step, party.member_id)
        if key in self._sent:
            self._at[step.id, party.member_id] = self._sent[key]
            return None
        if party.role not in step.roles:
            return None
        if step.visible_to is Visibility.PAIR and not self._is_for_two(step):
            return None
        anchors = diary.anchors
        if step.pace is Pacing.TOGETHER and not own_hour:
            # Safety counts from the reader's own release; everything else that is said together from the common one.
            anchors = replace(anchors, zone=self._gathered.zone) if step.safety else self._cohort
        wish = wish_of(step, anchors, self._followed(step, party, anchors, own_hour=own_hour))
        if wish is None:
            self._dropped[key] = Why.FOLLOWS
        elif wish.at < party.since or wish.at <= self._heard.get(party.member_id, party.since):
            self._dropped[key] = Why.PAST
        elif wish.too_early and step.merge_into:
            self._dropped[key] = Why.MERGED
            self._travels[step.merge_into, party.member_id].append(step)
        else:
            return wish
        return None

    def _is_for_two(self, step: Step) -> bool:
        if self._gathered.unpaired:
            return False
        absent = any(party.role is Role.ABSENT for party in self._gathered.parties)
        told = any(cannot.step == step.id and cannot.why is Why.PARTNER_ABSENT for cannot in self._cannot)
        if absent and not told:
            self._cannot.append(Cannot(step.id, None, Why.PARTNER_ABSENT))
        return not absent

    def _followed(self, step: Step, party: Party, anchors: Anchors, *, own_hour: bool) -> datetime | None:
        """Where the step lies that this one comes after; a safety step does not depend on another one being sent."""
        if step.at.anchor is not Anchor.AFTER or not step.at.step:
            return None
        if step.pace is Pacing.TOGETHER and not own_hour:
            found = [at for (name, _), at in self._at.items() if name == step.at.step]
            lies = max(found, default=None)
        else:
            lies = self._at.get((step.at.step, party.member_id))
        if lies is None and step.safety:
            return plain_wishes(self._programme, anchors).get(step.at.step)
        return lies

    # ── Finding places ─────────────────────────────────────────────────────────────────────────────────────────────

    def _settle(self, ask: _Ask, order: int) -> None:
        if ask.step.safety:
            self._place_safety(ask)
        elif ask.together:
            self._place_together(ask, order)
        else:
            for diary, wish in ask.readers:
                self._place_alone(ask.step, diary, wish)

    def _place_alone(self, step: Step, diary: Diary, wish: Wish) -> None:
        kept = self._rest_of(diary.party, step, wish.at)
        until, too_late = self._until(step, diary, wish)
        at, why = diary.first_room(wish.at if kept else max(wish.at, self._now), until, step.kind)
        if at is None:
            self._leave_out(step, diary, wish, why or too_late)
        else:
            self._put(step, diary, wish, at, until, why)

    def _place_together(self, ask: _Ask, order: int) -> None:
        step, readers = ask.step, self._without_kept_places_beside_sent(ask)
        if not readers:
            return
        kept = all(self._rest_of(diary.party, step, ask.wish_at) for diary, _ in readers)
        earliest = max(diary.party.since for diary, _ in readers)
        earliest = earliest if kept else max(earliest, self._now)
        base = max(ask.wish_at, earliest)
        until, too_late = min((self._until(step, diary, wish) for diary, wish in readers), key=lambda bound: bound[0])
        shared = at = shared_waking(
            base,
            {(diary.party.quiet, diary.party.zone) for diary, _ in readers},
            earliest=max(base - step.tolerance, earliest),
            latest=base + step.tolerance,
        )
        if shared is None and base < until:
            self._cannot.append(Cannot(step.id, None, Why.NO_SHARED_HOUR, ask.wish_at))
            own = [(diary, wish) for diary, _ in readers if (wish := self._wish_for(step, diary, own_hour=True))]
            self._queue_up(step, order, [[reader] for reader in own])
            return
        why = Why.QUIET if shared != base else None
        if shared is not None:
            at, crowded = _common_room([diary for diary, _ in readers], shared, until, step.kind)
            why = crowded or why
        for diary, wish in readers:
            if at is None or base >= until:
                self._leave_out(step, diary, wish, too_late if base >= until else why or too_late)
            else:
                self._put(step, diary, wish, at, until, why, together=True)

    def _without_kept_places_beside_sent(self, ask: _Ask) -> list[tuple[Diary, Wish]]:
        """Once a common step was said to some, those who rest keep their place at that very instant."""
        said = [at for (name, _), at in self._at.items() if name == ask.step.id]
        if not said:
            return list(ask.readers)
        left = []
        for diary, wish in ask.readers:
            rest = self._rest_of(diary.party, ask.step, wish.at)
            if rest:
                diary.note(min(said), ask.step.kind)
                self._at[ask.step.id, diary.party.member_id] = min(said)
                self._dropped[key_of("prompt", self._gathered, ask.step, diary.party.member_id)] = rest
            else:
                left.append((diary, wish))
        return left

    def _place_safety(self, ask: _Ask) -> None:
        """Safety waits for nobody and fills nothing; in the evening it may speak silently into quiet hours."""
        found = [(diary, wish, *self._safe_hour(ask.step, diary, wish)) for diary, wish in ask.readers]
        instants = {at for _, _, at, _, _ in found}
        together = ask.together and len(instants) == 1
        if ask.together and not together:
            self._cannot.append(Cannot(ask.step.id, None, Why.NO_SHARED_HOUR, ask.wish_at))
        for diary, wish, at, until, why in found:
            if at is None:
                self._leave_out(ask.step, diary, wish, why or Why.NOT_TONIGHT)
            else:
                self._put(ask.step, diary, wish, at, until, why, together=together)

    def _safe_hour(self, step: Step, diary: Diary, wish: Wish) -> tuple[datetime | None, datetime, Why | None]:
        until = self._until_stale(step, wish)
        if until <= self._now:
            return None, until, Why.PAST
        if wish.latest is None:
            at = max(wish.at, self._now)
            if diary.is_quiet(at) and not diary.is_evening(at, EVENING_ENDS):
                at = diary.next_waking(at)
            return (at, until, None) if at < until else (None, until, Why.NOT_TONIGHT)
        # With an hour by which it must be said it never waits for the morning: the facilitator is asked instead.
        until = min(until, wish.latest + GRACE)
        due = min(wish.at, wish.latest)
        at = max(due, self._now)
        late = at >= until or (step.at.anchor is Anchor.RELEASE and due < diary.anchors.released_at)
        night = diary.is_quiet(at) and not diary.is_evening(
            at, (wish.latest + GRACE).astimezone(diary.anchors.zone).time()
        )
        return (None, until, Why.NOT_TONIGHT) if late or night else (at, until, None)

    def _until_stale(self, step: Step, wish: Wish) -> datetime:
        """A step meant for before the session is nothing once it has begun."""
        stale = wish.at + step.fresh_for
        starts = self._gathered.starts_at
        return min(stale, starts + _MINUTE) if wish.at <= starts else stale

    def _until(self, step: Step, diary: Diary, wish: Wish) -> tuple[datetime, Why]:
        """The instant from which a step makes no sense any more, and why."""
        bounds = [(self._until_stale(step, wish), Why.PAST), (diary.ends_at + _MINUTE, Why.PAST)]
        if wish.latest:
            bounds.append((wish.latest + _MINUTE, Why.TOO_LATE))
        if self._gathered.next_eve:
            bounds.append((self._gathered.next_eve, Why.NEXT_SESSION))
        if step.is_sealed and (announced := self._announced(step)):
            bounds.append((announced, Why.TOO_LATE))
        return min(bounds, key=lambda bound: bound[0])

    # ── Keeping the outcome ────────────────────────────────────────────────────────────────────────────────────────

    def _rest_of(self, party: Party, step: Step, at: datetime) -> Why | None:
        """Why this member does not hear a step although it has its place in their days."""
        if party.left_at and at >= party.left_at:
            return Why.LEFT
        if not step.safety:
            if self._is_kept_only(party):
                return Why.LIGHTER
            if party.pace is not Pace.FULL and step.id in self._lighter_rests:
                return Why.LIGHTER
            before = self._programme.step(step.at.step) if step.at.step else None
            if before and key_of("prompt", self._gathered, before, party.member_id) in self._dropped:
                return Why.FOLLOWS
        if any(begins <= at and (ends is None or at < ends) for begins, ends in party.paused):
            return Why.RESTING
        return None

    def _put(
        self,
        step: Step,
        diary: Diary,
        wish: Wish,
        at: datetime,
        until: datetime,
        why: Why | None,
        *,
        together: bool = False,
    ) -> None:
        party = diary.party
        key = key_of("prompt", self._gathered, step, party.member_id)
        self._at[step.id, party.member_id] = at
        if not step.safety:
            diary.note(at, step.kind)
        rest = self._rest_of(party, step, wish.at) or self._rest_of(party, step, at)
        if rest:
            self._dropped[key] = rest
            if step.safety and rest is Why.RESTING:
                self._cannot.append(Cannot(step.id, party.member_id, rest, at))
            return
        self._wanted.append(
            Wanted(
                key=key,
                step=step.id,
                member_id=party.member_id,
                chat_id=party.chat_id,
                kind="prompt",
                step_kind=step.kind,
                wished_at=wish.at,
                due_at=at,
                expires_at=until,
                lane=Lane.SAFETY if step.safety else Lane.PROMPTS,
                silent=step.silent or diary.is_quiet(at),
                safety=step.safety,
                together=together,
                note=why,
                held_until=self._held_until(at),
            )
        )

    def _leave_out(self, step: Step, diary: Diary, wish: Wish, why: Why) -> None:
        party = diary.party
        rest = self._rest_of(party, step, wish.at)
        self._dropped[key_of("prompt", self._gathered, step, party.member_id)] = rest or why
        if not rest:
            self._cannot.append(Cannot(step.id, party.member_id, why, wish.at))

    def _held_until(self, at: datetime) -> datetime | None:
        """What comes after the session waits for its release, or for the hour at which the planned end stands in."""
        unreleased = self._gathered.kind is MeetingKind.SESSION and self._gathered.released_at is None
        fallback = self._gathered.planned_end + RELEASE_FALLBACK
        return fallback if unreleased and self._gathered.starts_at < at < fallback else None

    def _with_travellers(self) -> list[Wanted]:
        """Write into each message the steps that travel in it; what found no message is said to be left out."""
        carried = {(wanted.step, wanted.member_id) for wanted in self._wanted}
        for (step, member), travellers in self._travels.items():
            if (step, member) in carried:
                continue
            for traveller in travellers:
                self._dropped[key_of("prompt", self._gathered, traveller, member)] = Why.TOO_EARLY
                if (step, member) not in self._at:
                    self._cannot.append(Cannot(traveller.id, member, Why.TOO_EARLY))
        return [
            replace(wanted, merged=tuple(step.id for step in self._travels.get((wanted.step, wanted.member_id), ())))
            if wanted.kind == "prompt"
            else wanted
            for wanted in self._wanted
        ]

    # ── What follows from the places ───────────────────────────────────────────────────────────────────────────────

    def _openings(self) -> tuple[Decision, ...]:
        if self._gathered.unpaired or self._gathered.minimal:
            return ()
        spoken = {wanted.step for wanted in self._wanted} | self._steps_sent()
        decisions = []
        for step in self._programme.steps:
            if not step.is_sealed or step.id not in spoken:
                continue
            announced = self._announced(step) or self._at_the_latest(step)
            due = self._opening_hour(announced, [diary for diary in self._diaries if diary.party.role in step.roles])
            if due is None:
                self._cannot.append(Cannot(step.id, None, Why.NO_SHARED_HOUR, announced))
            key = f"opening:{self._gathered.meeting_id}:{step.id}"
            decisions.append(Decision(key, "opening", step.id, due or announced, announced))
        return tuple(decisions)

    def _opening_hour(self, announced: datetime, readers: Sequence[Diary]) -> datetime | None:
        """The first instant from the announced one on at which nobody is quiet or just out of the session."""
        rests = {(diary.party.quiet, diary.party.zone) for diary in readers}
        at: datetime | None = announced
        while at is not None:
            at = shared_waking(at, rests, earliest=at, latest=at + _TWO_DAYS)
            later = max((diary.after_acute(at) for diary in readers), default=at) if at else None
            if later == at:
                return at
            at = later
        return None

    def _steps_sent(self) -> set[str]:
        return {key.split(":")[2] for key in self._sent if key.startswith("prompt:")}

    def _announced(self, step: Step) -> datetime | None:
        """The hour at which sealed answers open, one for both; none if they open when both have answered."""
        if not isinstance(step.opens, At):
            return None
        if step.opens.anchor is Anchor.AFTER:
            lies = [at for (name, _), at in self._at.items() if name == step.opens.step]
            return max(lies) + step.opens.offset if lies else None
        return instant_of(step.opens, self._cohort)

    def _at_the_latest(self, step: Step) -> datetime:
        """When answers that open as soon as both are there stop waiting for each other: while the step is fresh."""
        lies = [at for (name, _), at in self._at.items() if name == step.id]
        return max(lies) + step.fresh_for

    def _nudge(self, openings: dict[str, datetime]) -> None:
        """One reminder for each step that has one; whether somebody was silent is known only when it leaves."""
        nudges = []
        for order, step in enumerate(self._programme.steps):
            for diary in self._diaries if step.remind else ():
                said = self._at.get((step.id, diary.party.member_id))
                key = key_of("prompt", self._gathered, step, diary.party.member_id)
                if said is not None and key not in self._dropped:
                    nudges.append((_nudge_hour(step, said, diary), order, diary, step, said))
        for wish_at, _, diary, step, said in sorted(nudges, key=lambda nudge: nudge[:2]):
            self._place_nudge(step, diary, wish_at, openings.get(step.id, said + step.fresh_for))

    def _place_nudge(self, step: Step, diary: Diary, wish_at: datetime, ends_at: datetime) -> None:
        party = diary.party
        key = key_of("remind", self._gathered, step, party.member_id)
        if key in self._sent:
            return
        bounds = [ends_at, wish_at + NUDGE_FRESH_FOR, diary.ends_at, self._gathered.next_eve or ends_at]
        until = min(bounds)
        at, why = diary.first_room(max(wish_at, self._now), until, step.kind, nudge=True)
        rest = self._rest_of(party, step, wish_at) or (self._rest_of(party, step, at) if at else None)
        if at is None or rest:
            self._dropped[key] = rest or why or Why.PAST
            return
        diary.note(at, None)
        self._wanted.append(
            Wanted(
                key=key,
                step=step.id,
                member_id=party.member_id,
                chat_id=party.chat_id,
                kind="remind",
                step_kind=step.kind,
                wished_at=wish_at,
                due_at=at,
                expires_at=until,
                lane=Lane.PROMPTS,
                silent=step.silent,
                note=why,
                held_until=self._held_until(at),
            )
        )


def in_order(deliveries: Iterable[Wanted]) -> tuple[Wanted, ...]:
    return tuple(sorted(deliveries, key=lambda wanted: (wanted.due_at, wanted.key)))


def _common_room(
    diaries: Sequence[Diary], at: datetime, until: datetime, kind: StepKind
) -> tuple[datetime | None, Why | None]:
    """The first instant with room for one more in every diary."""
    why: Why | None = None
    while True:
        begun = at
        for diary in diaries:
            room, obstacle = diary.first_room(at, until, kind)
            why = why or obstacle
            if room is None:
                return None, why
            at = room
        if at == begun:
            return at, why


def _nudge_hour(step: Step, said: datetime, diary: Diary) -> datetime:
    """When a reminder would like to come: after its span, or at the first such clock time that leaves some time."""
    assert step.remind  # noqa: S101 - asked only of steps that have one
    if step.remind.at is None:
        return said + (step.remind.after or GAP)
    day = diary.day_of(said)
    return next(
        hour
        for n in range(3)
        if (hour := local_instant(day + n * _DAY, step.remind.at, diary.party.zone)) >= said + GAP
    )
