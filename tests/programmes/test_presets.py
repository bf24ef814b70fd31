from __future__ import annotations

from datetime import timedelta

import pytest
from pages import HEAD, page, said

from bot.programmes.paper import hour_of, sessions
from bot.programmes.phases import presets
from bot.programmes.reading import read_programme
from bot.words import StepKind

OWN = """\
phases:
  - {key: hush, from: release, to: release + 1h, label: {en: Hush}, only_safety: true, sharing_may_widen: false}
  - key: open
    from: release + 1h
    to: day 2 at 10:00
    label: {en: Open}
    most_per_day: 2
    kinds: [practice, check-in]
    stretches: [{label: {en: Evening}, from: release + 4h, to: release + 8h}]
"""
FIRST = "{key: a, from: release, to: release + 2h, label: {en: A}}"


def _hours(at):
    """From release, for an afternoon."""
    afternoon = list(sessions())[1]
    return (hour_of(at, afternoon, {}) - afternoon.release) / timedelta(hours=1)


@pytest.mark.parametrize(
    ("name", "edges"),
    [
        ("ketamine", [0, 4, 17, 72, 7 * 24, 14 * 24]),
        ("esketamine", [0, 4, 17, 72, 7 * 24, 14 * 24]),
        ("psilocybin", [0, 10, 36, 7 * 24, 14 * 24, 28 * 24]),
        ("mdma", [0, 10, 36, 7 * 24, 14 * 24, 28 * 24]),
        ("lsd", [0, 16, 48, 10 * 24, 21 * 24, 35 * 24]),
        ("breathwork", [0, 2, 24, 48, 5 * 24, 7 * 24]),
    ],
)
def test_a_preset_runs_without_a_gap_from_the_release(name, edges):
    phases = presets()[name]

    assert [phase.key for phase in phases] == ["acute", "landing", "open", "settling", "carry"]
    assert [_hours(phase.begins) for phase in phases] == edges[:-1]
    assert [_hours(phase.ends) for phase in phases] == edges[1:]


@pytest.mark.parametrize(("name", "edges"), [("none", [0, 24, 72, 7 * 24]), ("retreat", [0, 36, 7 * 24, 14 * 24])])
def test_without_anything_acute_the_window_begins_with_landing(name, edges):
    phases = presets()[name]

    assert [phase.key for phase in phases] == ["landing", "open", "settling", "carry"]
    assert [_hours(phase.begins) for phase in phases] == edges


def test_only_safety_speaks_in_an_acute_phase_and_nothing_widens_before_landing_ends():
    for name, phases in presets().items():
        for phase in phases:
            assert phase.only_safety == (phase.key == "acute")
            assert phase.sharing_may_widen == (phase.key not in {"acute", "landing"} or name == "none")


def test_the_first_hours_and_the_high_days_have_names():
    _, landing, open_, *_ = presets()["ketamine"]

    assert [stretch.label["en"] for stretch in (*landing.stretches, *open_.stretches)] == [
        "First threads",
        "High season",
    ]
    assert [_hours(edge) for stretch in landing.stretches for edge in (stretch.begins, stretch.ends)] == [6, 12]


def test_every_phase_has_a_name_in_every_language_of_ours():
    labels = [phase.label for phases in presets().values() for phase in phases]

    assert {frozenset(label) for label in labels} == {frozenset({"en", "de"})}


def test_phases_of_ones_own_read_as_they_are_written():
    programme = read_programme(page(head=HEAD.replace("phases: ketamine\n", OWN)), "own.yaml")

    hush, open_ = programme.phases

    assert (hush.key, hush.only_safety, hush.sharing_may_widen) == ("hush", True, False)
    assert (open_.most_per_day, open_.kinds) == (2, {StepKind.PRACTICE, StepKind.CHECK_IN})
    assert [stretch.label for stretch in open_.stretches] == [{"en": "Evening"}]


@pytest.mark.parametrize(
    ("phases", "remark"),
    [
        ("phases: ketamin", '6: "ketamin" is not a set of phases.'),
        ("phases: []", "6: there are no phases here."),
        ("phases: [{key: a, from: release, to: release + 1h}]", '6: "label" is missing.'),
        ("phases: [{key: a, from: after b, to: start, label: {en: A}}]", "6: a phase does not hang on a step."),
        (
            "phases: [{key: a, from: release, to: start + 9h, label: {en: A}, most_per_day: 40}]",
            "6: 40 a day cannot be.",
        ),
        (
            f"phases:\n  - {FIRST}\n  - {{key: b, from: release + 1h, to: release + 3h, label: {{en: B}}}}",
            '8: "b" begins before "a" has ended.',
        ),
        (
            f"phases:\n  - {FIRST}\n  - {{key: a, from: release + 2h, to: release + 3h, label: {{en: B}}}}",
            "7: two phases have the same key.",
        ),
        ("phases: [{key: a, from: release + 2h, to: release + 1h, label: {en: A}}]", '6: "a" ends before it begins.'),
    ],
)
def test_phases_that_cannot_be_meant_get_their_remark(phases, remark):
    assert said(page(head=HEAD.replace("phases: ketamine", phases))) == [remark]
