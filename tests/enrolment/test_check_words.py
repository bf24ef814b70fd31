"""The two words that are said aloud."""

from __future__ import annotations

from uuid import uuid4

from bot.enrolment.check_words import WORDS, check_words
from bot.storage.keys import Keyring, new_key, read_keys


def test_every_language_names_the_same_256_things() -> None:
    assert {language: len(set(words)) for language, words in WORDS.items()} == dict.fromkeys(WORDS, 256)
    assert all(word.isalpha() for words in WORDS.values() for word in words)


def test_both_sides_read_the_same_two_different_words(keys: Keyring) -> None:
    for member in (uuid4() for _ in range(300)):
        first, second = check_words(keys, member, "en").split()

        assert first != second
        assert check_words(keys, member, "en") == f"{first} {second}"


def test_the_words_are_the_same_things_in_another_language(keys: Keyring) -> None:
    member = uuid4()
    english, german = check_words(keys, member, "en").split(), check_words(keys, member, "de").split()

    assert [WORDS["en"].index(word) for word in english] == [WORDS["de"].index(word) for word in german]


def test_nobody_can_tell_them_without_the_keys(keys: Keyring) -> None:
    members = [uuid4() for _ in range(20)]
    other = read_keys(new_key())

    assert [check_words(keys, one, "en") for one in members] != [check_words(other, one, "en") for one in members]


def test_a_language_without_a_list_reads_english(keys: Keyring) -> None:
    member = uuid4()

    assert check_words(keys, member, "qps") == check_words(keys, member, "en")
