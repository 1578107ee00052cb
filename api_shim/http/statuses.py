"""The status of the installation for `/readyz` and `/metrics`: read at most once in some seconds, whoever asks."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from afterturn.settings import Settings
from afterturn.watching import reading, reports
from afterturn.watching.llm_usage import LlmUsage
from afterturn.watching.status import Selection, Status

#: How long a status is used. Shorter: more queries. Longer: older figures.
CACHE_SECONDS = 2.0
#: How long reading it may take. A server that hangs must not hold the answer longer than a probe waits.
READ_SECONDS = 8.0
#: The period of freshness.
FRESHNESS_MINUTES = 15.0
#: Tenants whose status is kept.
_TENANTS_LIMIT = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """The status, and the use of the LLM since midnight (UTC); None if Postgres is away."""

    status: Status
    llm: list[LlmUsage] | None


class StatusCache:
    """The last status of each tenant that was asked for; None: of all tenants."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._read: dict[str | None, tuple[float, Figures]] = {}
        self._locks: dict[str | None, asyncio.Lock] = {}

    async def read(self, tenant_id: str | None = None) -> Figures:
        """Return figures that are at most some seconds old. Raises TimeoutError if the servers take too long."""
        if len(self._locks) > _TENANTS_LIMIT:
            self._locks.clear()
            self._read.clear()
        async with self._locks.setdefault(tenant_id, asyncio.Lock()):
            read_at, figures = self._read.get(tenant_id, (float("-inf"), None))
            if figures is None or time.monotonic() - read_at > CACHE_SECONDS:
                async with asyncio.timeout(READ_SECONDS):
                    figures = await self._ask(tenant_id)
                self._read[tenant_id] = (time.monotonic(), figures)
            return figures

    async def _ask(self, tenant_id: str | None) -> Figures:
        selection = Selection(tenant_id=tenant_id, freshness_minutes=FRESHNESS_MINUTES)
        status = await reading.read_report_async(self._settings, reports.status(self._settings, selection))
        llm = None
        if status.stored is not None:
            llm = await reading.read_report_async(self._settings, reports.llm_usage_today(tenant_id))
        return Figures(status=status, llm=llm)
