from __future__ import annotations

from pathlib import Path

import pytest
from world import Ground, prepare

from bot.storage.keys import Keyring


@pytest.fixture(scope="session")
def ground(migrated_sqlite: Path, keys: Keyring, tmp_path_factory: pytest.TempPathFactory) -> Ground:
    """What every seed begins with."""
    return prepare(migrated_sqlite, tmp_path_factory.mktemp("ground") / "ground.db", keys)
