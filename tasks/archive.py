"""Archive pending turns of many sessions in Postgres, and enqueue the new batches: extract, or embed for edits."""

from __future__ import annotations

from afterturn import faults
from afterturn.pipeline import runtime
from afterturn.pipeline.enqueue import priority_of
from afterturn.pipeline.hand_out import DirectRoom
from afterturn.pipeline.stages import archive
from afterturn.scopes import SessionScope

from .stage import stage


@stage("archive")
def run(sessions: list[list[str]]) -> None:
    """Archive these sessions, each named by tenant, user and session id."""
    current = runtime.current()
    scopes = [SessionScope(*names) for names in sessions]
    room = DirectRoom.read(current.enqueue, ("extract", "embed"))
    for batch in archive.archive(current.redis, current.postgres, current.settings, scopes, room=room):
        if batch.is_handed_on:
            names = (batch.scope.tenant_id, batch.scope.user_id, str(batch.batch_id))
            current.enqueue.send(batch.stage, *names, priority=priority_of(batch.place))
    faults.point("archive.enqueued")
