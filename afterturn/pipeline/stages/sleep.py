"""Sleep: consolidate a user's whole memory from time to time, if it has changed since the last run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from afterturn import faults
from afterturn.batches import failed_work, leases
from afterturn.batches.leases import Lease
from afterturn.consolidation import judgements, judging
from afterturn.consolidation.decisions import Verdicts
from afterturn.consolidation.judge import Judge
from afterturn.consolidation.judgement import JudgeQuestion
from afterturn.consolidation.rules import Relation
from afterturn.pipeline.runtime import Runtime
from afterturn.scopes import UserScope
from afterturn.sleep import questions, thread_making, tidying, whole_memory
from afterturn.sleep.tidying import CurrentFact, TidyingPlan
from afterturn.sleep.whole_memory import WholeMemory


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """The changes that sleep would make."""

    #: The changes by the rules.
    tidying: TidyingPlan
    #: The number of judging calls and of calls that write threads, for questions without a stored answer.
    calls: int


@dataclass(slots=True)
class _Judged:
    """The judge's verdicts on a memory, within the calls allowed for one run."""

    verdicts: dict[frozenset[UUID], Relation]
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
        groups = questions.unjudged_groups(memory)
        asked = [_read_question_and_verdicts(runtime, scope, memory, judge, group) for group in groups]
        unanswered += sum(question is not None and verdicts is None for question, verdicts in asked)
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
    faults.point("sleep.after_commit")
    return done


def _judge(runtime: Runtime, scope: UserScope, lease: Lease, memory: WholeMemory) -> _Judged:
    """Let the judge compare the facts that batches could not compare, within the calls allowed for one run."""
    through = max((fact.recorded_at for fact in memory.facts), default=None)
    judge = runtime.judge
    groups = questions.unjudged_groups(memory)
    if judge is None or not groups:
        return _Judged(verdicts={}, through=through, is_finished=True)
    judged = _Judged(verdicts={}, through=through, is_finished=True)
    calls = 0
    for group in groups:
        question, verdicts = _read_question_and_verdicts(runtime, scope, memory, judge, group)
        if question is not None and verdicts is None:
            if calls == runtime.settings.sleep_calls:
                through = _judged_through(memory, group[0])
                return _Judged(verdicts=judged.verdicts, through=through, is_finished=False, calls=calls)
            calls += 1
            judging.ask_judge(runtime, lease, judge, question.text(), stage="sleep")
            verdicts = _read_question_and_verdicts(runtime, scope, memory, judge, group)[1]
        judged.verdicts.update(verdicts or {})
    judged.calls = calls
    return judged


def _judged_through(memory: WholeMemory, fact: CurrentFact) -> datetime | None:
    """Return the time up to which all facts are judged, if `fact` is the first that is not."""
    earlier = [other.recorded_at for other in memory.facts if other.recorded_at < fact.recorded_at]
    return max(earlier, default=memory.slept_through)


def _read_question_and_verdicts(
    runtime: Runtime, scope: UserScope, memory: WholeMemory, judge: Judge, group: list[CurrentFact]
) -> tuple[JudgeQuestion | None, Verdicts | None]:
    """Return the question about a group of facts, and the judge's stored verdicts; None without a stored answer."""
    with runtime.postgres.connection() as connection:
        question = questions.make_group_question(connection, scope, memory, group)
        verdicts = None if question is None else judgements.read_verdicts(connection, scope, judge, question)
    return question, verdicts
