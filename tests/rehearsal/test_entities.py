"""HTML as Telegram reads it; sentences and offsets as github.com/tdlib/td gives them."""

from __future__ import annotations

import html

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.rehearsal.entities import read_text, tidy, utf16_slice
from bot.rehearsal.markup import parse_html
from bot.rehearsal.refusals import Refusal


def entity(kind, offset, length, **more):
    return {"type": kind, "offset": offset, "length": length, **more}


@pytest.mark.parametrize(
    ("source", "text", "entities"),
    [
        ("plain", "plain", []),
        ("<b>bold</b>", "bold", [entity("bold", 0, 4)]),
        ("<strong>a</strong><em>b</em>", "ab", [entity("bold", 0, 1), entity("italic", 1, 1)]),
        ("<u>a</u><ins>b</ins>", "ab", [entity("underline", 0, 1), entity("underline", 1, 1)]),
        ("<s>a</s><del>b</del>", "ab", [entity("strikethrough", 0, 1), entity("strikethrough", 1, 1)]),
        ("<b>a<i>b</i></b>", "ab", [entity("bold", 0, 2), entity("italic", 1, 1)]),
        ("🌿<b>x</b>", "🌿x", [entity("bold", 2, 1)]),
        ("<tg-spoiler>x</tg-spoiler>", "x", [entity("spoiler", 0, 1)]),
        ('<span class="tg-spoiler">x</span>', "x", [entity("spoiler", 0, 1)]),
        ("<blockquote>x</blockquote>", "x", [entity("blockquote", 0, 1)]),
        ("<blockquote expandable>x</blockquote>", "x", [entity("expandable_blockquote", 0, 1)]),
        ("<code>x</code>", "x", [entity("code", 0, 1)]),
        ("<pre>x</pre>", "x", [entity("pre", 0, 1)]),
        (
            '<pre><code class="language-yaml">a: 1</code></pre>',
            "a: 1",
            [entity("pre", 0, 4, language="yaml")],
        ),
        ('<a href="https://t.me/x">y</a>', "y", [entity("text_link", 0, 1, url="https://t.me/x")]),
        ('<a href="example.org">y</a>', "y", [entity("text_link", 0, 1, url="http://example.org/")]),
        ('<a href="nowhere">y</a>', "y", []),
        ('<a href="tg://user?id=7">y</a>', "y", [entity("text_mention", 0, 1, user_id=7)]),
        ('<tg-emoji emoji-id="5">🙂</tg-emoji>', "🙂", [entity("custom_emoji", 0, 2, custom_emoji_id="5")]),
        (
            '<tg-time unix="1795874400" format="wDT">Sat 14:00</tg-time>',
            "Sat 14:00",
            [entity("date_time", 0, 9, unix_time=1795874400, date_time_format="wDT")],
        ),
        ("<tg-time unix='1'>x</tg-time>", "x", [entity("date_time", 0, 1, unix_time=1)]),
        ("&lt;b&gt; &amp; &quot;&#65;&#x42;", '<b> & "AB', []),
        ("a & b &nbsp; &copy;", "a & b &nbsp; &copy;", []),
        ("<B>x</b>", "x", [entity("bold", 0, 1)]),
        ("<b>x</>", "x", [entity("bold", 0, 1)]),
        ("<b></b>x", "x", []),
    ],
)
def test_html_becomes_text_and_entities(source, text, entities):
    assert parse_html(source) == (text, entities)


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("<br>", 'Unsupported start tag "br" at byte offset 0'),
        ("a < b", 'Unsupported start tag "" at byte offset 2'),
        ("a < b>", 'Unsupported start tag "" at byte offset 2'),
        ("x <b", "Unclosed start tag at byte offset 2"),
        ("🌿<i", "Unclosed start tag at byte offset 4"),
        ("<a href", 'Unclosed start tag "a" at byte offset 0'),
        ('<a href="x"', "Unclosed start tag at byte offset 0"),
        ('<a ="x">y</a>', 'Empty attribute name in the tag "a" at byte offset 0'),
        ("<i  aba>", 'Expected equal sign in declaration of an attribute of the tag "i" at byte offset 0'),
        ("<a href=x/>y</a>", "Unexpected end of name token at byte offset 8"),
        ("<span>x</span>", 'Tag "span" must have class "tg-spoiler" at byte offset 0'),
        ("x</b>", "Unexpected end tag at byte offset 1"),
        ("<b>x</b", "Unclosed end tag at byte offset 4"),
        ("<b>x</i>", 'Unmatched end tag at byte offset 4, expected "</b>", found "</i>"'),
        ("<b>x", 'Can\'t find end tag corresponding to start tag "b"'),
        ('<tg-emoji emoji-id="x">y</tg-emoji>', "Invalid custom emoji identifier specified"),
        (
            "&#57311;",
            "Text contains invalid Unicode characters after decoding HTML entities, check for unmatched surrogate code units",
        ),
    ],
)
def test_wrong_html_is_refused_in_telegrams_words(source, sentence):
    with pytest.raises(Refusal) as refusal:
        parse_html(source)

    assert refusal.value.description == f"Bad Request: can't parse entities: {sentence}"


@pytest.mark.parametrize(
    ("text", "entities"),
    [
        ("/start abc", [entity("bot_command", 0, 6)]),
        ("/start@understory_bot", [entity("bot_command", 0, 21)]),
        ("either/or", []),
        ("write @fay_holds", [entity("mention", 6, 10)]),
        ("ann@example.org", [entity("email", 0, 15)]),
        ("see https://t.me/x?start=1.", [entity("url", 4, 22)]),
        ("(t.me/x)", [entity("url", 1, 6)]),
        ("#maple 🌿 #2", [entity("hashtag", 0, 6)]),
        ("$EUR", [entity("cashtag", 0, 4)]),
        ("at 14.30 and 3.5", []),
        ("🌿 /next", [entity("bot_command", 3, 5)]),
    ],
)
def test_commands_and_links_are_found_without_being_marked(text, entities):
    assert tidy(text, []) == (text, entities)


def test_nothing_is_found_inside_code_and_links():
    text, entities = read_text('<code>/start</code> <a href="t.me/x">@fay_holds</a> <b>/next</b>', "HTML", None)

    assert text == "/start @fay_holds /next"
    assert [each["type"] for each in entities] == ["code", "text_link", "bold", "bot_command"]


def test_white_space_around_a_text_is_dropped_and_offsets_follow():
    text, entities = read_text("\n  hello <b>you</b> \n", "HTML", None)

    assert (text, entities) == ("hello you", [entity("bold", 6, 3)])


def test_an_entity_of_nothing_but_space_is_dropped():
    assert read_text("a<b> </b>b", "HTML", None) == ("a b", [])


def test_control_characters_become_spaces_and_direction_marks_vanish():
    assert read_text("a\x07b\u202ec\r\nd", "", None) == ("a bc\nd", [])


def test_explicit_entities_are_kept_and_those_beyond_the_text_refused():
    given_entities = [entity("bold", 0, 2)]

    assert read_text("ab", "", given_entities) == ("ab", given_entities)
    with pytest.raises(Refusal, match="beyond the text"):
        read_text("ab", "", [entity("bold", 1, 2)])
    with pytest.raises(Refusal, match="unsupported type"):
        read_text("ab", "", [entity("shouting", 0, 1)])


def test_only_html_is_spoken():
    with pytest.raises(Refusal, match="unsupported parse_mode"):
        read_text("*a*", "MarkdownV2", None)


def test_more_than_a_hundred_entities_are_cut():
    _, entities = read_text("<b>a</b> " * 101, "HTML", None)

    assert len(entities) == 100


@given(st.text())
def test_escaped_text_reads_as_itself(text):
    said, entities = parse_html(html.escape(text, quote=False))

    assert (said, entities) == (text, [])


@given(st.text(), st.text(min_size=1), st.text())
def test_an_entity_covers_exactly_the_marked_words(before, words, after):
    source = f"{html.escape(before)}<b>{html.escape(words)}</b>{html.escape(after)}".replace("&#x27;", "'")

    text, entities = parse_html(source)

    assert text == before + words + after
    assert utf16_slice(text, entities[0]["offset"], entities[0]["length"]) == words
