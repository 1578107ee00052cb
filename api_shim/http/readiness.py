"""GET /readyz: whether turns are written, processed in time, and read. A load balancer may ask it often."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from afterturn.watching.status import Status
from api_shim.http.routes import StrictRoute
from api_shim.http.statuses import StatusCache

router = APIRouter(route_class=StrictRoute)


class Readiness(BaseModel):
    """`status` is `ready` if every server answers, sweeps complete, each stage has a worker, and no turn is late."""

    status: str = Field(description="ready or not_ready")
    redis: bool
    postgres: bool
    broker: bool | None = Field(description="null: it is no Redis, and is not asked")
    sweep_seconds: float | None = Field(description="since the last sweep was completed; null: none within a day")
    stages_without_workers: list[str]
    backlog_seconds: float | None = Field(description="the age of the oldest unprocessed turn; null: there is none")
    objective_seconds: float = Field(description="the largest age that is not late")
    problems: list[str] = Field(description="what is not as it should be")


@router.get(
    "/readyz",
    operation_id="check_readiness",
    summary="Check whether turns are written, processed in time, and read",
    responses={503: {"model": Readiness, "description": "Something is not as it should be."}},
)
async def readiness(request: Request, response: Response) -> Readiness:
    """Check Redis, Postgres, the broker, the last sweep, the workers and the age of the backlog.

    The status is 503 if one of them is not as it should be. The answer is at most some seconds old.
    """
    statuses: StatusCache = request.app.state.statuses
    try:
        answer = _describe((await statuses.read()).status)
    except TimeoutError:
        settings = request.app.state.settings
        answer = _make_unknown(settings.objective_seconds)
    if answer.problems:
        response.status_code = 503
    response.headers["Cache-Control"] = "no-store"
    return answer


def _describe(status: Status) -> Readiness:
    queues_asked = status.queues is not None or "broker" in status.away
    answer = Readiness(
        status="ready",
        redis=status.hot is not None,
        postgres=status.stored is not None,
        broker=status.queues is not None if queues_asked else None,
        sweep_seconds=status.hot.heartbeats.sweep_seconds if status.hot else None,
        stages_without_workers=list(status.stages_without_workers),
        backlog_seconds=status.oldest_seconds,
        objective_seconds=status.objective_seconds,
        problems=[f"{server} does not answer" for server in sorted(status.away)],
    )
    if status.hot is not None and not status.is_sweeping:
        answer.problems.append("no sweep was completed lately: check beat and the fast worker")
    if answer.stages_without_workers:
        answer.problems.append(f"no worker serves {', '.join(answer.stages_without_workers)}")
    if (answer.backlog_seconds or 0.0) > answer.objective_seconds:
        answer.problems.append("a turn has waited for longer than AFTERTURN_FRESHNESS_OBJECTIVE_SECONDS")
    if answer.problems:
        answer.status = "not_ready"
    return answer


def _make_unknown(objective_seconds: float) -> Readiness:
    return Readiness(
        status="not_ready",
        redis=False,
        postgres=False,
        broker=None,
        sweep_seconds=None,
        stages_without_workers=[],
        backlog_seconds=None,
        objective_seconds=objective_seconds,
        problems=["the servers did not answer in time"],
    )
