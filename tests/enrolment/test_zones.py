"""From what people type to a time zone."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.buttons import LONGEST_DATA, button
from bot.enrolment import zones


@pytest.mark.parametrize(
    ("typed", "zone"),
    [
        ("Berlin", "Europe/Berlin"),
        ("münchen", "Europe/Berlin"),
        ("MUENCHEN", "Europe/Berlin"),
        ("Munchen", "Europe/Berlin"),
        ("Мюнхен", "Europe/Berlin"),
        ("sao paulo", "America/Sao_Paulo"),
        ("Calcutta", "Asia/Kolkata"),
        ("new york", "America/New_York"),
        ("europe/lisbon", "Europe/Lisbon"),
        ("Europe Lisbon", "Europe/Lisbon"),
        ("ETC/gmt+5", "Etc/GMT+5"),
        ("utc", "UTC"),
        ("Portugalete", "Europe/Madrid"),
        ("Singapore", "Asia/Singapore"),
    ],
)
def test_one_place_is_found_whatever_its_case_and_accents(typed: str, zone: str) -> None:
    assert [place.zone for place in zones.find_places(typed)] == [zone]


def test_names_that_several_cities_share_are_all_offered_the_largest_first() -> None:
    assert [(place.name, place.country) for place in zones.find_places("London")] == [
        ("London", "GB"),
        ("London", "CA"),
    ]


def test_a_country_offers_one_zone_for_each_of_its_clocks() -> None:
    assert [place.zone for place in zones.find_places("Deutschland", "de")] == ["Europe/Berlin"]
    assert zones.likely_zones("en", "AU") == (
        "Australia/Sydney",
        "Australia/Brisbane",
        "Australia/Perth",
        "Australia/Adelaide",
        "Australia/Darwin",
        "America/New_York",
    )


def test_what_is_called_like_nothing_finds_nothing_and_has_neighbours() -> None:
    assert zones.find_places("Berln") == ()
    assert zones.nearest_places("Berln")[0].zone == "Europe/Berlin"
    assert zones.nearest_places("qqqqqqqq") == ()


@given(st.text(max_size=60))
def test_whatever_is_typed_leads_to_zones_that_exist(typed: str) -> None:
    found = zones.find_places(typed)

    assert len(found) <= zones.MOST_MATCHES
    assert all(ZoneInfo(place.zone).key == place.zone for place in found)


def test_every_zone_fits_a_button_beside_the_row_it_is_for() -> None:
    from uuid import uuid4

    longest = max(zones._zones_by_name().values(), key=len)

    assert len(button("x", "zone-in", uuid4(), longest.replace("/", ".")).data or "") <= LONGEST_DATA


@pytest.mark.parametrize(
    ("typed", "countries"),
    [("de", ("DE",)), ("germany", ("DE",)), ("Deutschland", ("DE",)), ("österr", ("AT",)), ("nowhere", ()), ("", ())],
)
def test_a_country_is_found_by_its_code_and_by_its_name_in_two_languages(
    typed: str, countries: tuple[str, ...]
) -> None:
    assert zones.find_countries(typed, ["de"]) == countries


def test_likely_zones_begin_with_ones_own_country_and_leave_out_what_was_denied() -> None:
    likely = zones.likely_zones("de", "PT", but=["Europe/Berlin"])

    assert likely[0] == "Europe/Lisbon"
    assert "Europe/Berlin" not in likely
