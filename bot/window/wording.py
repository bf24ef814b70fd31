"""Words an author may want to think about: claims, pressure, and words that tell others what this is about. Pure.

Lists of word beginnings in English and German; they only ever make a remark. Sources of the caution: claims need
proof, pressure keeps people from saying no, and a phone lies on tables.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from bot.programmes.schema import Programme, Step, Words


def _words(beginnings: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{'|'.join(beginnings.split())})", re.IGNORECASE)


_CLAIMS = _words(
    r"heal(?:s|ed|ing)?\b cur(?:e|es|ed|ing)\b rewir neuroplast neurogene detox guarantee proven\b miracle breakthrough"
    r" transform heil(?:e|en|t|st|ung|sam\w*)?\b geheilt kurier neu(?:ro)?verdraht verdraht garantier bewiesen erwiesen"
    r" entgift durchbruch"
)
_HEALTH = _words(
    r"ketamin esketamin spravato psilocybin mdma\b lsd\b ibogain ayahuasca psychedeli mushroom therap psychotherap"
    r" treatment clinic doses?\b dosage dosing medici medik drugs?\b patients\b depressi trauma diagnos symptom"
    r" disorder anxiety\b infusion behandlung klinik dosis\b dosier medizin drogen? arznei"
    r" patient(?:in|en)\b angststörung"
)
_PRESSURE = _words(
    r"you\smust\b you\shave\sto\b don't\sforget hurry last\schance streak only\s\d+\s(?:hours?|minutes?|days?)\sleft"
    r" your\spartner\shas\s(?:already\s)?answered (?:du\smusst|ihr\smüsst)\b(?!\s(?:noch\s)?nicht) vergiss\snicht"
    r" beeil letzte\schance nur\snoch\s\d+"
)
_MARKUP = re.compile(r"</?[a-z][^>]*>|\*\*|__", re.IGNORECASE)

_RULES = (
    (_CLAIMS, "sounds like a promise", "Say what to do, not what it will do."),
    (_HEALTH, "says what this is about", "Others may see the phone; choose a plainer word."),
    (_PRESSURE, "may feel like pressure", "Everything may be skipped; let the sentence allow it."),
    (_MARKUP, "is shown as it is written", "Texts are plain; leave the marks out."),
)


def about_words(words: Words) -> Iterator[tuple[str, str]]:
    """What is doubtful in one text, and a remedy; each kind of doubt once."""
    for pattern, what, remedy in _RULES:
        found = next((hit[0] for text in words.values() if (hit := pattern.search(text))), None)
        if found:
            yield f'"{found}" {what}.', remedy


def said_by(step: Step) -> Iterator[Words]:
    """Everything a step shows to people."""
    yield step.text
    for question in step.ask:
        yield question.text
        yield from question.ends or ()
        yield from (option.label for option in question.options)
    if step.then:
        yield step.then.text
        yield from (reply.label for reply in step.then.replies)
    if step.remind:
        yield step.remind.text


def said_by_all(programme: Programme) -> Iterator[Words]:
    """What a programme shows beside its steps: its title and the names of its phases."""
    yield programme.title
    for phase in programme.phases:
        yield phase.label
        yield from (stretch.label for stretch in phase.stretches)


def missing_languages(texts: Iterable[Words], languages: frozenset[str]) -> frozenset[str]:
    """The languages in which some of these texts cannot be read; a question may have no sentence of its own."""
    return frozenset(language for words in texts if words for language in languages - words.keys())
