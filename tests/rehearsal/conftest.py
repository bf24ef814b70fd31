from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from aiogram import Bot as AiogramBot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from rehearsal import oracle

from bot.rehearsal.api import Api
from bot.rehearsal.clock import StageClock
from bot.rehearsal.server import serve
from bot.rehearsal.stage import Stage

START = datetime(2026, 11, 28, 14, 0, tzinfo=UTC)


class Caller:
    """Calls the Bot API of the stage without HTTP, as its only bot."""

    def __init__(self, stage: Stage):
        self.api = Api(stage)
        self.bot = stage.bot_named()

    def __call__(self, method: str, **params: Any) -> Any:
        """The result, or the refusal as "code: description"."""
        answer = self.api.answer(self.bot, self.api.method(method), params)
        if answer.body["ok"]:
            return answer.body["result"]
        return f"{answer.code}: {answer.body['description']}"

    def full(self, method: str, **params: Any) -> dict[str, Any]:
        return self.api.answer(self.bot, self.api.method(method), params).body

    def updates(self, **params: Any) -> list[dict[str, Any]]:
        return self("getUpdates", **params)


@pytest.fixture
def clock():
    return StageClock(START)


@pytest.fixture
def stage(clock):
    stage = Stage(clock)
    stage.bot("understory_bot")
    for name in ("Ann", "Bob", "Fay"):
        stage.person(name)
    oracle.watch(stage)
    return stage


@pytest.fixture
def bot(stage):
    return stage.bot_named()


@pytest.fixture
def call(stage):
    return Caller(stage)


@pytest.fixture
def ann(stage):
    """Ann's phone, after she has started the bot and the bot has read that."""
    phone = stage.phone("Ann")
    phone.start()
    stage.bot_named().updates.drop()
    return phone


@pytest.fixture
async def served(stage, clock):
    async with serve(stage, clock, webhook_retry=0.01) as served:
        yield served


@pytest.fixture
async def client(served, bot):
    session = AiohttpSession(api=TelegramAPIServer.from_base(served.url))
    async with AiogramBot(bot.token, session=session) as client:
        yield client
