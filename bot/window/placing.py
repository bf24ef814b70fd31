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
from datetime import UTC, datetime, timedelta
from uuid import UUID

from bot.programmes.schema import Anchor, Programme, Step
from bot.window.diary import Diary, open_diaries
from bot.window.draft import Draft
from bot.window.evening import safe_hour
from bot.window.following import announced_hour, nudge, openings
from bot.window.phases import Anchors
from bot.window.quiet import shared_waking
from bot.window.values import Cannot, Gathered, Party, Plan, Sent, Why
from bot.window.wishes import Wish, plain_wishes, stale_at, wish_of
from bot.words import MeetingKind, Pacing, Role, StepKind, Visibility

_MINUTE = timedelta(minutes=1)
_LONG_AGO = datetime.min.replace(tzinfo=UTC)

Reader = tuple[Diary, Wish]


@dataclass(frozen=True)
class _Ask:
    """A step that waits for its place, with those who should read it at one instant."""

    step: Step
    readers: tuple[Reader, ...]
    together: bool

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
        self._cohort = Anchors(gathered.starts_at, gathered.release, gathered.zone)
        self._diaries = open_diaries(programme, gathered)
        ours = {sent.key: sent for sent in already if sent.key and self._is_ours(sent.key)}
        self._draft = Draft(programme, gathered, ours, without_light_touch=without_light_touch)
        self._heard: dict[UUID, datetime] = {}  # until when the other programme spoke to somebody
        self._fill_diaries(already, other)
        self._queue: list[tuple[bool, datetime, int, int, _Ask]] = []
        self._open: dict[str, int] = defaultdict(int)  # how many places of a step are still to be found
        self._order = {step.id: index for index, step in enumerate(programme.steps)}
        self._followers: dict[str, list[Step]] = defaultdict(list)

    def made(self) -> Plan:
        steps = [step for step in self._programme.steps if self._belongs(step)]
        for step in steps:
            if step.at.step:
                self._followers[step.at.step].append(step)
        for step in steps:
            if step.rides_with:
                self._let_ride(step)
            elif not step.at.step:
                self._ask(step)
        while self._queue:
            *_, ask = heapq.heappop(self._queue)
            self._settle(ask)
            self._open[ask.step.id] -= 1
            self._let_followers_ask(ask.step)
        decisions = openings(self._programme, self._draft, self._diaries, self._cohort)
        ends_at = {decision.step: decision.due_at for decision in decisions}
        nudge(self._programme, self._draft, self._diaries, ends_at, self._now)
        return self._draft.finished(decisions)

    # ── Before anything is placed ──────────────────────────────────────────────────────────────────────────────────

    def _fill_diaries(self, already: Sequence[Sent], other: Programme | None) -> None:
        """Write down what fills people's days.

        What the other programme of this meeting said does not, for those whose place here is only kept: their pace is
        nobody else's business.
        """
        foreign = {step.id for step in other.steps} - {step.id for step in self._programme.steps} if other else set()
        diaries = {diary.party.member_id: diary for diary in self._diaries}
        for sent in already:
            diary = diaries.get(sent.member_id)
            if diary is None:
                continue
            ours = sent.key is not None and self._is_ours(sent.key)
            kind, _, step, *_ = sent.key.split(":") if sent.key and ours else ("", "", "")
            if step in foreign:
                if self._draft.is_kept_only(diary.party):
                    continue
                self._heard[sent.member_id] = max(sent.at, self._heard.get(sent.member_id, sent.at))
            if kind == "remind":
                diary.note_nudge(sent.at)
            elif not sent.safety:
                diary.note(sent.at, sent.kind, waits=sent.at > self._now and not sent.key)

    def _is_ours(self, key: str) -> bool:
        meeting = self._gathered.meeting_id
        return key.startswith((f"prompt:{meeting}:", f"remind:{meeting}:"))

    def _belongs(self, step: Step) -> bool:
        """A gathering opens no window: of the programme it has the logistics that speak of its start."""
        if self._gathered.kind is MeetingKind.SESSION:
            return True
        before = step.at.anchor is Anchor.START or (step.at.anchor is Anchor.DAY and step.at.day <= 0)
        return step.kind is StepKind.REMINDER and step.again_after_move and before

    def _let_ride(self, step: Step) -> None:
        """A step without a message of its own is asked in the one of its steps that is for this reader."""
        hosts = [host for name in step.rides_with if (host := self._programme.step(name))]
        for diary in self._diaries:
            host = next((host for host in hosts if diary.party.role in host.roles), None)
            if host is not None:
                self._draft.merge(step, diary.party, host.id)

    # ── Asking for places ──────────────────────────────────────────────────────────────────────────────────────────

    def _ask(self, step: Step) -> None:
        readers = [(diary, wish) for diary in self._diaries if (wish := self._wish_for(step, diary))]
        if step.pace is Pacing.TOGETHER:
            self._queue_up(step, [readers] if readers else [], together=True)
        else:
            self._queue_up(step, [[reader] for reader in readers])
        self._let_followers_ask(step)

    def _queue_up(self, step: Step, asks: Iterable[Sequence[Reader]], *, together: bool = False) -> None:
        for position, readers in enumerate(asks):
            ask = _Ask(step, tuple(readers), together)
            heapq.heappush(self._queue, (not step.safety, ask.wish_at, self._order[step.id], position, ask))
            self._open[step.id] += 1

    def _let_followers_ask(self, step: Step) -> None:
        """Once a step has all its places, what comes after it knows its hour."""
        if not self._open[step.id]:
            for follower in self._followers.pop(step.id, ()):
                self._ask(follower)

    def _wish_for(self, step: Step, diary: Diary, *, own_hour: bool = False) -> Wish | None:
        """When one member would read a step; none if it is not for them, or not any more."""
        party, draft = diary.party, self._draft
        key = draft.key("prompt", step, party)
        if key in draft.already:
            draft.lay(step, party, draft.already[key].at)
            return None
        if party.role not in step.roles or (step.visible_to is Visibility.PAIR and not self._is_for_two(step)):
            return None
        # Safety counts from the reader's own release and evening; everything else said together from the common ones.
        alone = step.pace is Pacing.LOCAL or own_hour or (step.safety and step.at.anchor is not Anchor.DAY)
        anchors = diary.anchors if alone else self._cohort
        wish = wish_of(step, anchors, self._followed(step, party, anchors, own_hour=own_hour))
        if wish is None:
            draft.dropped[key] = Why.FOLLOWS
        elif wish.at < party.since or wish.at <= self._heard.get(party.member_id, party.since):
            draft.dropped[key] = Why.PAST
        elif wish.too_early and step.merge_into:
            draft.merge(step, party, step.merge_into)
        else:
            return wish
        return None

    def _is_for_two(self, step: Step) -> bool:
        if self._gathered.unpaired:
            return False
        roles = [diary.party.role for diary in self._diaries]
        if len(roles) > 1 and Role.ABSENT not in roles:
            return True
        self._draft.warn(Cannot(step.id, None, Why.PARTNER_ABSENT))
        return False

    def _followed(self, step: Step, party: Party, anchors: Anchors, *, own_hour: bool) -> datetime | None:
        """Where the step lies that this one comes after; a safety step does not depend on another one being sent."""
        if not step.at.step:
            return None
        if step.pace is Pacing.TOGETHER and not own_hour:
            place = max(self._draft.places_of(step.at.step), default=None)
        else:
            place = self._draft.place_of(step.at.step, party)
        if place is None and step.safety:
            return plain_wishes(self._programme, anchors).get(step.at.step)
        return place

    # ── Finding places ─────────────────────────────────────────────────────────────────────────────────────────────

    def _settle(self, ask: _Ask) -> None:
        if ask.step.safety:
            self._place_safety(ask)
        elif ask.together:
            self._place_together(ask)
        else:
            for reader in ask.readers:
                self._place_alone(ask.step, reader)

    def _place_alone(self, step: Step, reader: Reader) -> None:
        diary, wish = reader
        until, too_late = self._until(step, diary, wish)
        at, why = diary.first_room(wish.at, until, step.kind)
        if self._has_passed(step, at, reader):
            at, why = diary.first_room(max(wish.at, self._now), until, step.kind)
        if at is None:
            self._draft.leave_out(step, diary, wish, why or too_late)
        else:
            self._draft.put(step, diary, wish, at, until, why)

    def _has_passed(self, step: Step, at: datetime | None, *readers: Reader) -> bool:
        """Whether a place lies in the past for somebody who should still hear it; one that is only kept stays there."""
        if at is not None and at >= self._now:
            return False
        rest_of = self._draft.rest_of
        return any(
            not rest_of(diary.party, step, wish.at) and not (at and rest_of(diary.party, step, at))
            for diary, wish in readers
        )

    def _place_together(self, ask: _Ask) -> None:
        """Find one instant for all; the nights of those who have the step already count too, or the rest drifts."""
        step, wish_at = ask.step, ask.wish_at
        concerned = [each for each in self._diaries if each.party.role in step.roles and each.party.since <= wish_at]
        near = _shared_waking(step, concerned, wish_at, _LONG_AGO)
        if near is None:
            self._fall_back(ask)
            return
        readers = self._without_kept_places_beside_sent(ask)
        until, too_late = min((self._until(step, *reader) for reader in ask.readers), key=lambda bound: bound[0])
        at, why = _common_room(readers, near, until, step.kind)
        if self._has_passed(step, at, *readers):
            near = _shared_waking(step, concerned, max(wish_at, self._now), self._now)
            if near is None and self._now < until:
                self._fall_back(replace(ask, readers=tuple(readers)))
                return
            at, why = _common_room(readers, near or until, until, step.kind)
        for diary, wish in readers:
            if at is None:
                self._draft.leave_out(step, diary, wish, why or too_late)
            else:
                shifted = Why.QUIET if near not in {wish_at, self._now} else None
                self._draft.put(step, diary, wish, at, until, why or shifted, together=True)

    def _fall_back(self, ask: _Ask) -> None:
        """Without an instant for all, everybody reads a step at their own hour, and the facilitator hears of it."""
        step, rest_of = ask.step, self._draft.rest_of
        coming = [wish for diary, wish in ask.readers if not rest_of(diary.party, step, wish.at)]
        if any(stale_at(step, wish, self._gathered.starts_at) > self._now for wish in coming):
            self._draft.warn(Cannot(step.id, None, Why.NO_SHARED_HOUR, ask.wish_at))
        own = [(diary, wish) for diary, _ in ask.readers if (wish := self._wish_for(step, diary, own_hour=True))]
        self._queue_up(step, [[reader] for reader in own])

    def _without_kept_places_beside_sent(self, ask: _Ask) -> list[Reader]:
        """Once a common step was said to some, those who rest keep their place at that very instant."""
        step, said = ask.step, self._draft.places_of(ask.step.id)
        left = []
        for diary, wish in ask.readers:
            rest = self._draft.rest_of(diary.party, step, wish.at) if said else None
            if rest:
                diary.note(min(said), step.kind)
                self._draft.lay(step, diary.party, min(said))
                self._draft.dropped[self._draft.key("prompt", step, diary.party)] = rest
            else:
                left.append((diary, wish))
        return left

    def _place_safety(self, ask: _Ask) -> None:
        """Safety waits for nobody and fills nothing; in the evening it may speak silently into quiet hours."""
        step, found = ask.step, []
        for reader in ask.readers:
            at, until, why = safe_hour(step, *reader, _LONG_AGO)
            if self._has_passed(step, at, reader):
                at, until, why = safe_hour(step, *reader, self._now)
            found.append((reader, at, until, why))
        together = ask.together and len({at for _, at, _, _ in found}) == 1
        if ask.together and not together:
            self._draft.warn(Cannot(step.id, None, Why.NO_SHARED_HOUR, ask.wish_at))
        for (diary, wish), at, until, why in found:
            if at is None:
                self._draft.leave_out(step, diary, wish, why)
            else:
                self._draft.put(step, diary, wish, at, until, None, together=together)

    def _until(self, step: Step, diary: Diary, wish: Wish) -> tuple[datetime, Why]:
        """The instant from which a step makes no sense any more, and why."""
        stale = stale_at(step, wish, self._gathered.starts_at)
        bounds = [(stale, Why.PAST), (diary.ends_at + _MINUTE, Why.PAST)]
        if wish.latest:
            bounds.append((wish.latest + _MINUTE, Why.TOO_LATE))
        if self._gathered.next_eve:
            bounds.append((self._gathered.next_eve, Why.NEXT_SESSION))
        if step.is_sealed and (announced := announced_hour(step, self._draft, self._cohort)):
            bounds.append((announced, Why.TOO_LATE))
        until, why = min(bounds, key=lambda bound: bound[0])
        return until, Why.PAST if stale <= self._now else why


def _shared_waking(step: Step, concerned: Sequence[Diary], base: datetime, now: datetime) -> datetime | None:
    """The instant nearest to this one, within the step's tolerance and not before now, at which nobody is quiet."""
    return shared_waking(
        base,
        {(diary.party.quiet, diary.party.zone) for diary in concerned},
        earliest=max(base - step.tolerance, now, *(diary.party.since for diary in concerned)),
        latest=base + step.tolerance,
    )


def _common_room(
    readers: Sequence[Reader], at: datetime, until: datetime, kind: StepKind
) -> tuple[datetime | None, Why | None]:
    """The first instant from here on, before ``until``, with room for one more in every diary."""
    why: Why | None = None
    while at < until:
        begun = at
        for diary, _ in readers:
            room, obstacle = diary.first_room(at, until, kind)
            why = why or obstacle
            if room is None:
                return None, why
            at = room
        if at == begun:
            return at, why
    return None, why
