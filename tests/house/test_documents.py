"""What the documents say of commands, buttons, states and each other is so."""

from __future__ import annotations

import re
from enum import StrEnum
from itertools import chain
from pathlib import Path
from typing import get_args

import pytest
from documents import PAGES, ROOT, named, page, prose, rows

import handlers
from bot import words
from bot.app import POLICIES
from bot.cli import cli
from bot.delivery.states import ARROWS
from bot.enrolment.compose import menu
from bot.rehearsal.faults import Kind
from bot.texts import Texts

COMMANDS = set(chain.from_iterable(room.COMMANDS for room in handlers.ROOMS))
STATES = {name: each for name, each in vars(words).items() if name.endswith("State") and issubclass(each, StrEnum)}
CODE = "\n".join(path.read_text("utf-8") for top in ("bot", "handlers") for path in (ROOT / top).rglob("*.py"))


# ── Links ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def anchors(path: Path) -> set[str]:
    """The headings of a page as links name them."""
    headings = re.findall(r"^#+ (.+)$", prose(path.read_text("utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_somewhere(path):
    links = [link for link in re.findall(r"\]\(([^)]+)\)", prose(path.read_text("utf-8"))) if "://" not in link]

    lost = []
    for link in links:
        file, _, anchor = link.partition("#")
        target = (path.parent / file).resolve() if file else path
        if not target.exists() or (anchor and anchor not in anchors(target)):
            lost.append(link)
    assert lost == []


def test_every_page_can_be_reached_from_the_readme():
    reached, ahead = set(), [ROOT / "README.md"]
    while ahead:
        path = ahead.pop()
        reached.add(path)
        for link in re.findall(r"\]\(([^)#]+)", path.read_text("utf-8")):
            target = (path.parent / link).resolve()
            found = sorted(target.glob("*.md")) if target.is_dir() else [target] if target.suffix == ".md" else []
            ahead += [each for each in found if each not in reached]

    assert sorted(set(PAGES) - reached) == []


# ── Commands and buttons ───────────────────────────────────────────────────────────────────────────────────────────


def test_every_command_on_telegram_is_explained():
    explained = set(re.findall(r"^\| `/([a-z]+)", page("docs/commands.md"), re.MULTILINE))

    assert sorted(COMMANDS ^ explained) == []


def test_every_command_of_the_menus_is_there():
    hats = ("member", "facilitator", "owner")

    assert [name for name, _ in menu(hats, Texts()) if name not in COMMANDS] == []


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_page_speaks_only_of_commands_that_are_there(path):
    spoken = set(re.findall(r"(?<![\w/.~>])[`*]?/([a-z]+)(?![\w./])", prose(path.read_text("utf-8"))))

    assert sorted(spoken - COMMANDS - NOT_COMMANDS) == []


NOT_COMMANDS = {"newbot", "data", "metrics", "healthz", "readyz", "idle"}  # BotFather's, a folder, pages of a server


def test_every_button_of_the_readme_is_on_a_phone():
    buttons = [label.lstrip("☐ ") for label in re.findall(r"\*\*\[(.+?)\]\*\*", page("README.md"))]

    assert buttons
    assert [label for label in buttons if f'"{label}"' not in CODE] == []


# ── The terminal ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_target_of_make_that_a_page_names_is_there():
    there = set(re.findall(r"^([a-z]+):", page("Makefile"), re.MULTILINE))
    said = set(chain.from_iterable(re.findall(r"\bmake ([a-z]+)\b", code) for code in _code_of_all_pages()))

    assert {"rehearse", "test", "run", "check"} <= said
    assert sorted(said - there) == []


def test_every_command_of_the_terminal_that_a_page_names_is_there_and_none_is_left_out():
    there = {command.name or command.callback.__name__.replace("_", "-") for command in cli.registered_commands}
    said = set(chain.from_iterable(re.findall(r"\bunderstory ([a-z-]+)\b", code) for code in _code_of_all_pages()))

    assert said == there


def _code_of_all_pages() -> list[str]:
    """What stands in backticks or in blocks of code."""
    texts = [path.read_text("utf-8") for path in PAGES]
    return [
        code for text in texts for code in (*named(text), *re.findall(r"```(?!mermaid)\w*\n(.*?)```", text, re.DOTALL))
    ]


# ── States ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def diagrams() -> dict[str, str]:
    """Each diagram of states.md by the name of the words it draws, the last one named before it."""
    found: dict[str, str] = {}
    for before, drawn in re.findall(r"(.*?)```mermaid\n(.*?)```", page("docs/states.md"), re.DOTALL):
        found[re.findall(r"`([A-Z][A-Za-z]+State)`", before)[-1]] = drawn
    return found


def arrows(drawn: str) -> set[tuple[str, str]]:
    """From where to where."""
    pairs = re.findall(r"^ *(\S+) --> (\w+|\[\*\])", drawn, re.MULTILINE)
    return {(begin.replace("_", "-"), end.replace("_", "-")) for begin, end in pairs}


def test_every_kind_of_state_is_drawn_once():
    assert sorted(diagrams()) == sorted(STATES)


@pytest.mark.parametrize("name", STATES)
def test_a_diagram_draws_exactly_the_states_there_are(name):
    drawn = diagrams()[name]
    aliases = re.findall(r'^ *state "[^"]+" as (\w+)', drawn, re.MULTILINE)
    shown = {state for pair in arrows(drawn) for state in pair} | {alias.replace("_", "-") for alias in aliases}

    assert sorted(shown - {"[*]"}) == sorted(STATES[name])


def test_deliveries_are_drawn_with_exactly_the_arrows_they_can_take():
    drawn = {pair for pair in arrows(diagrams()["DeliveryState"]) if "[*]" not in pair}

    assert drawn == {(begin.value, end.value) for begin, ends in ARROWS.items() for end in ends}


# ── Delivery and rehearsal ─────────────────────────────────────────────────────────────────────────────────────────


def test_the_number_of_copies_is_published_for_every_kind_that_may_have_more_than_one():
    table = [(cells[0], cells[2]) for cells in rows(page("docs/delivery.md")) if len(cells) == 3]
    published = {kind: int(most) for kinds, most in table if most.isdigit() for kind in named(kinds)}

    assert published == {kind: 1 + policy.resends for kind, policy in POLICIES.items()}


def test_every_fault_of_the_stage_is_explained():
    table = next(iter(re.findall(r"\| kind \| accepted.*", page("docs/rehearsal.md"), re.DOTALL)))

    assert sorted(set(get_args(Kind)) - named(table)) == []
