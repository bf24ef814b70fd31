"""The stage and the bot must not share mistakes: the stage knows no library for bots and nothing of the bot."""

from __future__ import annotations

import subprocess
import sys


def test_the_stage_and_its_api_load_nothing_of_the_bot():
    code = "import sys, bot.rehearsal.api; print(*sorted(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()

    strangers = {name.split(".")[0] for name in loaded} & {"telegram", "sqlalchemy", "aiogram", "aiohttp", "handlers"}
    ours = {name for name in loaded if name.startswith("bot.") and not name.startswith("bot.rehearsal")}
    assert (strangers, ours) == (set(), set())
