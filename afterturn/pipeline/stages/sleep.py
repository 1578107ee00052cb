"""Sleep: consolidate a user's whole memory from time to time, if it has changed since the last run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from afterturn import faults
from afterturn.batches import failed_work, leases
from afterturn.batches.leases import Lease
from afterturn.consolidation import judgements, judging, overruling
from afterturn.consolidation.decisions import NO_VERDICTS, Verdicts
from afterturn.consolidation.judge import Judge
from afterturn.consolidation.judgement import JudgeQuestion
from afterturn.pipeline.runtime import Runtime
from afterturn.relation import Relation
from afterturn.scopes import UserScope
from afterturn.sleep import questions, thread_making, tidying, whole_memory
from afterturn.sleep.questions import Questions
from afterturn.sleep.tidying import TidyingPlan
from afterturn.sleep.whole_memory import WholeMemory


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """The changes that sleep would make."""

    #: The changes by the rules.
    tidying: TidyingPlan
    #: The number of judging calls and of calls that write threads, for questions without a stored answer.
    calls: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Judged:
    """The judge's verdicts on a memory, within the calls allowed for one run."""

    verdicts: Verdicts
    #: All facts recorded up to this time have been judged.
    through: datetime | None
    #: Whether these are all facts.
    is_finished: bool
    #: The number of calls that were made.
    calls: int = 0


def sleep(runtime: Runtime, scope: UserScope) -> TidyingPlan | None:
    """Consolidate one user's memory, and return the changes; None if the memory has not changed.

    An unchanged memory costs one read. After a crash the next run uses the judge's stored answers.
    """
    faults.point("sleep.before_claim")
    with runtime.postgres.connection() as connection:
        if whole_memory.read_whole_memory(connection, scope) is None:
            return None
        lease = runtime.leases.claim(connection, scope, "sleep", "memory")
    if lease is None:
        return None
    faults.point("sleep.after_claim")
    # If it fails, the user's row still says that the run is owed: the sweep finds it again.
    with failed_work.recording_failure(runtime, lease):
        return _tidy(runtime, scope, lease)
    return None


def preview(runtime: Runtime, scope: UserScope) -> Preview | None:
    """Return the changes that sleep would make, without a call; None if the memory has not changed."""
    with runtime.postgres.connection() as connection:
        memory = whole_memory.read_whole_memory(connection, scope)
    if memory is None:
        return None
    judge = runtime.judge
    done = tidying.plan_tidying(memory.facts, memory.names, memory.read_at)
    unanswered = thread_making.count_calls(runtime, scope, memory.names, done.ended_facts)
    if judge is not None:
        asked = _plan_questions(runtime, scope, memory, judge).questions
        unanswered += sum(_read_verdicts(runtime, scope, judge, question) is None for question in asked)
    return Preview(tidying=done, calls=min(unanswered, runtime.settings.sleep_calls))


def _tidy(runtime: Runtime, scope: UserScope, lease: Lease) -> TidyingPlan | None:
    with runtime.postgres.connection() as connection:
        # Read after the claim: the previous owner of the lease may just have finished.
        memory = whole_memory.read_whole_memory(connection, scope)
        if memory is None:
            leases.try_release(connection, lease)
            return None
    judged = _judge(runtime, scope, lease, memory)
    done = tidying.plan_tidying(memory.facts, memory.names, memory.read_at, judged.verdicts)
    calls_left = runtime.settings.sleep_calls - judged.calls
    threads = thread_making.make_threads(runtime, lease, memory.names, done.ended_facts, calls_left=calls_left)
    with runtime.postgres.connection() as connection, connection.transaction():
        whole_memory.write_tidying(
            connection,
            scope,
            memory,
            done,
            judged_through=judged.through,
            is_finished=judged.is_finished and threads.is_finished,
            profile_tokens=runtime.settings.profile_tokens,
        )
        threads.store(connection, scope)
        leases.release(connection, lease)
        faults.point("sleep.before_commit")
    with runtime.postgres.connection() as connection:
        overruling.record_overruled(connection, scope, done.overruled)
    faults.point("sleep.after_commit")
    return done


def _judge(runtime: Runtime, scope: UserScope, lease: Lease, memory: WholeMemory) -> _Judged:
    """Let the judge compare the facts that batches could not compare, within the calls allowed for one run."""
    judge = runtime.judge
    if judge is None:
        through = max((fact.recorded_at for fact in memory.facts), default=None)
        return _Judged(verdicts=NO_VERDICTS, through=through, is_finished=True)
    planned = _plan_questions(runtime, scope, memory, judge)
    found: dict[tuple[UUID, UUID], Relation] = {}
    calls = 0
    for question in planned.questions:
        verdicts = _read_verdicts(runtime, scope, judge, question)
        if verdicts is None:
            calls += 1
            judging.ask_judge(runtime, lease, judge, question.text(), stage="sleep")
            verdicts = _read_verdicts(runtime, scope, judge, question)
        found.update(verdicts or {})
    return _Judged(verdicts=found, through=planned.through, is_finished=planned.is_finished, calls=calls)


def _plan_questions(runtime: Runtime, scope: UserScope, memory: WholeMemory, judge: Judge) -> Questions:
    with runtime.postgres.connection() as connection:
        return questions.plan_questions(connection, scope, memory, judge, max_calls=runtime.settings.sleep_calls)


def _read_verdicts(runtime: Runtime, scope: UserScope, judge: Judge, question: JudgeQuestion) -> Verdicts | None:
    """Return the judge's stored verdicts on a question; None without a stored answer."""
    with runtime.postgres.connection() as connection:
        return judgements.read_verdicts(connection, scope, judge, question)
