"""The plan while it is being written: what has its place, what is left out and why. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Literal
from uuid import UUID

from bot.programmes.schema import Programme, Step
from bot.window.diary import Diary
from bot.window.values import RELEASE_FALLBACK, Cannot, Decision, Gathered, Party, Plan, Sent, Wanted, Why, key_of
from bot.window.wishes import Wish, resting_at_lighter_pace
from bot.words import Lane, MeetingKind, Pace


class Draft:
    """What is decided so far; ``already`` holds what this meeting's window has said, by key."""

    def __init__(
        self, programme: Programme, gathered: Gathered, already: Mapping[str, Sent], *, without_light_touch: bool
    ) -> None:
        self.gathered = gathered
        self.already = already
        self.wanted: list[Wanted] = []
        self.dropped: dict[str, Why] = {}
        self._steps = {step.id: step for step in programme.steps}
        self._without_light_touch = without_light_touch
        self._lighter_leaves_out = resting_at_lighter_pace(programme)
        self._places: dict[str, dict[UUID, datetime]] = defaultdict(dict)  # where a step lies in each one's days
        self._cannot: dict[Cannot, None] = {}  # in order, each once
        self._travels: dict[tuple[str, UUID], list[Step]] = defaultdict(list)  # in which message, for whom

    def key(self, kind: str, step: Step, party: Party) -> str:
        return key_of(kind, self.gathered, step, party.member_id)

    # ── Where steps lie ────────────────────────────────────────────────────────────────────────────────────────────

    def lay(self, step: Step, party: Party, at: datetime) -> None:
        """A step has its place in somebody's days, whether it is spoken or not."""
        self._places[step.id][party.member_id] = at

    def place_of(self, step: str, party: Party) -> datetime | None:
        return self._places[step].get(party.member_id)

    def places_of(self, step: str) -> list[datetime]:
        return list(self._places[step].values())

    def is_spoken(self, step: Step, party: Party) -> bool:
        """Whether somebody was or will be told a step."""
        key = self.key("prompt", step, party)
        sent = self.already.get(key)
        return sent.said if sent else key not in self.dropped and self.place_of(step.id, party) is not None

    # ── Who does not hear what ─────────────────────────────────────────────────────────────────────────────────────

    def is_kept_only(self, party: Party) -> bool:
        """Whether this programme only keeps their place: another one speaks to them."""
        return self._without_light_touch and party.pace is Pace.LIGHT_TOUCH

    def rest_of(self, party: Party, step: Step, at: datetime) -> Why | None:
        """Why a member does not hear a step although it keeps its place in their days."""
        if party.left_at and at >= party.left_at:
            return Why.LEFT
        if not step.safety:
            if self.is_kept_only(party):
                return Why.LIGHTER
            if party.pace is not Pace.FULL and step.id in self._lighter_leaves_out:
                return Why.LIGHTER
            before = self._steps.get(step.at.step or "")
            if before and self.key("prompt", before, party) in self.dropped:
                return Why.FOLLOWS
        if any(begins <= at and (ends is None or at < ends) for begins, ends in party.paused):
            return Why.RESTING
        return None

    # ── Writing it down ────────────────────────────────────────────────────────────────────────────────────────────

    def put(
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
        """A step has found its place."""
        party = diary.party
        self.lay(step, party, at)
        if not step.safety:
            diary.note(at, step.kind)
        rest = self.rest_of(party, step, wish.at) or self.rest_of(party, step, at)
        if rest is None:
            self._want("prompt", step, diary, wish.at, at, until, why, together=together)
            return
        self.dropped[self.key("prompt", step, party)] = rest
        if step.safety and rest is Why.RESTING:
            self.warn(Cannot(step.id, party.member_id, rest, at))

    def put_nudge(self, step: Step, diary: Diary, wish_at: datetime, at: datetime, until: datetime) -> None:
        diary.note_nudge(at)
        self._want("remind", step, diary, wish_at, at, until, None if at == wish_at else Why.QUIET)

    def leave_out(self, step: Step, diary: Diary, wish: Wish, why: Why) -> None:
        """A step has found no place; nobody is told about those who would not have heard it anyway."""
        party = diary.party
        rest = self.rest_of(party, step, wish.at)
        self.dropped[self.key("prompt", step, party)] = rest or why
        if not rest:
            self.warn(Cannot(step.id, party.member_id, why, wish.at))

    def merge(self, step: Step, party: Party, into: str) -> None:
        """A step travels in another one's message."""
        self.dropped[self.key("prompt", step, party)] = Why.MERGED
        self._travels[into, party.member_id].append(step)

    def warn(self, cannot: Cannot) -> None:
        self._cannot[cannot] = None

    def finished(self, decisions: tuple[Decision, ...]) -> Plan:
        deliveries = [self._with_travellers(wanted) for wanted in self.wanted]
        self._warn_of_stranded()
        return Plan(in_order(deliveries), decisions, tuple(self._cannot), self.dropped)

    def _want(
        self,
        kind: Literal["prompt", "remind"],
        step: Step,
        diary: Diary,
        wish_at: datetime,
        at: datetime,
        until: datetime,
        why: Why | None,
        *,
        together: bool = False,
    ) -> None:
        is_step = kind == "prompt"
        self.wanted.append(
            Wanted(
                key=self.key(kind, step, diary.party),
                step=step.id,
                member_id=diary.party.member_id,
                chat_id=diary.party.chat_id,
                kind=kind,
                step_kind=step.kind,
                wished_at=wish_at,
                due_at=at,
                expires_at=until,
                lane=Lane.SAFETY if step.safety and is_step else Lane.PROMPTS,
                silent=step.silent or diary.is_quiet(at),
                safety=step.safety and is_step,
                together=together,
                note=why,
                held_until=self._held_until(at),
            )
        )

    def _held_until(self, at: datetime) -> datetime | None:
        """What comes after the session waits for its release, or for the hour at which the planned end stands in."""
        unreleased = self.gathered.kind is MeetingKind.SESSION and self.gathered.released_at is None
        fallback = self.gathered.planned_end + RELEASE_FALLBACK
        return fallback if unreleased and self.gathered.starts_at < at < fallback else None

    def _with_travellers(self, wanted: Wanted) -> Wanted:
        travellers = self._travels.pop((wanted.step, wanted.member_id), None) if wanted.kind == "prompt" else None
        return replace(wanted, merged=tuple(step.id for step in travellers)) if travellers else wanted

    def _warn_of_stranded(self) -> None:
        """What should have travelled in a message that is not sent is left out with it."""
        for (into, member), travellers in self._travels.items():
            for step in travellers:
                why = Why.FOLLOWS if step.rides_with else Why.TOO_EARLY
                self.dropped[key_of("prompt", self.gathered, step, member)] = why
                if why is Why.TOO_EARLY and member not in self._places[into]:
                    self.warn(Cannot(step.id, member, Why.TOO_EARLY))


def in_order(deliveries: Iterable[Wanted]) -> tuple[Wanted, ...]:
    return tuple(sorted(deliveries, key=lambda wanted: (wanted.due_at, wanted.key)))
