"""People's words stay words: they never become markup, and names cannot pretend."""

from __future__ import annotations

import html
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.messages import LONGEST_NAME, Html, clean_name, escape, visible_length
from bot.rehearsal.autolinks import detect
from bot.texts import PSEUDO_LANGUAGE, Texts


@given(st.text(max_size=200))
def test_escaped_words_are_shown_exactly(words: str) -> None:
    assert html.unescape(escape(words)) == words


@given(st.text(max_size=200))
def test_what_is_counted_is_what_is_shown(words: str) -> None:
    assert visible_length(f"<b>{escape(words)}</b> and more") == len(words) + len(" and more")


@given(st.text(max_size=60))
def test_a_clean_name_has_no_invisible_letters_and_fits(words: str) -> None:
    name = clean_name(words)

    assert len(name) <= LONGEST_NAME
    assert name == name.strip()
    assert not any(unicodedata.category(c) in {"Cc", "Zl", "Zp"} for c in name)
    assert clean_name(name) == name


def test_a_name_keeps_its_accents_its_script_and_its_emoji_family() -> None:
    assert clean_name("  Zoë  ") == "Zoë"
    assert clean_name("אנה") == "אנה"
    assert clean_name("👨\u200d👩\u200d👧") == "👨\u200d👩\u200d👧"


def test_a_name_cannot_turn_the_text_around_or_hide() -> None:
    assert clean_name("Fay\u202e\u200b\u2066") == "Fay"


@pytest.mark.parametrize("name", ["t.me/evil", "@fay", "/leave", "#maple", "$AAPL", "https://evil.example", "a@b.de"])
def test_a_name_offers_nothing_to_tap_and_looks_the_same(name: str) -> None:
    shown = clean_name(name)

    assert detect(shown, []) == []
    assert unicodedata.normalize("NFKC", shown) == name


@pytest.mark.parametrize("name", ["J.R. Smith", "Anna/Bob", "Maple 2.0", "Ann & Bob", "O'Hara-Smith"])
def test_an_ordinary_name_stays_as_it_is(name: str) -> None:
    assert clean_name(name) == name


def test_escaping_twice_changes_nothing_that_is_safe_already() -> None:
    assert escape(Html("<b>x</b>")) == "<b>x</b>"


@given(st.text(max_size=50))
def test_a_fact_in_a_sentence_never_becomes_markup_or_another_place(fact: str) -> None:
    shown = Texts("en")("Hello {name}, and {name} again.", name=fact)

    assert html.unescape(shown) == f"Hello {fact}, and {fact} again."


def test_a_place_without_a_fact_stays_to_be_seen() -> None:
    assert Texts("en")("Hello {name}.", other="x") == "Hello {name}."


def test_the_pseudo_language_marks_every_sentence_and_keeps_its_places() -> None:
    assert Texts(PSEUDO_LANGUAGE)("Hello {name}.", name="Ann") == "⟦Hélló Ann.⟧"
