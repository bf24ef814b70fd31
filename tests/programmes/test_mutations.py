"""Whatever happens to a file on its way, it either reads or says where it cannot be read."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

import bot.programmes
from bot.window.lint import check

LIBRARY = Path(bot.programmes.__file__).with_name("library")
FILES = [path.read_text("utf-8") for path in sorted(LIBRARY.glob("*.yaml"))]
SNIPPETS = st.sampled_from(
    [
        *"[]{}:,-?&*!|>'\"%@`#\t\n \\",
        *("- ", ": ", "\n  ", "&a", "*a", "!!str", "---\n", "[" * 30, "\\u12"),
        *("\x00", "\x85", "\ufeff", "\ud800", "\u2028"),
        *("null", "~", "true", "9" * 30, "at: ", "after: rest", "opens: ", "id: rest\n", "{en: x}"),
    ]
)


@st.composite
def mutations(draw):
    """A library file with a few cuts, repeats and strange things in it."""
    text = draw(st.sampled_from(FILES))
    for _ in range(draw(st.integers(1, 4))):
        here = draw(st.integers(0, len(text)))
        there = min(len(text), here + draw(st.integers(0, 200)))
        match draw(st.sampled_from(["cut", "repeat", "put", "swap"])):
            case "cut":
                text = text[:here] + text[there:]
            case "repeat":
                text = text[:there] + text[here:there] + text[there:]
            case "put":
                text = text[:here] + draw(SNIPPETS) + text[here:]
            case "swap":
                text = text[:here] + text[here:there][::-1] + text[there:]
    return text


def _holds(source, text):
    """Read and look through a file: its problems have lines that exist, or it is a programme."""
    report = check(source, "changed.yaml")

    lines = len(text.splitlines()) + 1
    assert (report.programme is None) == bool(report.problems)
    assert all(1 <= remark.line <= lines and remark.column >= 1 for remark in (*report.problems, *report.warnings))
    assert all(remark.what and remark.remedy for remark in (*report.problems, *report.warnings))


@given(mutations())
def test_a_damaged_file_reads_or_says_where_it_does_not(text):
    _holds(text, text)


@given(st.sampled_from(FILES), st.data())
def test_a_file_cut_off_anywhere_reads_or_says_where_it_does_not(text, data):
    cut = data.draw(st.integers(0, len(text.encode())))

    _holds(text.encode()[:cut], text)


@given(st.text(max_size=300))
def test_any_text_reads_or_says_where_it_does_not(text):
    _holds(text, text)


@given(st.binary(max_size=300))
def test_any_bytes_read_or_say_where_they_do_not(content):
    _holds(content, content.decode("utf-8", "replace"))


@st.composite
def swapped_values(draw):
    """A library file in which the values of some lines changed places: still YAML, no longer the same meaning."""
    lines = draw(st.sampled_from(FILES)).splitlines()
    simple = [index for index, line in enumerate(lines) if ": " in line and not line.rstrip().endswith((">-", "|-"))]
    for _ in range(draw(st.integers(1, 6))):
        one, other = draw(st.sampled_from(simple)), draw(st.sampled_from(simple))
        key, _, _ = lines[one].partition(": ")
        _, _, value = lines[other].partition(": ")
        lines[one] = f"{key}: {value}"
    return "\n".join(lines)


@given(swapped_values())
def test_values_in_the_wrong_place_are_remarked_and_never_break(text):
    _holds(text, text)
