"""Asking a running bot how it is, from another process; light enough to be done every few seconds."""

from __future__ import annotations

import urllib.request

from bot.settings import Address

_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - where one knocks at who listens everywhere
_PATIENCE = 5.0  # seconds


def answers(address: Address | None, page: str) -> bool:
    """Whether a page of METRICS_LISTEN (``healthz``, ``readyz``) says yes."""
    if address is None:
        return False
    host = _EVERYWHERE.get(address.host, address.host)
    host = f"[{host}]" if ":" in host else host
    ours = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # never through a proxy
    try:
        with ours.open(f"http://{host}:{address.port}/{page}", timeout=_PATIENCE) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
