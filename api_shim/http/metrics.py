"""GET /metrics for Prometheus.

What workers do is counted in Postgres and Redis, so the API can export it for all of them, and workers need no port.
The figures of a credential are those of its tenant; AFTERTURN_API_KEY and this machine get those of the whole
installation.
"""

from __future__ import annotations

from collections.abc import Iterator

from fastapi import APIRouter, Request
from fastapi.responses import Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from starlette.exceptions import HTTPException

from afterturn.access.caller import Caller
from afterturn.database.counters import STALE_WRITES_REFUSED
from afterturn.errors import Forbidden
from afterturn.principal import EveryUser, Right
from afterturn.settings import Settings
from afterturn.watching.status import HotState, StoredState
from api_shim.http.hosts import is_loopback
from api_shim.http.principal import authenticate
from api_shim.http.routes import StrictRoute
from api_shim.http.statuses import Figures, StatusCache

#: Header fields that proxies add. A proxy on this machine passes on what others send.
_FORWARDED = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip")


class MetricsRoute(StrictRoute):
    """A route for programs on this machine, and for callers with the right to administer all users of a tenant."""

    async def admit(self, request: Request) -> None:
        """Raise Unauthorized or Forbidden if the caller may not read metrics."""
        if _is_local(request):
            return
        await authenticate(request)
        caller: Caller = request.state.caller
        if Right.ADMIN not in caller.principal.rights or not isinstance(caller.principal.users, EveryUser):
            raise Forbidden(f"metrics need the right to {Right.ADMIN} all users of the tenant")


def _is_local(request: Request) -> bool:
    """Return whether a program on this machine sent a request: not a proxy, and not a web page under another name."""
    if request.client is None or not is_loopback(request.client.host):
        return False
    host = request.url.hostname or ""
    is_named_here = host == "localhost" or is_loopback(host)
    return is_named_here and not any(name in request.headers for name in _FORWARDED)


router = APIRouter(route_class=MetricsRoute)


@router.get(
    "/metrics",
    operation_id="read_metrics",
    summary="Read metrics in the format of Prometheus",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
    openapi_extra={"security": [{"Bearer": []}]},
)
async def metrics(request: Request) -> Response:
    """Return figures of the API and of all workers. Programs on the machine of the API need no credential."""
    statuses: StatusCache = request.app.state.statuses
    caller: Caller | None = getattr(request.state, "caller", None)
    is_whole = caller is None or caller.kind in ("owner", "open")
    tenant_id = None if caller is None or is_whole else caller.principal.tenant_id
    try:
        figures = await statuses.read(tenant_id)
    except TimeoutError:
        raise HTTPException(503, "the servers did not answer in time") from None
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(figures, request.app.state.settings))
    if is_whole:
        ProcessCollector(registry=registry)
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)


class _Collector:
    """Yields the metrics of some figures."""

    def __init__(self, figures: Figures, settings: Settings) -> None:
        self._figures = figures
        self._settings = settings

    def collect(self) -> Iterator[Metric]:
        """Yield each metric with its values."""
        status = self._figures.status
        up = GaugeMetricFamily("afterturn_server_up", "Whether a server answers.", labels=["server"])
        for server in ("redis", "postgres", "broker"):
            up.add_metric([server], float(server not in status.away))
        yield up
        oldest = status.oldest_seconds or 0.0
        yield GaugeMetricFamily("afterturn_backlog_oldest_seconds", "Age of the oldest unprocessed turn.", oldest)
        yield GaugeMetricFamily(
            "afterturn_objective_seconds", "The largest age that is not late.", status.objective_seconds
        )
        if status.queues is not None:
            yield _by_name("afterturn_queue_messages", "Messages that wait at the broker.", "stage", status.queues)
        if status.hot is not None:
            yield from _collect_hot(status.hot)
        if status.stored is not None:
            yield from _collect_stored(status.stored)
        yield from self._collect_llm()

    def _collect_llm(self) -> Iterator[Metric]:
        """Yield counters of the LLM. They start again at midnight (UTC), as those of a restarted process do."""
        labels = ["stage", "model"]
        calls = CounterMetricFamily("afterturn_llm_calls", "LLM calls since midnight (UTC).", labels=labels)
        failed = CounterMetricFamily("afterturn_llm_failed_calls", "Those that failed or never ended.", labels=labels)
        seconds = CounterMetricFamily("afterturn_llm_seconds", "The time of all LLM calls, added up.", labels=labels)
        tokens = CounterMetricFamily("afterturn_llm_tokens", "Tokens of LLM calls.", labels=[*labels, "kind"])
        cost = CounterMetricFamily("afterturn_llm_cost", "Cost of LLM calls, by the prices in settings.", labels=labels)
        for used in self._figures.llm or ():
            key = [used.stage, used.model]
            calls.add_metric(key, used.calls)
            failed.add_metric(key, used.failed_calls)
            seconds.add_metric(key, used.seconds)
            tokens.add_metric([*key, "prompt"], used.prompt_tokens)
            tokens.add_metric([*key, "cached"], used.cached_tokens)
            tokens.add_metric([*key, "completion"], used.completion_tokens)
            prompt_price = self._settings.prompt_price_per_million or 0.0
            completion_price = self._settings.completion_price_per_million or 0.0
            cost.add_metric(
                key, (used.prompt_tokens * prompt_price + used.completion_tokens * completion_price) / 1_000_000
            )
        yield from (calls, failed, seconds, tokens, cost)


def _collect_hot(hot: HotState) -> Iterator[Metric]:
    yield GaugeMetricFamily("afterturn_pending_sessions", "Sessions with turns in Redis.", hot.pending.sessions)
    if hot.heartbeats.sweep_seconds is not None:
        yield GaugeMetricFamily("afterturn_sweep_age_seconds", "Since the last sweep.", hot.heartbeats.sweep_seconds)
    alive = {stage: 0 for worker in hot.heartbeats.workers for stage in worker.stages}
    for worker in hot.heartbeats.workers:
        for stage in worker.stages:
            alive[stage] += not worker.is_stale
    yield _by_name("afterturn_workers", "Workers that were heard lately.", "stage", alive)
    states = {name: float(found.state != "closed") for name, found in hot.breakers.items()}
    yield _by_name("afterturn_breaker_open", "Whether calls of an endpoint are paused.", "endpoint", states)


def _collect_stored(stored: StoredState) -> Iterator[Metric]:
    backlog = stored.backlog
    yield GaugeMetricFamily("afterturn_uncut_turns", "Archived turns that belong to no batch.", backlog.uncut.turns)
    waiting = {step: found.count for step, found in backlog.steps.items()}
    yield _by_name("afterturn_open_batches", "Open batches by their step.", "step", waiting)
    yield GaugeMetricFamily("afterturn_paused_batches", "Batches that wait for an endpoint.", backlog.paused.count)
    yield GaugeMetricFamily("afterturn_imported_turns", "Imported turns without a batch.", backlog.imported_turns)
    yield GaugeMetricFamily("afterturn_unfinished_erasures", "Users who are forgotten.", backlog.unfinished_erasures)
    # Without its description, which may have other words each time.
    reasons: dict[str, int] = {}
    for reason, count in stored.dead_reasons.items():
        code = reason.partition(":")[0][:60]
        reasons[code] = reasons.get(code, 0) + count
    yield _by_name("afterturn_dead_batches", "Dead batches that are not discarded.", "reason", reasons)
    yield _freshness(stored)
    refused = stored.counters.get(STALE_WRITES_REFUSED, 0)
    yield CounterMetricFamily("afterturn_stale_writes_refused", "Writes that a fence refused.", refused)
    others = CounterMetricFamily("afterturn_events", "Rare events of workers.", labels=["event"])
    for name, count in stored.counters.items():
        others.add_metric([name], count)
    yield others


def _freshness(stored: StoredState) -> Metric:
    metric = GaugeMetricFamily(
        "afterturn_freshness_seconds",
        "From a turn's acknowledgement until it was archived, and until it was searchable as facts; last 15 minutes.",
        labels=["until", "quantile"],
    )
    fresh = stored.freshness
    for until, quantile, seconds in (
        ("archived", "0.5", fresh.archived_p50),
        ("archived", "0.95", fresh.archived_p95),
        ("searchable", "0.5", fresh.searchable_p50),
        ("searchable", "0.95", fresh.searchable_p95),
    ):
        if seconds is not None:
            metric.add_metric([until, quantile], seconds)
    return metric


def _by_name(name: str, text: str, label: str, values: dict[str, int] | dict[str, float]) -> Metric:
    metric = GaugeMetricFamily(name, text, labels=[label])
    for key, value in values.items():
        metric.add_metric([key], value)
    return metric
