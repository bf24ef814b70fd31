"""Polite noes.

``Refused`` is what a rule or an action raises when somebody asks for something that cannot be; it has a name and the
facts its sentence needs, never a sentence: those are in ``handlers/errors.py``, one for every name, in every language.
``Wrong`` is for the operator and the author of a file: it carries every problem at once.

    Refused ── one class per polite no; defined in the room that says it
    Wrong   ── settings, programme files, databases: problems with remedies, exit code 2
"""

from __future__ import annotations

from typing import Any


class Refused(Exception):  # noqa: N818 - it is a polite no, not an error
    """A polite no. Keyword facts fill the sentence that the handler says for it."""

    def __init__(self, **facts: Any) -> None:
        super().__init__(type(self).__name__)  # never the facts: they may be people's words
        self.facts = facts


class Wrong(Exception):  # noqa: N818 - it lists what is wrong
    """What an operator or author has to mend, all of it at once."""

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems
