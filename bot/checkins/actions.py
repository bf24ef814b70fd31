"""Keeping answers, and opening two of them at once."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, select

from bot.checkins.queries import Page, opening_key, opening_of, side_of
from bot.checkins.rules import (
    HourHasPassed,
    Value,
    alert_of,
    choose,
    decide,
    next_question,
    question_of,
    readers,
)
from bot.delivery import outbox
from bot.delivery.moments import plan_moment
from bot.programmes.schema import WHEN_BOTH, Question
from bot.storage.database import Transaction
from bot.storage.tables import Answer, Delivery, Disclosure, Member, Moment, Opening, Response
from bot.window.phases import phase_at
from bot.window.queries import enrolled, members_of, private_chat, rest_of
from bot.window.quiet import shared_waking
from bot.words import (
    Choice,
    DeliveryState,
    Lane,
    Level,
    MomentState,
    OpeningState,
    Origin,
    Verb,
    Visibility,
)

_A_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Kept:
    """What came of an answer: the next question, or none, and how urgent it was."""

    asks: Question | None
    alert: Level | None


async def begin(tx: Transaction, page: Page, *, now: datetime) -> Response:
    """Unfold a step: from here on its member is half-way through an answer."""
    if page.response is not None:
        page.response.skipped_at = None
        page.response.touched_at = now
        page.response.delivery_id = page.delivery.id  # the reminder's copy, perhaps: what is typed now changes that one
        return page.response
    first = next_question(page.step, None)
    response = Response(
        member_id=page.member.id,
        meeting_id=page.meeting.id,
        step=page.step.id,
        programme=page.digest,
        delivery_id=page.delivery.id,
        visibility=Visibility.NONE if page.cohort.minimal else readers(page.step.visible_to, page.consents),
        question=first.id if first else None,
        choice=Choice.UNDECIDED,
        begun_at=now,
        touched_at=now,
        finished_at=None if first else now,
    )
    tx.add(response)
    await tx.flush()
    return response


async def keep_answer(tx: Transaction, page: Page, question: Question, value: Value, *, now: datetime) -> Kept:
    """Keep the answer to one question and go on to the next.

    Raises:
        HourHasPassed: the sealed answers of this step were already opened.
    """
    await refuse_after_the_hour(tx, page)
    response = page.response or await begin(tx, page, now=now)
    await _put(tx, response, question, value, now=now)
    asks = next_question(page.step, question.id)
    response.question = asks.id if asks else None
    response.touched_at = now
    response.withdrawn_at = None
    if asks is None:
        response.finished_at = now
        page.member.misses = 0
        await _open_when_both(tx, page, now=now)
    return Kept(asks, alert_of(question, value))


async def put_so_far(tx: Transaction, page: Page, question: Question, value: Value, *, now: datetime) -> None:
    """Keep several choices while they are still being pressed."""
    await refuse_after_the_hour(tx, page)
    response = page.response or await begin(tx, page, now=now)
    await _put(tx, response, question, value, now=now)
    response.touched_at = now


async def ask_again(tx: Transaction, page: Page, question_id: str, *, now: datetime) -> None:
    """Go back to a question, to change what was said."""
    await refuse_after_the_hour(tx, page)
    response = page.response or await begin(tx, page, now=now)
    response.question = question_of(page.step, question_id).id
    response.touched_at = now
    response.skipped_at = None


async def skip(tx: Transaction, page: Page, *, now: datetime) -> None:
    """Pass; it is never counted against anybody."""
    response = page.response or await begin(tx, page, now=now)
    if response.finished_at is None:
        response.skipped_at = now
        response.question = None
    response.touched_at = now


async def choose_for(tx: Transaction, page: Page, wanted: Choice, *, now: datetime) -> None:
    """Share one's own sealed answer at the hour, or keep it.

    Raises:
        HourHasPassed: it is too late.
        NotWiderNow: sharing may not be widened in this phase.
    """
    await refuse_after_the_hour(tx, page)
    response = page.response
    if response is None or response.finished_at is None or response.visibility is not Visibility.PAIR:
        raise HourHasPassed
    response.choice = choose(response.choice, wanted, widening_rests=_widening_rests(page, now))
    response.touched_at = now
    await _open_when_both(tx, page, now=now)


async def withdraw_answer(tx: Transaction, page: Page, *, now: datetime) -> None:
    """Take one's own answer back: its words are gone at once, before anything else is sent.

    Raises:
        HourHasPassed: the partner has it already.
    """
    await refuse_after_the_hour(tx, page)
    if page.response is None:
        return
    await tx.execute(delete(Answer).where(Answer.response_id == page.response.id))
    page.response.withdrawn_at = page.response.touched_at = now
    page.response.finished_at = None
    page.response.choice = Choice.UNDECIDED
    page.response.question = None


async def come_back_later(tx: Transaction, page: Page, due_at: datetime, *, now: datetime) -> bool:
    """Send the same step again later; false if it would be stale by then."""
    origin = page.delivery
    if origin.expires_at is not None and due_at >= origin.expires_at:
        return False
    put_off = f"later:{origin.id}:"
    await outbox.withdraw(tx, Delivery.key.startswith(put_off), reason="another hour was chosen")
    await outbox.plan(
        tx,
        [
            Delivery(
                key=f"{put_off}{int(due_at.timestamp())}",
                origin=Origin.CHECKINS,
                verb=Verb.SEND,
                kind="prompt",
                lane=Lane.PROMPTS,
                chat_id=origin.chat_id,
                cohort_id=origin.cohort_id,
                member_id=origin.member_id,
                meeting_id=origin.meeting_id,
                step=origin.step,
                facts=origin.facts,  # also which other steps travel in it
                due_at=due_at,
                expires_at=origin.expires_at,
                silent=origin.silent,
                made_at=now,
            )
        ],
    )
    return True


async def refuse_after_the_hour(tx: Transaction, page: Page) -> None:
    """A sealed answer changes until its opening is decided: both partners, and the decision, one after the other.

    Raises:
        HourHasPassed
    """
    if not page.step.is_sealed:
        return
    its_row = select(Moment.id).where(Moment.key == opening_key(page.meeting.id, page.step.id))
    await tx.execute(its_row.with_for_update())  # else of two last words at once neither would see the other
    if await opening_of(tx, page.meeting.id, page.step.id) is not None:
        raise HourHasPassed


# ── The opening ────────────────────────────────────────────────────────────────────────────────────────────────────


async def decide_opening(tx: Transaction, moment: Moment, *, now: datetime) -> None:
    """The hour has come: decide once, and let both sides leave from that one decision.

    Whoever was asked in this pair step and is still here reads something, and the two rows are due at the same
    instant, whatever was decided: only what is inside differs.
    """
    assert moment.meeting_id is not None and moment.step is not None and moment.cohort_id is not None  # noqa: S101, PT018 - planned so
    if await opening_of(tx, moment.meeting_id, moment.step) is not None:
        return
    couple = await _couple_of(tx, moment.cohort_id, moment.meeting_id, moment.step)
    sides = [(member, *await side_of(tx, member, moment.meeting_id, moment.step, now=now)) for member in couple]
    state = decide(sides[0][1], sides[1][1]) if len(sides) == 2 else OpeningState.UNOPENED
    opening = Opening(
        cohort_id=moment.cohort_id,
        meeting_id=moment.meeting_id,
        step=moment.step,
        due_at=moment.due_at,
        state=state,
        decided_at=now,
    )
    tx.add(opening)
    await tx.flush()
    if state is OpeningState.OPENED:
        (one, _, first), (other, _, second) = sides
        assert first is not None and second is not None  # noqa: S101, PT018 - both have answered
        tx.add(_disclose(opening, first, author=one, reader=other, now=now))
        tx.add(_disclose(opening, second, author=other, reader=one, now=now))
    readers = [member for member, side, _ in sides if side.here and await _was_asked(tx, member, opening)]
    await outbox.plan(tx, [await _opening_row(tx, opening, member, now=now) for member in readers])
    await _close_pages(tx, [response for *_, response in sides if response is not None], now=now)


async def _was_asked(tx: Transaction, member: Member, opening: Opening) -> bool:
    """Whether the step has reached them: who came too late for it, or gets fewer steps, has nothing to open."""
    asked = select(Delivery.id).where(
        Delivery.member_id == member.id,
        Delivery.meeting_id == opening.meeting_id,
        Delivery.step == opening.step,
        Delivery.kind == "prompt",
        Delivery.state.in_((DeliveryState.SENT, DeliveryState.UNKNOWN)),
    )
    return await tx.scalar(asked.limit(1)) is not None


async def destroy_openings(tx: Transaction, cohort_id: UUID, *, now: datetime) -> None:
    """Unpaired: what was not open yet is gone, opened copies fold on both phones. To be done before the replan."""
    waiting = await tx.scalars(
        select(Moment)
        .where(Moment.cohort_id == cohort_id, Moment.kind == "opening", Moment.state == MomentState.WAITING)
        .with_for_update()
    )
    for moment in list(waiting):
        moment.state = MomentState.WITHDRAWN
        moment.reason = "unpaired"
        assert moment.meeting_id is not None and moment.step is not None  # noqa: S101, PT018 - planned so
        await _destroy(tx, cohort_id, moment.meeting_id, moment.step, due_at=moment.due_at, now=now)
    envelopes = (Delivery.cohort_id == cohort_id, Delivery.kind.in_(("opening", "opening-reply")))
    await outbox.withdraw(tx, *envelopes, reason="unpaired")
    opened = await tx.scalars(
        select(Disclosure)
        .join(Opening, Opening.id == Disclosure.opening_id)
        .where(Opening.cohort_id == cohort_id, Disclosure.folded_at.is_(None))
    )
    folded = list(opened)
    for disclosure in folded:
        disclosure.folded_at = now
    await fold_on_phones(tx, folded, now=now)


async def _destroy(
    tx: Transaction, cohort_id: UUID, meeting_id: UUID, step: str, *, due_at: datetime, now: datetime
) -> None:
    """One pair step that will never open: its answers are gone, and it is not asked again."""
    tx.add(
        Opening(
            cohort_id=cohort_id,
            meeting_id=meeting_id,
            step=step,
            due_at=due_at,
            state=OpeningState.DESTROYED,
            decided_at=now,
        )
    )
    sealed = select(Response.id).where(Response.meeting_id == meeting_id, Response.step == step)
    await tx.execute(delete(Answer).where(Answer.response_id.in_(sealed)))
    await outbox.withdraw(tx, Delivery.meeting_id == meeting_id, Delivery.step == step, reason="unpaired")


async def fold_on_phones(tx: Transaction, disclosures: Sequence[Disclosure], *, now: datetime) -> None:
    """Edit every copy of what was opened, and of what was answered to it, into the folded line."""
    spoken_of = {one.opening_id for one in disclosures} | {one.id for one in disclosures}
    copies = await tx.scalars(
        select(Delivery).where(
            Delivery.ref.in_(spoken_of),
            Delivery.kind.in_(("opening", "opening-reply")),
            Delivery.message_id.is_not(None),
        )
    )
    await outbox.plan(tx, [_edit_of(copy, "opening-folded", f"fold:{copy.id}", now=now) for copy in copies])


async def reply_to_opening(tx: Transaction, disclosure: Disclosure, reply: str, *, now: datetime) -> bool:
    """The small answer to what was opened; it travels to its author once. False if one was given before."""
    if disclosure.replied_at is not None:
        return False
    tx.seal_json(disclosure, "reply", reply)
    disclosure.replied_at = now
    author = await tx.get_one(Member, disclosure.author_id)
    await outbox.plan(tx, [await _reply_row(tx, disclosure, author, f"opening-reply:{disclosure.id}", now=now)])
    return True


async def agree(tx: Transaction, disclosure: Disclosure, *, now: datetime) -> None:
    """What was opened is right for its reader; once both have said so, both read it, at the same instant."""
    await tx.get_one(Opening, disclosure.opening_id, with_for_update=True)  # of two who agree at once, one is second
    disclosure.agreed_at = disclosure.agreed_at or now
    await tx.flush()
    both = list(await tx.scalars(select(Disclosure).where(Disclosure.opening_id == disclosure.opening_id)))
    if any(one.agreed_at is None or one.folded_at is not None for one in both):
        return
    rows = []
    for one in both:
        row = await _reply_row(tx, one, await tx.get_one(Member, one.reader_id), f"agreed:{one.id}", now=now)
        row.facts = {"agreed": True}
        rows.append(row)
    await outbox.plan(tx, rows)


async def _reply_row(tx: Transaction, disclosure: Disclosure, to: Member, key: str, *, now: datetime) -> Delivery:
    """What comes of an opening. It answers something read at any hour, so it must not wake anybody."""
    chat = await private_chat(tx, to.person_id)
    return Delivery(
        key=key,
        origin=Origin.CHECKINS,
        verb=Verb.SEND,
        kind="opening-reply",
        lane=Lane.PROMPTS,
        chat_id=chat.id,
        cohort_id=to.cohort_id,
        member_id=to.id,
        ref=disclosure.id,
        due_at=now,
        silent=True,
        made_at=now,
    )


async def _couple_of(tx: Transaction, cohort_id: UUID, meeting_id: UUID, step: str) -> list[Member]:
    """The two who were in this pair step: everybody who answered it, and everybody who is enrolled."""
    answered = set(
        await tx.scalars(select(Response.member_id).where(Response.meeting_id == meeting_id, Response.step == step))
    )
    here = {member.id for member in await enrolled(tx, cohort_id)}
    return [member for member in await members_of(tx, cohort_id) if member.id in answered | here][:2]


def _disclose(opening: Opening, response: Response, *, author: Member, reader: Member, now: datetime) -> Disclosure:
    return Disclosure(
        opening_id=opening.id,
        response_id=response.id,
        author_id=author.id,
        reader_id=reader.id,
        opened_at=now,
    )


async def _opening_row(tx: Transaction, opening: Opening, member: Member, *, now: datetime) -> Delivery:
    chat = await private_chat(tx, member.person_id)
    return Delivery(
        key=f"opening:{opening.id}:{member.id}",
        origin=Origin.CHECKINS,
        verb=Verb.SEND,
        kind="opening",
        lane=Lane.PROMPTS,
        chat_id=chat.id,
        cohort_id=opening.cohort_id,
        member_id=member.id,
        meeting_id=opening.meeting_id,
        step=opening.step,
        ref=opening.id,
        due_at=now,
        made_at=now,
    )


async def _close_pages(tx: Transaction, responses: list[Response], *, now: datetime) -> None:
    """The pages on which they could still choose lose their buttons; each shows only that its own hour has come."""
    rows = []
    for response in responses:
        page = await tx.get(Delivery, response.delivery_id) if response.delivery_id else None
        if page is not None and page.message_id is not None:
            rows.append(_edit_of(page, "page-closed", f"closed:{response.id}", now=now))
    await outbox.plan(tx, rows)


def _edit_of(copy: Delivery, kind: str, key: str, *, now: datetime) -> Delivery:
    return Delivery(
        key=key,
        origin=Origin.CHECKINS,
        verb=Verb.EDIT,
        kind=kind,
        lane=Lane.PROMPTS,
        chat_id=copy.chat_id,
        cohort_id=copy.cohort_id,
        member_id=copy.member_id,
        ref=copy.ref,
        target=copy.id,
        due_at=now,
        silent=True,
        made_at=now,
    )


async def _open_when_both(tx: Transaction, page: Page, *, now: datetime) -> None:
    """Where the author asked for it, the hour is the moment both have chosen to share."""
    if page.step.opens != WHEN_BOTH:
        return
    couple = await _couple_of(tx, page.cohort.id, page.meeting.id, page.step.id)
    sides = [(await side_of(tx, member, page.meeting.id, page.step.id, now=now))[0] for member in couple]
    if len(sides) == 2 and decide(*sides) is OpeningState.OPENED:
        rests = [await rest_of(tx, member) for member in couple]
        due_at = shared_waking(now, rests, earliest=now, latest=page.opens_at or now + _A_DAY)
        await plan_moment(
            tx,
            Moment(
                key=opening_key(page.meeting.id, page.step.id),
                kind="opening",
                due_at=due_at or page.opens_at or now,
                cohort_id=page.cohort.id,
                meeting_id=page.meeting.id,
                step=page.step.id,
                state=MomentState.WAITING,
            ),
        )


async def _put(tx: Transaction, response: Response, question: Question, value: Value, *, now: datetime) -> None:
    if response.visibility is Visibility.NONE:
        value = None  # taps count as done; nothing of what was said is stored
    answer = await tx.scalar(
        select(Answer).where(Answer.response_id == response.id, Answer.question == question.id).with_for_update()
    )
    if answer is None:
        answer = Answer(response_id=response.id, question=question.id, given_at=now)
        tx.add(answer)
    else:
        answer.changed_at = now
    answer.value = None
    if value is not None:
        tx.seal(answer, "value", json.dumps(value, ensure_ascii=False))
    await tx.flush()


def _widening_rests(page: Page, now: datetime) -> bool:
    if page.meeting.released_at is None:
        return False
    phase = phase_at(page.programme, page.meeting.released_at, page.person.zone, now)
    return phase is not None and not phase.sharing_may_widen


MOMENTS = {"opening": decide_opening}
