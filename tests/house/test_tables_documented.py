"""Whatever the bot keeps is said: every table somewhere, every sealed value to those whose words it holds."""

from __future__ import annotations

from documents import named, page

from bot.storage.columns import Sealed
from bot.storage.tables import Base

TABLES = Base.metadata.tables


def test_every_table_is_explained():
    told = named(page("docs/states.md")) | named(page("docs/privacy.md"))

    assert sorted(TABLES.keys() - told) == []


def test_every_sealed_value_is_named_to_members():
    sealed = {str(column) for table in TABLES.values() for column in table.columns if isinstance(column.type, Sealed)}

    told = {name for name in named(page("docs/privacy.md")) if name.partition(".")[0] in TABLES}
    assert told == sealed
