"""Health and metrics for the operator: numbers, never names.

``/healthz`` says no when a loop of this process has not gone round for too long: then starting it again helps.
``/readyz`` says yes when the database answers, has the schema of this version, and it is known who leads. ``/metrics``
is for Prometheus; what is in the database is counted by ``refresh``, so that reading the page costs the database
nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import datetime
from importlib.metadata import version

from aiohttp import web
from prometheus_client import CollectorRegistry, Gauge, Info, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from sqlalchemy import Select, bindparam, func, or_, select, text

from bot.clock import Clock, monotonic
from bot.delivery.leadership import Leadership
from bot.delivery.realtime import real_now
from bot.delivery.telegram import Carrier, Method
from bot.heart import Heart
from bot.storage.columns import UtcDateTime
from bot.storage.database import Database, Transaction
from bot.storage.schema import newest_revision, present_revision
from bot.storage.tables import Alert, Chat, Delivery, InboxUpdate, Moment
from bot.words import AlertState, DeliveryState, OutcomeKind

_PATIENCE = 3.0  # seconds for the database to answer

# Written out, because a partial index only serves a condition that repeats its own.
_PLANNED = text("delivery.state = 'planned'")
_IN_HAND = text("delivery.lease_until IS NOT NULL")
_MOMENT_WAITS = text("moment.state = 'waiting'")
_MOMENT_FAILED = text("moment.state = 'failed'")
_UPDATE_WAITS = text("inbox.state = 'waiting'")
_UPDATE_ASIDE = text("inbox.state = 'quarantined'")


@dataclass(frozen=True)
class Pulse:
    """How the house is, in numbers. What is overdue or oldest is in seconds, 0 if there is none."""

    deliveries_waiting: int
    deliveries_in_hand: int
    delivery_overdue: float
    moment_overdue: float
    moments_failed: int
    inbox_waiting: int
    inbox_oldest: float
    inbox_quarantined: int
    chats_paused: int
    alerts_open: int

    @property
    def late(self) -> float:
        """How many seconds the oldest thing that is due has waited."""
        return max(self.delivery_overdue, self.moment_overdue)


_GAUGES = {
    "deliveries_waiting": ("deliveries_waiting", "Deliveries that wait for their hour or their turn."),
    "deliveries_in_hand": ("deliveries_in_hand", "Deliveries that were claimed and have no result yet."),
    "delivery_overdue": ("delivery_overdue_seconds", "How long the oldest delivery that is due has not been sent."),
    "moment_overdue": ("moment_overdue_seconds", "How long the oldest decision that is due has not been carried out."),
    "moments_failed": ("moments_failed", "Decisions that could not be carried out and were given up."),
    "inbox_waiting": ("inbox_waiting", "Updates from Telegram that are stored and not yet handled."),
    "inbox_oldest": ("inbox_oldest_seconds", "How long the oldest of these has waited."),
    "inbox_quarantined": ("inbox_quarantined", "Updates that failed three times and were set aside."),
    "chats_paused": ("chats_paused", "Chats that rest because Telegram asked for it or could not be reached."),
    "alerts_open": ("alerts_open", "Alerts that nobody has acknowledged."),
}


async def take_pulse(tx: Transaction, *, now: datetime) -> Pulse:
    """Count what waits, what is on its way, and what went wrong; one question, and each part has its index."""
    row = (await tx.execute(_EVERYTHING, {"at": now})).one()

    def since(instant: datetime | None) -> float:
        return max(0.0, (now - instant).total_seconds()) if instant is not None else 0.0

    due = [instant for instant in (row.planned_since, row.in_hand_since) if instant is not None]
    return Pulse(
        deliveries_waiting=row.waiting,
        deliveries_in_hand=row.in_hand,
        delivery_overdue=since(min(due, default=None)),
        moment_overdue=since(row.moment_since),
        moments_failed=row.moments_failed,
        inbox_waiting=row.inbox_waiting,
        inbox_oldest=since(row.inbox_since),
        inbox_quarantined=row.quarantined,
        chats_paused=row.chats_paused,
        alerts_open=row.alerts_open,
    )


def _everything() -> Select[*tuple[object, ...]]:
    now = bindparam("at", type_=UtcDateTime())
    on_its_way = or_(Delivery.state == DeliveryState.CLAIMED, Delivery.state == DeliveryState.SENDING)
    parts = {
        "waiting": select(func.count()).select_from(Delivery).where(_PLANNED),
        "in_hand": select(func.count()).select_from(Delivery).where(_IN_HAND, on_its_way),
        "planned_since": select(func.min(Delivery.due_at)).where(_PLANNED, Delivery.due_at <= now),
        "in_hand_since": select(func.min(Delivery.due_at)).where(_IN_HAND, on_its_way),
        "moment_since": select(func.min(Moment.due_at)).where(_MOMENT_WAITS, Moment.due_at <= now),
        "moments_failed": select(func.count()).select_from(Moment).where(_MOMENT_FAILED),
        "inbox_waiting": select(func.count()).select_from(InboxUpdate).where(_UPDATE_WAITS),
        "inbox_since": select(func.min(InboxUpdate.received_at)).where(_UPDATE_WAITS),
        "quarantined": select(func.count()).select_from(InboxUpdate).where(_UPDATE_ASIDE),
        "chats_paused": select(func.count()).select_from(Chat).where(Chat.not_before > real_now()),
        "alerts_open": select(func.count()).select_from(Alert).where(Alert.state == AlertState.OPEN),
    }
    return select(*(part.scalar_subquery().label(name) for name, part in parts.items()))


_EVERYTHING = _everything()


class Health:
    """Keeps the latest numbers and shows them."""

    def __init__(
        self, database: Database, clock: Clock, leadership: Leadership, carrier: Carrier, heart: Heart
    ) -> None:
        self._database = database
        self._clock = clock
        self._leadership = leadership
        self._carrier = carrier
        self._heart = heart
        self._newest = newest_revision()
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        Info("understory", "Which version this is.", registry=self._registry).info({"version": version("understory")})
        self._gauges = {
            field.name: Gauge(f"understory_{_GAUGES[field.name][0]}", _GAUGES[field.name][1], registry=self._registry)
            for field in fields(Pulse)
        }
        self._taken = Gauge(
            "understory_refreshed_timestamp_seconds",
            "When what is in the database was counted last.",
            registry=self._registry,
        )
        self._registry.register(_OfThisProcess(database, leadership, carrier, heart))

    async def refresh(self) -> Pulse:
        """Count again what is in the database."""
        now = await self._clock.now()
        async with self._database.transaction() as tx:
            pulse = await take_pulse(tx, now=now)
        for name, gauge in self._gauges.items():
            gauge.set(getattr(pulse, name))
        self._taken.set(now.timestamp())
        return pulse

    def server(self) -> web.Application:
        """The pages; for METRICS_LISTEN only, never for the public."""
        server = web.Application()
        server.router.add_get("/healthz", self._alive)
        server.router.add_get("/readyz", self._ready)
        server.router.add_get("/metrics", self._metrics)
        return server

    async def _alive(self, _request: web.Request) -> web.Response:
        # While the database is away everybody waits for it, and a new process would wait as well.
        stuck = [] if self._database.outage.lasts else self._heart.stuck()
        return web.json_response({"alive": not stuck, "stuck": stuck}, status=503 if stuck else 200)

    async def _ready(self, _request: web.Request) -> web.Response:
        why = await self._not_ready()
        role = self._leadership.role
        if not why and role is None:
            why = "it is not known yet who leads"
        said = {"ready": not why, "role": role, **({"why": why} if why else {})}
        return web.json_response(said, status=503 if why else 200)

    async def _not_ready(self) -> str | None:
        try:
            async with asyncio.timeout(_PATIENCE), self._database.transaction() as tx:
                present = await present_revision(tx)
        except Exception:  # noqa: BLE001 - whatever it is, we are not ready; the outage itself is logged once
            return "the database does not answer"
        if present != self._newest:
            return f"the database has schema {present}, this version needs {self._newest}"
        return None

    async def _metrics(self, request: web.Request) -> web.Response:
        encode, kind = choose_encoder(request.headers.get("Accept", ""))
        return web.Response(body=encode(self._registry), headers={"Content-Type": kind})


class _OfThisProcess:
    """What the process knows without asking the database."""

    def __init__(self, database: Database, leadership: Leadership, carrier: Carrier, heart: Heart) -> None:
        self._database = database
        self._leadership = leadership
        self._carrier = carrier
        self._heart = heart

    def collect(self) -> Iterator[Metric]:
        calls = CounterMetricFamily(
            "understory_calls",
            "Calls to Telegram by what they were and what became of them.",
            labels=("method", "outcome"),
        )
        for method in Method:
            for outcome in OutcomeKind:
                calls.add_metric((method.value, outcome.value), self._carrier.tally.calls[method, outcome])
        yield calls
        limits = CounterMetricFamily(
            "understory_rate_limits", "How often Telegram asked for a pause, of one chat or of the whole bot.",
            labels=("scope",),
        )  # fmt: skip
        for scope in ("chat", "whole"):
            limits.add_metric((scope,), self._carrier.tally.limits[scope])
        yield limits
        paused = self._carrier.turnstile.governor.paused_for(monotonic())
        yield _gauge("pause_seconds", "How long the whole bot still rests because Telegram asked for it.", paused)
        leads = float(self._leadership.trusted())
        yield _gauge("leading", "1 in the process that polls, handles and sends.", leads)
        term = self._leadership.term if leads else 0
        yield _gauge("leadership_term", "The term of the process that leads, 0 in the others.", term)
        away = self._database.outage.lasts
        yield _gauge("database_away_seconds", "How long the database has been away, 0 while it is there.", away)
        yield _gauge(
            "loops_stuck", "Loops of this process that have not gone round for too long.", len(self._heart.stuck())
        )


def _gauge(name: str, what: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"understory_{name}", what, value=value)
