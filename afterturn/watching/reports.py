"""All reports for operators. Commands, pages and monitors read the state of the memory only through this module.

Each function returns a report without I/O. `reading.read_report(settings, reports.backlog())` reads it, and so does
`await reading.read_report_async(settings, reports.backlog())`. Without a tenant a report covers all tenants, without a
user all users. Code that already has a connection with the worker role can run the steps of a report on it
(`afterturn.database.steps`).
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from afterturn.database import counters as database_counters
from afterturn.database.statement import Row
from afterturn.endpoints import breaker
from afterturn.endpoints.breaker import BreakerState
from afterturn.hot import backlog as hot_backlog
from afterturn.hot.backlog import HotBacklog
from afterturn.llm import costs as llm_costs
from afterturn.llm.costs import CostGrouping, Costs, DailyBudget
from afterturn.scopes import UserScope
from afterturn.settings import Settings
from afterturn.turns import Turn
from afterturn.watching import backlog as stored_backlog
from afterturn.watching import dead, llm_usage
from afterturn.watching import embeddings as embedding_spaces
from afterturn.watching import progress as turn_progress
from afterturn.watching import status as whole_status
from afterturn.watching import users as user_list
from afterturn.watching.backlog import Backlog
from afterturn.watching.dead import DeadBatch, DeadItem, Filters
from afterturn.watching.embeddings import EmbeddingsStatus
from afterturn.watching.llm_usage import LlmUsage
from afterturn.watching.progress import Freshness, Progress, StageDelays
from afterturn.watching.reading import AskPostgres, AskRedis, Report
from afterturn.watching.status import Selection, Status
from afterturn.watching.users import User

__all__ = [
    "backlog",
    "batch",
    "batch_with_turns",
    "breakers",
    "costs",
    "counters",
    "daily_budget",
    "dead_batches",
    "dead_items",
    "dead_reasons",
    "embeddings",
    "freshness",
    "llm_usage_today",
    "pending",
    "progress",
    "queues",
    "rejected",
    "stage_delays",
    "status",
    "users",
]


def status(settings: Settings, selection: Selection) -> Report[Status]:
    """Return the whole status. A server that does not answer is named in `away`, and its part is None."""
    return whole_status.report_status(settings, selection)


def pending(settings: Settings, tenant_id: str | None = None, user_id: str | None = None) -> Report[HotBacklog]:
    """Return the pending turns in Redis. Raises RedisError."""
    limit = settings.pending_limit_bytes_per_shard
    return (yield from AskRedis(hot_backlog.read_hot_backlog(tenant_id, user_id, limit_bytes_per_shard=limit)))


def backlog(tenant_id: str | None = None, user_id: str | None = None) -> Report[Backlog]:
    """Return the open work in Postgres (turns without a batch, open batches, summaries, erasures), and the leases."""
    redis_now = yield from whole_status.report_redis_time()
    return (yield from AskPostgres(stored_backlog.read_backlog(tenant_id, user_id, redis_now=redis_now)))


def queues(settings: Settings) -> Report[dict[str, int] | None]:
    """Return the number of waiting messages by stage; None if the broker is not a plain Redis. Raises RedisError."""
    return whole_status.report_queues(settings)


def breakers() -> Report[dict[str, BreakerState]]:
    """Return the state of each endpoint's breaker, by name. Raises RedisError."""
    return (yield from AskRedis(breaker.read_states()))


def progress(tenant_id: str) -> Report[Progress]:
    """Return the progress of the tenant's turns through the stages."""
    return (yield from AskPostgres(turn_progress.read_progress(tenant_id)))


def freshness(
    tenant_id: str | None = None, user_id: str | None = None, *, seconds: float | None = None
) -> Report[Freshness]:
    """Return the times until turns of the last `seconds` were archived and were searchable."""
    return (yield from AskPostgres(turn_progress.read_freshness(tenant_id, user_id, seconds=seconds)))


def stage_delays(
    tenant_id: str | None = None, user_id: str | None = None, *, seconds: float | None = None
) -> Report[StageDelays]:
    """Return how long each stage took, for the turns that became searchable in the last `seconds`."""
    return (yield from AskPostgres(turn_progress.read_stage_delays(tenant_id, user_id, seconds=seconds)))


def counters() -> Report[dict[str, int]]:
    """Return the counters of rare events, by name."""
    return (yield from AskPostgres(database_counters.read_counters()))


def rejected(tenant_id: str | None = None, user_id: str | None = None, *, since: datetime) -> Report[dict[str, int]]:
    """Return the reasons for rejected candidates or parts of them, with their counts."""
    return (yield from AskPostgres(turn_progress.read_rejected(tenant_id, user_id, since=since)))


def dead_reasons(tenant_id: str | None = None, user_id: str | None = None) -> Report[dict[str, int]]:
    """Return the reasons of dead batches, with their counts."""
    return (yield from AskPostgres(turn_progress.read_dead_reasons(tenant_id, user_id)))


def dead_batches(filters: Filters, *, limit: int | None = None) -> Report[list[DeadBatch]]:
    """Return dead batches, the latest first, without their content."""
    return (yield from AskPostgres(dead.read_dead(filters, limit=limit)))


def dead_items(filters: Filters, *, limit: int | None = None, dead_id: UUID | None = None) -> Report[list[DeadItem]]:
    """Return entries that could not be archived, and texts that the embedder refused, the latest first."""
    return (yield from AskPostgres(dead.read_dead_items(filters, limit=limit, dead_id=dead_id)))


def embeddings(settings: Settings) -> Report[EmbeddingsStatus]:
    """Return the embedding spaces, how far a switch is, and the settings that have no effect on them."""
    return (yield from AskPostgres(embedding_spaces.read_embeddings(settings)))


def users(
    tenant_id: str, *, prefix: str | None = None, limit: int = 100, cursor: str | None = None
) -> Report[list[User]]:
    """Return the tenant's users in the order of their ids, with the sizes of their memories. Raises InvalidInput."""
    return (yield from AskPostgres(user_list.read_users(tenant_id, prefix=prefix, limit=limit, cursor=cursor)))


def batch(batch_id: UUID) -> Report[Row]:
    """Return the row of a batch, dead or not, without its content. Raises InvalidInput if there is no such batch."""
    return (yield from AskPostgres(dead.read_batch(batch_id)))


def batch_with_turns(batch_id: UUID) -> Report[tuple[Row, list[Turn]]]:
    """Return the same as `batch`, and the turns of the batch."""
    return (yield from AskPostgres(dead.read_batch_with_turns(batch_id)))


def costs(
    tenant_id: str | None = None, user_id: str | None = None, *, by: CostGrouping = "day", days: int | None = None
) -> Report[list[Costs]]:
    """Return the costs of LLM calls, of the last days or of all time. Raises InvalidInput."""
    return (yield from AskPostgres(llm_costs.read_costs(tenant_id, user_id, by=by, days=days)))


def llm_usage_today(tenant_id: str | None = None) -> Report[list[LlmUsage]]:
    """Return the calls of the LLM since midnight (UTC), their tokens and their time, by stage and model."""
    return (yield from AskPostgres(llm_usage.read_llm_usage_today(tenant_id)))


def daily_budget(user: UserScope, *, daily_tokens: int) -> Report[DailyBudget]:
    """Return the budget of a user today."""
    return (yield from AskPostgres(llm_costs.read_daily_budget(user, daily_tokens=daily_tokens)))
