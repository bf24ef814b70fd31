"""Every setting is in the operator's table, with the value it has unless somebody sets it."""

from __future__ import annotations

from pathlib import Path

import pytest
from documents import named, page, rows

from bot.settings import Address, Settings

TABLE = {cells[0].strip("`"): cells[1].strip("`") for cells in rows(page("docs/operating.md")) if len(cells) == 3}
FIELDS = {name.upper(): field for name, field in Settings.model_fields.items()}


def written(value: object) -> str:
    """A default as an operator would write it; a dash for none."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Address):
        return f"{value.host}:{value.port}"
    if hasattr(value, "get_secret_value"):
        value = value.get_secret_value()
    return str(value) if isinstance(value, int | Path) else (value or "–")


def test_every_setting_is_explained_and_nothing_else_is():
    assert sorted(TABLE.keys() & {name for name in TABLE if name.isupper()}) == sorted(FIELDS)


@pytest.mark.parametrize("name", FIELDS)
def test_a_setting_is_explained_with_its_default(name):
    assert TABLE[name] == written(FIELDS[name].default)


def test_the_readme_leads_to_the_settings():
    assert "](docs/operating.md)" in page("README.md")


def test_what_compose_asks_for_is_explained():
    asked = {"BOT_TOKEN", "POSTGRES_PASSWORD", "ENCRYPTION_KEYS"}

    assert asked - named(page("docs/operating.md")) == set()
