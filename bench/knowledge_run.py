"""Write a labelled conversation through the whole pipeline, with a model that answers from the labels."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, LiteralString

from afterturn.settings import Settings
from api_shim import MemoryClient
from bench.data.conversation import Conversation, Session, normalised
from bench.knowledge_plan import Plan
from bench.knowledge_score import Expected, FactRow, Miss, Score, score
from bench.ledger import Ledger
from harness.llm_server import GoldFact, Replay
from harness.llm_server.answers import ToolCall
from harness.llm_server.oracle import Oracle, in_turn
from harness.pipeline import Pipeline

#: The longest time of one round.
_ROUND_SECONDS = 300.0
#: The mark of a stale value that no judging call has shown.
NEVER_JUDGED = "never put to the judge"

_FACTS: LiteralString = """
SELECT f.text, f.status, f.recorded_at, f.superseded_at, n.text AS superseded_by,
       coalesce((SELECT jsonb_agg(jsonb_build_array(t.turn_id, e.quote) ORDER BY t.occurred_at, e.quote)
                 FROM evidence AS e
                 JOIN turns AS t USING (tenant_id, user_id, session_id, position)
                 WHERE e.tenant_id = f.tenant_id AND e.user_id = f.user_id AND e.fact_id = f.fact_id), '[]') AS evidence
FROM facts AS f
LEFT JOIN facts AS n ON n.tenant_id = f.tenant_id AND n.user_id = f.user_id AND n.fact_id = f.superseded_by
WHERE f.tenant_id = %(tenant_id)s AND f.user_id = %(user_id)s
ORDER BY f.recorded_at
"""
_TURNS: LiteralString = """
SELECT turn_id FROM turns WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s
"""
_COST: LiteralString = """
SELECT stage, count(*) AS calls, sum(prompt_tokens) AS prompt_tokens
FROM llm_calls WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s GROUP BY stage
"""
_REJECTED: LiteralString = """
SELECT reason, count(*) AS candidates
FROM rejections WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s GROUP BY reason ORDER BY reason
"""
_UNFINISHED: LiteralString = """
SELECT coalesce(reason, state) AS reason
FROM batches WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND state <> 'applied'
"""


Answer = str | Mapping[str, Any] | ToolCall | None
Answering = Callable[[Mapping[str, Any]], Answer]


class Script:
    """The `answer` of a server, which can be changed."""

    def __init__(self) -> None:
        self.answering: Answering = lambda request: None

    def __call__(self, request: Mapping[str, Any]) -> Answer:
        return self.answering(request)


@dataclass(slots=True)
class Result:
    """The result of one run, for one user or for all."""

    score: Score = field(default_factory=Score)
    turns: int = 0
    turns_lost: int = 0
    #: By stage.
    calls: Counter[str] = field(default_factory=Counter)
    prompt_tokens: Counter[str] = field(default_factory=Counter)
    judge_calls: int = 0
    judged_pairs: int = 0
    #: Rejected candidates, by reason.
    rejected: Counter[str] = field(default_factory=Counter)
    #: Batches that were not applied, by reason.
    unfinished: Counter[str] = field(default_factory=Counter)

    def add(self, other: Result) -> None:
        """Add another user's result to this one."""
        self.score.add(other.score)
        self.turns += other.turns
        self.turns_lost += other.turns_lost
        self.calls += other.calls
        self.prompt_tokens += other.prompt_tokens
        self.judge_calls += other.judge_calls
        self.judged_pairs += other.judged_pairs
        self.rejected += other.rejected
        self.unfinished += other.unfinished


def replayed(
    conversation: Conversation,
    plan: Plan,
    settings: Settings,
    script: Script,
    ledger: Ledger,
    *,
    tenant_id: str,
    advanced: Callable[[int], None],
) -> Result:
    """Write one conversation, process it completely, and score its facts.

    Args:
        script: the answers of the model of `settings`.
        tenant_id: a tenant without other data.
        advanced: called with the number of further processed turns.
    """
    turns = conversation.turns
    oracle = Oracle((update.old, update.new) for update in conversation.updates)
    replay = _replay(conversation, plan)
    script.answering = replay if settings.judge == "rules" else in_turn(oracle.with_relations(replay), oracle)
    with _pipeline(settings, plan) as pipeline:
        for sessions in plan.rounds:
            for session in sessions:
                for _ in range(2 if plan.is_unruly else 1):
                    _write(conversation.user_id, session, settings, tenant_id)
            pipeline.settle(seconds=_ROUND_SECONDS)
            if plan.is_unruly:
                _write(conversation.user_id, sessions[0], settings, tenant_id)
                pipeline.settle(seconds=_ROUND_SECONDS)
            advanced(sum(len(session.turns) for session in sessions))
    user = {"tenant_id": tenant_id, "user_id": conversation.user_id}
    archived = Counter(row["turn_id"] for row in ledger.rows(_TURNS, **user))
    scored = score(_facts(ledger, user), Expected(plan.gold, conversation.updates, turns))
    _say_what_was_asked(scored, oracle)
    cost = ledger.rows(_COST, **user)
    return Result(
        score=scored,
        turns=len(turns),
        turns_lost=len(turns.keys() - archived.keys()) + archived.total() - len(archived),
        calls=Counter({row["stage"]: row["calls"] for row in cost}),
        prompt_tokens=Counter({row["stage"]: int(row["prompt_tokens"]) for row in cost}),
        judge_calls=len(oracle.judging_calls),
        judged_pairs=sum(call.pairs for call in oracle.judging_calls),
        rejected=Counter({row["reason"]: row["candidates"] for row in ledger.rows(_REJECTED, **user)}),
        unfinished=Counter(str(row["reason"]) for row in ledger.rows(_UNFINISHED, **user)),
    )


def _replay(conversation: Conversation, plan: Plan) -> Replay:
    turns = conversation.turns
    replay = Replay()
    for number, gold in enumerate(plan.gold):
        fact = GoldFact(text=gold.text, name=f"gold-{number}", valid_from=gold.valid_from)
        for turn_id in gold.turn_ids:
            replay.add(turns[turn_id].content, [fact], at=turns[turn_id].at)
    return replay


def _write(user_id: str, session: Session, settings: Settings, tenant_id: str) -> None:
    memory = MemoryClient(user_id, session.session_id, tenant_id=tenant_id, settings=settings)
    memory.write_many(
        {
            "role": turn.role,
            "content": turn.content,
            "turn_id": turn.turn_id,
            "name": turn.name,
            "occurred_at": turn.at,
        }
        for turn in session.turns
    )
    memory.flush()


@contextmanager
def _pipeline(settings: Settings, plan: Plan) -> Iterator[Pipeline]:
    with UnrulyPipeline(settings) if plan.is_unruly else Pipeline(settings) as pipeline:
        yield pipeline


class UnrulyPipeline(Pipeline):
    """Delivers the hints in random order, and each one twice. The order is the same in every run."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._lot = random.Random(1)

    def step(self) -> str:
        """Run the stage of a random hint twice, and return its name."""
        waiting = self.hints.waiting
        waiting.rotate(-self._lot.randrange(len(waiting)))
        stage, arguments = waiting.popleft()
        self.do(stage, *arguments)
        self.do(stage, *arguments)
        return stage


def _facts(ledger: Ledger, user: Mapping[str, str]) -> list[FactRow]:
    rows = ledger.rows(_FACTS, **user)
    return [FactRow(**row | {"evidence": tuple((turn, quote) for turn, quote in row["evidence"])}) for row in rows]


def _say_what_was_asked(scored: Score, oracle: Oracle) -> None:
    """Note for each stale value whether a judging call has shown it."""
    for place, miss in enumerate(scored.misses):
        if miss.figure == "stale_current":
            was_asked = frozenset((normalised(miss.text), normalised(miss.why))) in oracle.seen
            why = f"{'judged' if was_asked else NEVER_JUDGED}: {miss.why}"
            scored.misses[place] = Miss(figure=miss.figure, text=miss.text, why=why)
