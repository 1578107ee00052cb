"""The questions about a whole memory for the judge: near facts that nothing has compared yet, each shown once.

The prompt tokens of one run are bounded by the number of current facts. What does not fit is left to the next run.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from uuid import UUID

from afterturn import tokens
from afterturn.consolidation import judgements
from afterturn.consolidation.judge import Judge
from afterturn.consolidation.judgement import JudgeQuestion, ShownFact
from afterturn.database.pool import Connection
from afterturn.scopes import UserScope
from afterturn.sleep import clusters, near_pairs
from afterturn.sleep.near_pairs import NearPair
from afterturn.sleep.tidying import CurrentFact
from afterturn.sleep.whole_memory import WholeMemory

#: The prompt tokens of all calls of one run, for each current fact.
TOKENS_PER_FACT = 25
#: What one run may use, however small the memory is: the fixed part of the prompt alone takes hundreds of tokens.
LEAST_TOKENS = 1_200
#: So many tokens a run has for each new fact: with fewer, some are left to the next run, so that near pairs are shown.
TOKENS_PER_NEW_FACT = 18
#: The tokens of the statements in one call. Larger: the fixed part is sent less often, but models overlook pairs.
TOKENS_PER_QUESTION = 3_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Questions:
    """The questions of one run."""

    questions: Sequence[JudgeQuestion]
    #: With their answers, all facts recorded up to this time are compared.
    through: datetime | None
    #: Whether these are all facts.
    is_finished: bool


def plan_questions(
    connection: Connection, scope: UserScope, memory: WholeMemory, judge: Judge, *, max_calls: int
) -> Questions:
    """Return the questions about the facts recorded since the last run.

    Args:
        connection: to read with.
        scope: whose memory.
        memory: all current facts.
        judge: who is asked.
        max_calls: the most questions of one run.
    """
    budget = max(LEAST_TOKENS, TOKENS_PER_FACT * len(memory.facts))
    budget = min(budget, max_calls * (judge.prompt_tokens("") + TOKENS_PER_QUESTION))
    new = choose_new_facts(memory, budget // TOKENS_PER_NEW_FACT) if max_calls else []
    through = new[-1].recorded_at if new else memory.slept_through
    is_finished = not any(through is None or fact.recorded_at > through for fact in memory.facts)
    known = [fact for fact in memory.facts if through is not None and fact.recorded_at <= through]
    pairs = _read_unjudged_pairs(connection, scope, known, len(new)) if new else []
    questions = fit_questions(pairs, known, judge, budget=budget, max_calls=max_calls)
    return Questions(questions=questions, through=through, is_finished=is_finished)


def choose_new_facts(memory: WholeMemory, limit: int) -> list[CurrentFact]:
    """Return the facts recorded since the last run, those recorded first, about `limit` of them.

    Facts recorded at one time stay together: the run marks how far it came by a time.
    """
    since = memory.slept_through
    new = [fact for fact in memory.facts if since is None or fact.recorded_at > since]
    if len(new) <= limit:
        return new
    chosen: list[CurrentFact] = []
    for _, group in groupby(new, key=lambda fact: fact.recorded_at):
        together = list(group)
        if chosen and len(chosen) + len(together) > limit:
            break
        chosen += together
    return chosen


def _read_unjudged_pairs(
    connection: Connection, scope: UserScope, facts: Sequence[CurrentFact], new_count: int
) -> list[NearPair]:
    """Return the near pairs of the last facts with all, without those that were compared with their batch."""
    fact_ids = [fact.fact_id for fact in facts]
    pairs = near_pairs.find_near_pairs(connection, scope.key, fact_ids, new_count=new_count)
    compared = judgements.read_compared_facts(connection, scope)
    batch_of = {fact.fact_id: fact.batch_id for fact in facts}
    return [pair for pair in pairs if not _is_compared(pair, batch_of, compared)]


def _is_compared(
    pair: NearPair, batch_of: Mapping[UUID, UUID | None], compared: Mapping[UUID, frozenset[UUID]]
) -> bool:
    """Return whether a model has compared both facts of a pair when the later one was new.

    Extraction does not compare the facts of one answer with each other: of those, only the pairs were compared of
    which the judge was shown both.
    """
    batch_id = batch_of[pair.new_id]
    shown = frozenset() if batch_id is None else compared.get(batch_id, frozenset())
    is_one_batch = batch_of[pair.known_id] == batch_id
    return pair.known_id in shown and (not is_one_batch or pair.new_id in shown)


def fit_questions(
    pairs: Sequence[NearPair], facts: Sequence[CurrentFact], judge: Judge, *, budget: int, max_calls: int
) -> list[JudgeQuestion]:
    """Return the questions about the nearest pairs, as many as fit.

    Args:
        pairs: the pairs to ask about.
        facts: the facts of these pairs.
        judge: who is asked: its prompt has a fixed part.
        budget: the most prompt tokens of all questions.
        max_calls: the most questions.
    """
    by_id = {fact.fact_id: ShownFact(fact.fact_id, fact.text, fact.said_at) for fact in facts}
    nearest = sorted(pairs, key=lambda pair: (-pair.score, pair.new_id, pair.known_id))

    def questions_about(count: int) -> list[JudgeQuestion]:
        return list(_pack(clusters.make_clusters(nearest[:count]), by_id))

    def fits(count: int) -> bool:
        asked = questions_about(count)
        return len(asked) <= max_calls and sum(judge.prompt_tokens(one.text()) for one in asked) <= budget

    if fits(len(nearest)):
        return questions_about(len(nearest))
    most = bisect.bisect_left(range(1, len(nearest)), True, key=lambda count: not fits(count))
    return questions_about(most)


def _pack(grouped: Sequence[Sequence[UUID]], by_id: Mapping[UUID, ShownFact]) -> Iterator[JudgeQuestion]:
    """Yield questions about clusters, as many in each as fit, the statements of a cluster in the order of time."""
    packed: list[list[ShownFact]] = []
    room = TOKENS_PER_QUESTION
    for cluster in grouped:
        shown = sorted((by_id[fact_id] for fact_id in cluster), key=lambda fact: (fact.said_at, fact.fact_id))
        size = sum(tokens.estimate(fact.line("N99 (2026-01-01)")) for fact in shown)
        if packed and size > room:
            yield _as_question(packed)
            packed, room = [], TOKENS_PER_QUESTION
        packed.append(shown)
        room -= size
    if packed:
        yield _as_question(packed)


def _as_question(grouped: Sequence[Sequence[ShownFact]]) -> JudgeQuestion:
    statements = tuple(fact for cluster in grouped for fact in cluster)
    return JudgeQuestion(known=(), new=statements, group_sizes=tuple(map(len, grouped)))
