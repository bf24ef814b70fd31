"""From the seat links to the admission."""

from __future__ import annotations

from house import House


async def test_a_stranger_is_greeted_in_two_neutral_sentences(house: House) -> None:
    shown = await house.say("Ann", "/start")

    print(shown.words, shown.buttons)


async def test_fay_opens_a_cohort(house: House) -> None:
    shown = await house.say("Fay", "/start")
    print(shown.words, shown.buttons)
    shown = await house.say("Fay", "/newcohort couple Maple Ann Bob Europe/Berlin")
    print(shown.words, shown.buttons)
    raise AssertionError
