from __future__ import annotations

import pytest
from maple import Maple, Phone, found_maple

from bot.storage.database import Database


@pytest.fixture
async def maple(database: Database) -> Maple:
    return await found_maple(database)


@pytest.fixture
def fay(maple: Maple) -> Phone:
    return Phone(maple.database, 1001)


@pytest.fixture
def ann(maple: Maple) -> Phone:
    return Phone(maple.database, 1002)
