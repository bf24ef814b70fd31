"""The whole bot over HTTP against the stage: real handlers, real database, a clock that steps."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from house import House, run_house

SATURDAY_MORNING = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)


@pytest.fixture
async def house(database_url: str) -> AsyncIterator[House]:
    """A stage with Fay, Ann and Bob on it, and the bot running against it; Fay is its owner."""
    async with run_house(database_url, start=SATURDAY_MORNING) as running:
        yield running
