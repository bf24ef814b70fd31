"""Health and metrics for the operator: numbers, never names.

``/healthz`` answers while the event loop turns; ``/readyz`` also asks the database; ``/metrics`` is for Prometheus.
The numbers are taken by ``refresh``, so that reading them costs the database nothing.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, ProcessCollector, generate_latest
from sqlalchemy import func, select, text

from bot.clock import Clock
from bot.storage.database import Database, Transaction
from bot.storage.tables import Alert, Delivery, InboxUpdate, Moment
from bot.words import AlertState, DeliveryState, InboxState, MomentState

log = logging.getLogger(__name__)

_PATIENCE = 3.0  # seconds for the database to answer


@dataclass(frozen=True)
class Pulse:
    """How the house is, in numbers. ``late`` is how many seconds the oldest thing that is due has waited."""

    deliveries: dict[DeliveryState, int]
    inbox: dict[InboxState, int]
    late: float
    moments_failed: int
    alerts_open: int


async def take_pulse(tx: Transaction, *, now: datetime) -> Pulse:
    """Count what waits, what is on its way, and what went wrong."""
    deliveries = await tx.execute(select(Delivery.state, func.count()).group_by(Delivery.state))
    inbox = await tx.execute(select(InboxUpdate.state, func.count()).group_by(InboxUpdate.state))
    waiting = await tx.scalar(select(func.min(Delivery.due_at)).where(Delivery.state == DeliveryState.PLANNED))
    deciding = await tx.scalar(select(func.min(Moment.due_at)).where(Moment.state == MomentState.WAITING))
    oldest = min((at for at in (waiting, deciding) if at is not None), default=now)
    return Pulse(
        deliveries=dict(iter(deliveries)),
        inbox=dict(iter(inbox)),
        late=max(0.0, (now - oldest).total_seconds()),
        moments_failed=await tx.scalar(select(func.count()).where(Moment.state == MomentState.FAILED)) or 0,
        alerts_open=await tx.scalar(select(func.count()).where(Alert.state == AlertState.OPEN)) or 0,
    )


class Health:
    """Keeps the latest numbers and shows them."""

    def __init__(self, database: Database, clock: Clock, leading: Callable[[], bool]) -> None:
        self._database = database
        self._clock = clock
        self._leading = leading
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._deliveries = self._gauge("deliveries", "Deliveries by state.", "state")
        self._inbox = self._gauge("inbox_updates", "Updates from Telegram by state.", "state")
        self._late = self._gauge("late_seconds", "How long the oldest thing that is due has waited.")
        self._moments_failed = self._gauge("moments_failed", "Decisions that could not be carried out.")
        self._alerts_open = self._gauge("alerts_open", "Alerts that nobody has acknowledged.")
        self._gauge("leading", "1 in the process that polls and sends.").set_function(lambda: float(self._leading()))

    async def refresh(self) -> Pulse:
        """Take the numbers again."""
        now = await self._clock.now()
        async with self._database.transaction() as tx:
            pulse = await take_pulse(tx, now=now)
        for delivery_state in DeliveryState:
            self._deliveries.labels(delivery_state).set(pulse.deliveries.get(delivery_state, 0))
        for inbox_state in InboxState:
            self._inbox.labels(inbox_state).set(pulse.inbox.get(inbox_state, 0))
        self._late.set(pulse.late)
        self._moments_failed.set(pulse.moments_failed)
        self._alerts_open.set(pulse.alerts_open)
        return pulse

    def server(self) -> web.Application:
        """The pages; for METRICS_LISTEN only, never for the public."""
        server = web.Application()
        server.router.add_get("/healthz", self._alive)
        server.router.add_get("/readyz", self._ready)
        server.router.add_get("/metrics", self._metrics)
        return server

    def _gauge(self, name: str, what: str, *labels: str) -> Gauge:
        return Gauge(f"understory_{name}", what, labels, registry=self._registry)

    async def _alive(self, _request: web.Request) -> web.Response:
        return web.json_response({"alive": True})

    async def _ready(self, _request: web.Request) -> web.Response:
        try:
            async with asyncio.timeout(_PATIENCE), self._database.transaction() as tx:
                await tx.execute(text("SELECT 1"))
        except Exception as error:  # noqa: BLE001 - whatever it is, we are not ready
            log.warning("the database does not answer (%s)", type(error).__name__)
            return web.json_response({"ready": False, "leading": self._leading()}, status=503)
        return web.json_response({"ready": True, "leading": self._leading()})

    async def _metrics(self, _request: web.Request) -> web.Response:
        return web.Response(body=generate_latest(self._registry), headers={"Content-Type": CONTENT_TYPE_LATEST})
