"""A cohort before it is made: what a facilitator has said of it so far, in one line or step by step. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from bot.enrolment.rules import (
    KindMissing,
    NameMissing,
    NoSuchProgramme,
    PolicyMissing,
    ProgrammeDoesNotFit,
    ScreeningMissing,
    ZoneMissing,
    cohort_kind,
    good_name,
    seat_labels,
    words_of,
)
from bot.words import CohortKind, SecretsPolicy


@dataclass(frozen=True)
class Wish:
    """A cohort before it is made: what a facilitator has said of it so far."""

    kind: CohortKind
    name: str = ""
    labels: tuple[str, ...] = ()
    zone: str | None = None
    programme: str | None = None
    policy: SecretsPolicy | None = None
    minimal: bool = False
    screened: bool = False

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "labels": list(self.labels)}

    @classmethod
    def from_json(cls, said: dict[str, Any]) -> Wish:
        return cls(
            **{
                **said,
                "kind": CohortKind(said["kind"]),
                "labels": tuple(said["labels"]),
                "policy": SecretsPolicy(said["policy"]) if said["policy"] else None,
            }
        )


def begin(kind: CohortKind) -> Wish:
    """A cohort of which only the kind is known; with one seat there is nobody to keep secrets from."""
    return Wish(kind, policy=SecretsPolicy.KEPT if kind is CohortKind.INDIVIDUAL else None)


def wish_from(line: str, programmes: Collection[str]) -> Wish:
    """Read ``couple Maple Ann Bob Europe/Berlin couple-72h``: a zone has a slash, a programme is known by its name.

    Raises:
        KindMissing, NameMissing and the other noes of names and seats; whether the zone exists is not decided here.
    """
    words = words_of(line)
    if not words:
        raise KindMissing
    kind, rest = cohort_kind(words[0]), words[1:]
    if not rest:
        raise NameMissing
    wish = replace(begin(kind), name=good_name(rest[0]))
    labels: list[str] = []
    for word in rest[1:]:
        if word in programmes:
            wish = replace(wish, programme=word)
        elif "/" in word or word == "UTC":
            wish = replace(wish, zone=word)
        else:
            labels.append(word)
    return replace(wish, labels=seat_labels(kind, labels)) if labels or kind is not CohortKind.GROUP else wish


def check_complete(wish: Wish) -> None:
    """Everything that has to be said before there are links.

    Raises:
        NameMissing, WrongSeats, ZoneMissing, PolicyMissing, ScreeningMissing
    """
    if not wish.name:
        raise NameMissing
    seat_labels(wish.kind, list(wish.labels))
    if wish.zone is None:
        raise ZoneMissing
    if wish.policy is None:
        raise PolicyMissing
    if not wish.screened:
        raise ScreeningMissing


# ── Programmes ─────────────────────────────────────────────────────────────────────────────────────────────────────

LIGHTER = "light-touch"  # what somebody may change to who wants less


def fitting(kind: CohortKind, programmes: Mapping[str, CohortKind | None]) -> list[str]:
    """The programmes for this kind of cohort, those written for it first; the first one is what it gets unasked.

    Raises:
        ProgrammeDoesNotFit: there is none.
    """
    found = [name for name, written_for in programmes.items() if written_for in {kind, None}]
    if not found:
        raise ProgrammeDoesNotFit(names="-")
    return sorted(found, key=lambda name: (programmes[name] is None, name != f"{kind.value}-72h", name))


def chosen_programme(wish: Wish, programmes: Mapping[str, CohortKind | None]) -> str:
    """The programme a cohort will get.

    Raises:
        NoSuchProgramme, ProgrammeDoesNotFit
    """
    fit = fitting(wish.kind, programmes)
    if wish.programme is None:
        return fit[0]
    if wish.programme not in programmes:
        raise NoSuchProgramme(names=", ".join(fit))
    if wish.programme not in fit:
        raise ProgrammeDoesNotFit(names=", ".join(fit))
    return wish.programme


def missing(wish: Wish) -> str | None:
    """What a facilitator is asked next about a new cohort; none when it can be looked over."""
    if not wish.name:
        return "name"
    if not wish.labels:
        return "labels"
    return "zone" if wish.zone is None else None
