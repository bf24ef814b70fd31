"""What somebody answered, in a few plain words: for the facilitator's page and for one's own export."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, select

from bot.checkins.compose import filled
from bot.checkins.queries import with_travellers
from bot.checkins.rules import Value
from bot.programmes.schema import Programme, Question, QuestionKind, Step
from bot.programmes.shelf import pinned
from bot.storage.database import Transaction
from bot.storage.tables import Answer, Cohort, Delivery, Meeting, Member, Response
from bot.texts import Texts
from bot.window.queries import facilitators_of, members_of, name_of
from bot.words import CohortKind


@dataclass(frozen=True)
class Told:
    """One member's answers to one step; ``facts`` are the names its sentences speak of."""

    response: Response
    meeting: Meeting
    step: Step
    answers: Mapping[str, Value]
    facts: Mapping[str, str]


async def told_by(tx: Transaction, member: Member, *which: ColumnElement[bool]) -> list[Told]:
    """What a member answered, in the order in which they began; whoever calls says ``which`` of it they may read."""
    found = await tx.execute(
        select(Response, Meeting, Delivery.facts)
        .join(Meeting, Meeting.id == Response.meeting_id)
        .outerjoin(Delivery, Delivery.id == Response.delivery_id)
        .where(Response.member_id == member.id, *which)
        .order_by(Response.begun_at, Response.id)
    )
    rows = found.all()
    answers = await _answers(tx, [response.id for response, _, _ in rows])
    names = await _names(tx, member)
    told = []
    for response, meeting, sent in rows:
        programme = await pinned(tx, response.programme)
        step = programme.step(response.step)
        if step is not None:
            step = with_travellers(step, programme, _travellers(programme, sent))
            told.append(Told(response, meeting, step, answers.get(response.id, {}), names))
    return told


def sentences(told: Told, t: Texts) -> Iterator[tuple[str, str]]:
    """Each question that was answered with what was said; a question without a sentence of its own has the step's."""
    facts = {"partner": t.label("your partner"), **told.facts}
    for question in told.step.ask:
        value = told.answers.get(question.id)
        if value is not None:
            yield filled(question.text or told.step.text, facts, t), in_words(question, value, t)


def in_words(question: Question, value: Value, t: Texts) -> str:
    """An answer as somebody would say it: "7 of 10", the labels that were pressed, the words that were written."""
    labels = {option.id: t.pick(option.label) for option in question.options}
    if isinstance(value, list):
        return ", ".join(labels.get(one, one) for one in value)
    if question.kind is QuestionKind.SCALE:
        return t.label("{n} of {most}", n=value, most=question.most)
    return labels.get(str(value), str(value))


def _travellers(programme: Programme, sent: Mapping[str, list[str]] | None) -> list[str]:
    return [name for name in (sent or {}).get("merged", []) if programme.step(name) is not None]


async def _answers(tx: Transaction, responses: list[UUID]) -> dict[UUID, dict[str, Value]]:
    found: dict[UUID, dict[str, Value]] = {}
    for row in await tx.scalars(select(Answer).where(Answer.response_id.in_(responses))):
        if row.value is not None:
            found.setdefault(row.response_id, {})[row.question] = json.loads(tx.open(row, "value"))
    return found


async def _names(tx: Transaction, member: Member) -> dict[str, str]:
    """The names a member's questions speak of; whoever has left or was unpaired since is still called by theirs."""
    cohort = await tx.get_one(Cohort, member.cohort_id)
    holders = await facilitators_of(tx, cohort.id)
    names = {"facilitator": name_of(tx, holders[0]) if holders else ""}
    if cohort.kind is CohortKind.COUPLE:
        for other in await members_of(tx, cohort.id):
            if other.id != member.id and other.admitted_at is not None:
                names["partner"] = tx.open(other, "alias")
    return names
