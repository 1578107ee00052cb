"""The plan of a batch: what it comes to, and what rules and judge make of it, on one version of the memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from afterturn.batches import batch_row
from afterturn.batches.batch_row import Batch
from afterturn.consolidation import edits, judgements, reading
from afterturn.consolidation.deciding import decide
from afterturn.consolidation.decisions import Decision
from afterturn.consolidation.judge import Judge
from afterturn.consolidation.judgement import Question
from afterturn.database.pool import Connection
from afterturn.extraction import batch_outcome
from afterturn.extraction.outcome import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What applying a batch would do."""

    outcome: Outcome
    #: The version of the user's memory that this was planned on.
    version: int
    decisions: Sequence[Decision]
    #: What the judge must be asked first; the decisions are then those of the rules alone. None: nothing is open.
    open_question: Question | None = None


def read(connection: Connection, batch: Batch, judge: Judge | None, *, categories: Sequence[str]) -> Plan | None:
    """Plan one batch; without a judge, by rules alone. None when it is not its turn.

    `categories` are those that facts may have. Raises AnswerMalformed or VersionConflict.
    """
    if not batch_row.is_its_turn(connection, batch):
        return None
    outcome = batch_outcome.read(connection, batch, categories=categories)
    believed = edits.admitted(connection, batch, outcome)
    known = reading.read(connection, batch, outcome)
    by_rules = decide(believed, known.facts.values(), names=known.names)
    # A correction names what it replaces: there is nothing to be asked.
    unclear = None if judge is None or outcome.edits else reading.question(connection, batch, known, by_rules)
    if judge is None or unclear is None:
        return Plan(outcome=outcome, version=known.version, decisions=edits.under_own_ids(by_rules))
    asked, facts = unclear
    verdicts = judgements.read(connection, batch.session.user, judge, asked)
    if verdicts is None:
        return Plan(outcome=outcome, version=known.version, decisions=by_rules, open_question=asked)
    decided = edits.under_own_ids(decide(believed, facts.values(), verdicts, known.names))
    return Plan(outcome=outcome, version=known.version, decisions=decided)
