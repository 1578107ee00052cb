"""Read from Postgres what happened to the turns: counts, losses, cost."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, LiteralString

import psycopg
from psycopg.rows import DictRow, dict_row

from afterturn.extraction.batch_extraction import EMPTY_ANSWER
from bench.report import Value

_COUNTS: dict[str, LiteralString] = {
    "turns": "SELECT count(*) AS found FROM turns",
    "facts": "SELECT count(*) AS found FROM facts",
    "batches": "SELECT count(*) AS found FROM batches",
    "owed summaries": "SELECT count(*) AS found FROM sessions WHERE summarized_through < applied_through",
}

#: Each turn was written once with different words, and the test LLM makes one fact of each.
_TURNS: LiteralString = """
SELECT count(DISTINCT (user_id, content)) AS distinct_turns, count(*) AS turns FROM turns
"""
_FACTS: LiteralString = """
SELECT count(DISTINCT (f.user_id, f.text)) AS distinct_facts, coalesce(sum(f.times_seen), 0) AS seen,
       count(*) FILTER (WHERE v.item IS NULL) AS without_vector
FROM facts AS f
LEFT JOIN vectors AS v
       ON v.tenant_id = f.tenant_id AND v.user_id = f.user_id AND v.kind = 'fact' AND v.item = f.fact_id::text
"""
#: Turns of batches that contain only small talk. They make no fact, and cost no call.
_SMALL_TALK: LiteralString = """
SELECT coalesce(sum(b.last_position - b.first_position + 1), 0)::bigint AS turns
FROM batches AS b
WHERE NOT EXISTS (SELECT FROM llm_calls AS c WHERE c.batch_id = b.batch_id) AND EXISTS (
    SELECT FROM answers AS a
    WHERE (a.tenant_id, a.user_id, a.batch_id) = (b.tenant_id, b.user_id, b.batch_id) AND a.answer = %(empty_answer)s
)
"""
_COST: LiteralString = """
SELECT stage, count(*) AS calls, sum(prompt_tokens) AS prompt_tokens, sum(completion_tokens) AS completion_tokens
FROM llm_calls GROUP BY stage
"""
_SAID: LiteralString = "SELECT coalesce(sum(tokens), 0) AS tokens FROM turns"
_STAGES: LiteralString = """
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM extracted_at - created_at)) AS extract,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM embedded_at - extracted_at)) AS embed,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM applied_at - embedded_at)) AS consolidate
FROM batches WHERE state = 'applied'
"""


class Ledger:
    """Reads the rows of all users."""

    def __init__(self, connection: psycopg.Connection[DictRow]) -> None:
        self._connection = connection

    def rows(self, query: LiteralString, **arguments: Any) -> list[DictRow]:
        """Return the rows of a query."""
        return self._connection.execute(query, arguments).fetchall()

    def count(self, what: str) -> int:
        """Return the present number of `turns`, `facts` or `owed summaries`."""
        return int(self.rows(_COUNTS[what])[0]["found"])

    def losses(self, written: int) -> dict[str, Value]:
        """Return the numbers of lost and doubled turns and facts, of `written` turns."""
        turns, facts = self.rows(_TURNS)[0], self.rows(_FACTS)[0]
        small_talk = self.rows(_SMALL_TALK, empty_answer=EMPTY_ANSWER)[0]["turns"]
        return {
            "lost": written - turns["distinct_turns"],
            "doubled": turns["turns"] - turns["distinct_turns"],
            "facts_lost": written - facts["distinct_facts"] - int(small_talk),
            "facts_doubled": int(facts["seen"]) - facts["distinct_facts"],
            "facts_without_vector": facts["without_vector"],
        }

    def cost(self, written: int) -> dict[str, Value]:
        """Return calls and tokens per 100 turns, as the pipeline has recorded them."""
        by_stage = {row["stage"]: row for row in self.rows(_COST)}
        calls = {stage: int(row["calls"]) for stage, row in by_stage.items()}
        prompt, completion = (
            sum(int(row[column]) for row in by_stage.values()) for column in ("prompt_tokens", "completion_tokens")
        )
        said = int(self.rows(_SAID)[0]["tokens"])
        return {
            "llm_calls_per_100_turns": 100 * sum(calls.values()) / written,
            "prompt_tokens_per_100_turns": 100 * prompt / written,
            "completion_tokens_per_100_turns": 100 * completion / written,
            "prompt_tokens_per_token_said": prompt / said if said else None,
            "extract_calls": calls.get("extract", 0),
            "judge_calls": calls.get("judge", 0),
            "summarize_calls": calls.get("summarize", 0),
        }

    def stage_seconds(self) -> dict[str, Value]:
        """Return the median time of a batch in each stage, including its wait."""
        row = self.rows(_STAGES)[0]
        return {f"{stage}_p50_s": None if seconds is None else float(seconds) for stage, seconds in row.items()}


@contextmanager
def opened(postgres_url: str) -> Iterator[Ledger]:
    """Open the ledger of a database, with a role that can read all rows."""
    with psycopg.connect(postgres_url, autocommit=True, row_factory=dict_row) as connection:
        yield Ledger(connection)
