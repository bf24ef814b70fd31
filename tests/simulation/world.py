"""One seed played to its end: lives of the bot one after the other, in a world that goes on between them."""

from __future__ import annotations

import asyncio
import logging
import random
import shutil
import sqlite3
from contextlib import closing
from contextvars import ContextVar, copy_context
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from delivery.postbox import TOKEN, add_cohort, add_person
from faulty_telegram import HttpCall, Telegram, Wire
from orders import Order, Places, Plan, PlanMoment, Stumble, note, stopped
from seeds import Doom, Story, tell
from sim_books import HISTORY, Ledger
from sqlalchemy.ext.asyncio import AsyncEngine
from telegram import Bot as TelegramBot
from virtual import InlineConnection, Killed, VirtualLoop, WallClock, engine_for, governed_by, open_raw

from bot.app import Bot, serve
from bot.delivery.bell import Bell
from bot.delivery.calls import Call, Method
from bot.delivery.governor import Governor, Limits
from bot.delivery.leadership import RENEW, Leadership
from bot.delivery.outcomes import ONCE
from bot.delivery.post import PostOffice
from bot.delivery.sorting import Ties
from bot.delivery.telegram import Carrier
from bot.delivery.turnstile import Turnstile
from bot.heart import Heart
from bot.intake.arrival import arrival
from bot.intake.inbox import Inbox
from bot.messages import Message
from bot.storage.database import Database, Transaction, open_database
from bot.storage.keys import Keyring
from bot.storage.tables import Chat, Delivery, Moment
from bot.texts import Texts

POLICIES = {"opening": ONCE}
A_MOMENT = 0.2  # seconds
NEVER_QUIET = 1500.0  # seconds after the last fault; whatever is not done by then never will be
LIFE: ContextVar[Life] = ContextVar("life")


@dataclass(frozen=True)
class Ground:
    """What all seeds share: a migrated database with people in it, its keys, and one engine with what it compiled."""

    file: Path
    keys: Keyring
    places: Places
    engine: AsyncEngine


def prepare(migrated: Path, file: Path, keys: Keyring) -> Ground:
    """The ground of every seed, with the same ids in every run."""
    shutil.copyfile(migrated, file)
    loop = VirtualLoop()
    with closing(loop), governed_by(loop, 0):
        return asyncio.run(lay_ground(file, keys))


async def lay_ground(file: Path, keys: Keyring) -> Ground:
    """Two couples and a group in a migrated database."""
    database = open_database(f"sqlite:///{file}", keys)
    async with database.transaction() as tx:
        cohorts = [await add_cohort(tx, name) for name in ("Maple", "Birch", "Circle")]
        numbers = (1001, 1002, 1003, 1004, -2001)
        chats = [await add_person(tx, number) for number in numbers[:4]]
        group = Chat(telegram_id=numbers[4])
        tx.add(group)
        await tx.flush()
        places = Places((*chats, group.id), numbers, tuple(cohorts))
    async with database.engine.begin() as connection:
        for statement in HISTORY:
            await connection.exec_driver_sql(statement)
    await database.forget_erased_pages()
    await database.close()

    async def connect() -> InlineConnection:
        life = LIFE.get(None)
        return life.connect() if life else InlineConnection(sqlite3.connect(file), _at_once)

    engine = engine_for(connect)
    async with engine.connect():  # the first connection asks what no later one does
        pass
    await engine.dispose()
    return Ground(file, keys, places, engine)


class World:
    """Telegram, the wall clock, the file on the disk, and whoever starts the bot again."""

    def __init__(self, seed: int, ground: Ground, folder: Path, loop: VirtualLoop, story: Story | None) -> None:
        self.loop = loop
        self.ground = ground
        self.file = folder / f"{seed}-{len(list(folder.iterdir()))}.db"
        shutil.copyfile(ground.file, self.file)
        self.wall = WallClock(loop)
        self.story = story or tell(seed, self._arrived)
        self.dice = random.Random(f"faults {seed}")
        self.telegram = Telegram(loop, random.Random(f"telegram {seed}"), self._fate)
        self.limits = Limits(whole=self.story.rate)
        if self.story.calm:  # nobody has to wait for their chat
            self.limits = replace(self.limits, private=(1000, 1.0), group=(1000, 1.0))
        self.ledger = Ledger(loop, self.wall, self.file, self.limits, self.story.in_flight, POLICIES)
        self.telegram.when_leaving = self.ledger.departs
        self.telegram.when_ended = self.ledger.ended
        self.begins = loop.time()
        self.calm_at = self.begins + self.story.ends
        self.telegram.fetching = lambda: self.loop.time() < self.calm_at and self.dice.random() < self.story.fault
        self.life: Life | None = None
        self._trips_until_away = 0
        self.trace: list[tuple[Any, ...]] = []
        self.orders: dict[int, Order] = {}
        self.said: dict[int, int] = {}
        self.opened_by: dict[str, PlanMoment] = {
            order.key: order for _, _, order in self.story.said if isinstance(order, PlanMoment)
        }

    # What happens by itself

    def _set_the_stage(self) -> None:
        for at, chat, order in self.story.said:
            self.loop.call_at(self.begins + at, self._say, chat, order)
        for at, seconds in self.story.steps:
            self.loop.call_at(self.begins + at, self._step, seconds)

        if self.story.away_at is not None:
            at, trips = self.story.away_at
            self.loop.call_at(self.begins + at, self._count_trips, trips)

    def _count_trips(self, trips: int) -> None:
        self._trips_until_away = trips

    def goes_away(self) -> bool:
        """Whether the database is away from this trip on, for a moment."""
        self._trips_until_away -= 1
        if self._trips_until_away == 0:
            begins = self.loop.time() - self.begins
            self.story.outages.append((begins, A_MOMENT))
        return self._trips_until_away == 0

    def _say(self, chat: int, order: Order) -> None:
        person = abs(self.ground.places.telegram_ids[chat])
        number = len(self.orders) + 1
        who = {"id": person, "is_bot": False, "first_name": "Somebody"}
        where = {"id": person, "type": "private"}
        message = {"message_id": number, "date": 0, "text": str(number), "from": who, "chat": where}
        update_id = self.telegram.report({"message": message})
        self.orders[update_id] = order
        self.said[update_id] = person

    def _step(self, seconds: float) -> None:
        self.wall.step(seconds)
        self.ledger.stepped()

    def _fate(self, call: HttpCall) -> str | None:
        if self.loop.time() >= self.calm_at or self.dice.random() >= self.story.fault:
            return None
        fate = self.dice.choice(self.story.fates)
        if fate == "moved" and (call.chat or 0) >= 0:
            return None
        if fate == "403" and not call.method.startswith("send"):
            return None
        return fate

    def _arrived(self, chat: int) -> tuple[str, int] | None:
        there = self.ground.places.telegram_ids[chat]
        found = [(text, number) for (where, number), text in self.telegram.messages.items() if where == there]
        found = [one for one in found if len(one[0]) == 32]
        return found[-1] if found else None

    def away(self) -> bool:
        at = self.loop.time() - self.begins
        return any(begins <= at < begins + lasts for begins, lasts in self.story.outages)

    # Lives

    async def play(self) -> None:
        self._set_the_stage()
        dooms = list(self.story.dooms)
        number = 0
        while True:
            number += 1
            doom = dooms.pop(0) if dooms else None
            life = self.life = Life(self, number, doom)
            life.begin()
            if doom is None:
                break
            await life.over.wait()
            await life.buried()
            await asyncio.sleep(doom.down)
        await self._quiet()
        begun = self.loop.time()
        life.stopping.set()
        await life.over.wait()
        if self.loop.time() - begun > 5:
            self.ledger.complain(f"with nothing to do it took {self.loop.time() - begun:.0f} s to stop")
        await life.buried()
        self._check()

    async def _quiet(self) -> None:
        await asyncio.sleep(max(0.0, self.calm_at - self.loop.time()))
        while not self._at_rest():
            if self.loop.time() > self.calm_at + NEVER_QUIET:
                self.ledger.complain("it never came to rest")
                return
            await asyncio.sleep(10)

    def _at_rest(self) -> bool:
        return self.ledger.at_rest(len(self.said)) and not self.ledger.out

    def _check(self) -> None:
        self.ledger.close_books()
        hopeless = {update for update, order in self.orders.items() if isinstance(order, Stumble) and order.hopeless}
        self.ledger.inbox(self.said, hopeless)
        if self.story.calm:
            self.ledger.together()

    @property
    def complaints(self) -> list[str]:
        return self.ledger.complaints

    def close(self) -> None:
        """Keep what could be seen from outside and what was written down; the file is not needed any more."""
        self.trace = [call.says for call in self.telegram.calls] + self.ledger.history()
        self.ledger.raw.close()


class Life:
    """The bot from its start until it is stopped or killed."""

    def __init__(self, world: World, number: int, doom: Doom | None) -> None:
        self.world = world
        self.number = number
        self.doom = doom
        self.dead = False
        self.over = asyncio.Event()
        self.stopping = asyncio.Event()
        self.tasks: list[asyncio.Task[Any]] = []
        self._trips_left: int | None = None
        self._connection: InlineConnection | None = None
        self.database = Database(world.ground.engine, world.ground.keys)

    def begin(self) -> None:
        self.world.ground.engine.sync_engine.dispose(close=False)
        context = copy_context()
        context.run(LIFE.set, self)
        task = asyncio.create_task(self._live(), context=context)
        self.tasks.append(task)
        task.add_done_callback(lambda _: self.over.set())
        if self.doom is not None:
            at = max(self.world.loop.time() + 0.01, self.world.begins + self.doom.at)
            self.world.loop.call_at(at, self._doomed, self.doom)

    def _doomed(self, doom: Doom) -> None:
        match doom.how:
            case "stop":
                self.stopping.set()
            case "second":
                self.kill()
            case _:
                self._trips_left = doom.trips
                self.world.loop.call_later(30, self.kill)  # it may have nothing to do any more

    async def _live(self) -> None:
        world = self.world
        bot = TelegramBot(TOKEN, request=Wire(world.telegram, self), get_updates_request=Wire(world.telegram, self))
        turnstile = Turnstile(Governor(world.limits), in_flight=world.story.in_flight)
        carrier = Carrier(bot, turnstile)
        bell = Bell()
        inbox = Inbox(self.database, world.wall, bell, partial(self._handle, carrier, bell))
        leadership = Leadership(self.database, pause=_seldom)
        ties = Ties(
            composers=_Anything(),
            actions={"opening": self._open},
            recheck=stopped,
            policies=POLICIES,
        )
        post = PostOffice(
            self.database,
            carrier,
            world.wall,
            bell,
            ties,
            owner=leadership.holder,
            term=lambda: leadership.term,
            trusted=leadership.trusted,
            handled=inbox.handled,
        )
        runtime: Any = SimpleNamespace(settings=_SETTINGS, carrier=carrier, database=self.database, clock=world.wall)
        nothing: Any = None
        await serve(Bot(runtime, nothing, inbox, post, leadership, Heart()), self.stopping)

    # What the rooms do

    async def _handle(self, carrier: Carrier, bell: Bell, update: dict[str, Any]) -> None:
        order = self.world.orders[update["update_id"]]
        async with self.database.transaction() as tx:
            now = self.world.wall.read()
            await order.do(tx, self.world.ground.places, now)
            await note(tx, "handled", str(update["update_id"]))
            await arrival.get().mark_handled(tx, now=now)
            tx.after_commit(bell.ring)
        if self.world.dice.random() < 0.3:
            await carrier.do(Call(Method.SEND, update["message"]["from"]["id"], Message("heard")))

    async def _open(self, tx: Transaction, moment: Moment, *, now: Any) -> None:
        await note(tx, "moment", moment.key)
        letters = self.world.opened_by[moment.key].letters
        await Plan(tuple(replace(letter, due_at=now) for letter in letters)).do(tx, self.world.ground.places, now)

    # What befalls it

    def alive(self) -> None:
        if self.dead:
            raise Killed

    def connect(self) -> InlineConnection:
        self.alive()
        self._connection = InlineConnection(open_raw(self.world.file, self.world.wall), self._trip)
        return self._connection

    async def _trip(self, fn: Any, *args: Any, **more: Any) -> Any:
        self.alive()
        world = self.world
        if len(args) > 1 and args[1] == "PRAGMA synchronous=FULL":  # no power is cut here
            args = (args[0], "PRAGMA synchronous=OFF", *args[2:])
        commits = fn.__name__ == "commit"
        if commits:
            await asyncio.sleep(world.dice.uniform(0, world.story.disk) if world.story.disk else 0)
        elif world.dice.random() < 0.3:
            await asyncio.sleep(0)
        self.alive()
        if self._trips_left is not None:
            self._trips_left -= 1
            if self._trips_left <= 0:
                if world.dice.random() < 0.5:
                    fn(*args, **more)
                self.kill()
                raise Killed
        now_away = world.goes_away()
        if fn.__name__ != "rollback" and world.away():
            if commits and (now_away or world.dice.random() < 0.5):
                fn(*args, **more)  # it is written, and nobody learns of it
            raise _away()
        return fn(*args, **more)

    def kill(self) -> None:
        """As kill -9 does: from this instant nothing of it reaches the database or the wire."""
        if self.dead or self.over.is_set():
            return
        self.dead = True
        if self._connection is not None:
            self._connection.stop()
        self.database.transaction = self.database.connection = _die  # type: ignore[method-assign,assignment]
        self.over.set()

    async def buried(self) -> None:
        """Nothing of it stirs any more."""
        if not self.dead and self._connection is not None:
            self._connection.stop()
        self.dead = True
        for _ in range(100):
            stirring = [task for task in self.tasks if not task.done()]
            if not stirring:
                break
            for task in stirring:
                task.cancel()
            await asyncio.sleep(0)
        else:
            raise AssertionError(f"undead: {stirring}")
        self.world.ledger.died()


class _Anything(dict[str, Any]):
    def __missing__(self, kind: str) -> Any:
        return _name_itself


async def _name_itself(tx: Transaction, row: Delivery, texts: Texts, *, now: Any) -> Message:
    return Message(row.id.hex)


async def _seldom(seconds: float) -> None:
    """With SQLite nobody competes for the lease: whoever has it need not look so often."""
    await asyncio.sleep(seconds * 1000 if seconds >= RENEW else seconds)


async def _at_once(fn: Any, *args: Any, **more: Any) -> Any:
    return fn(*args, **more)


def _die() -> Any:
    raise Killed


def _away() -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = sqlite3.SQLITE_IOERR
    return error


_SETTINGS = SimpleNamespace(webhook_url=None, webhook_secret=None, metrics_listen=None)


class _Listener(logging.Handler):
    """Complains of what stumbles: an error that nobody has foreseen."""

    def __init__(self, world: World) -> None:
        super().__init__(logging.ERROR)
        self._world = world

    def emit(self, record: logging.LogRecord) -> None:
        life = LIFE.get(None)
        error = record.exc_info[1] if record.exc_info else None
        if (life is not None and life.dead) or isinstance(error, Killed):
            return
        if record.name == "bot.storage.outage":  # an outage that is said is foreseen
            return
        if "as the seed wants it" in str(error) or self._world.away():
            return
        self._world.ledger.complain(f"{record.getMessage()} ({type(error).__name__}: {error})")


def play(seed: int, ground: Ground, folder: Path, story: Story | None = None) -> World:
    """A seed, or a story of one's own, from its beginning to its end; the world keeps the complaints and the trace."""
    loop = VirtualLoop()
    loop.set_task_factory(_remembering)
    loop.set_exception_handler(_quietly)
    log = logging.getLogger("bot")
    with asyncio.Runner(loop_factory=lambda: loop) as runner, governed_by(loop, seed):
        asyncio.set_event_loop(runner.get_loop())
        world = World(seed, ground, folder, loop, story)
        listener = _Listener(world)
        before = log.propagate, log.level
        log.addHandler(listener)
        log.propagate = False
        log.setLevel(logging.ERROR)
        try:
            runner.run(world.play())
        except AssertionError as wrong:
            world.ledger.complain(str(wrong))
            if world.life is not None:
                world.life.kill()
        finally:
            log.removeHandler(listener)
            log.propagate = before[0]
            log.setLevel(before[1])
            world.close()
    return world


def _remembering(loop: asyncio.AbstractEventLoop, coroutine: Any, **more: Any) -> asyncio.Task[Any]:
    task: asyncio.Task[Any] = asyncio.Task(coroutine, loop=loop, **more)
    life = LIFE.get(None)
    if life is not None:
        life.tasks.append(task)
    return task


def _quietly(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """A killed process says nothing."""
