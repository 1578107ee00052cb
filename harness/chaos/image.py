"""An image of all memory in Postgres, without clock times and process names, so that two runs can be compared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, LiteralString

import psycopg

Row = tuple[Any, ...]

#: All columns except times of the servers' clocks (when a row was inserted or changed) and names of workers.
QUERIES: dict[str, LiteralString] = {
    "turns": "SELECT tenant_id, user_id, session_id, position, turn_id, role, name, content, metadata::text, "
    "memories_shown, tokens, occurred_at, removed_at IS NULL FROM turns",
    "batches": "SELECT tenant_id, user_id, session_id, batch_id, user_seq, first_position, last_position, tokens, "
    "cut_by, state, reason, attempts, prompt_version, model FROM batches",
    "answers": "SELECT tenant_id, user_id, batch_id, prompt_version, model, first_position, last_position, attempt, "
    "answer FROM answers",
    "facts": "SELECT tenant_id, user_id, fact_id, batch_id, session_id, text, category, topics, subject, attribute, "
    "value, importance, times_seen, status, superseded_by, valid_from, valid_to, said_valid_to, said_at, "
    "first_said_at, ended_because, origin, said_by, is_pinned FROM facts",
    "judgements": "SELECT tenant_id, user_id, input_digest, prompt_version, model, batch_id, answer FROM judgements",
    "evidence": "SELECT tenant_id, user_id, fact_id, session_id, position, quote, batch_id, is_inherited FROM evidence",
    "contradictions": "SELECT tenant_id, user_id, fact_id, other_id, said_at, settled_at IS NULL, settled_by, reason "
    "FROM contradictions",
    "compared_facts": "SELECT tenant_id, user_id, batch_id, fact_ids FROM compared_facts",
    "rejections": "SELECT tenant_id, user_id, batch_id, candidate_index, reason FROM rejections",
    "episodes": "SELECT tenant_id, user_id, batch_id, session_id, user_seq, title, summary, outcome, started_at, "
    "ended_at FROM episodes",
    "summaries": "SELECT tenant_id, user_id, session_id, text, statements::text, through_user_seq FROM summaries",
    "digests": "SELECT tenant_id, user_id, session_id, level, first_user_seq, last_user_seq, statements::text, "
    "prompt_version, model, is_folded FROM digests",
    "profiles": "SELECT tenant_id, user_id, text, fact_ids::text FROM profiles",
    "threads": "SELECT tenant_id, user_id, thread_id, input_digest, title, steps::text, state, started_at, "
    "last_said_at, prompt_version, model FROM threads",
    "thread_facts": "SELECT tenant_id, user_id, thread_id, step, fact_id FROM thread_facts",
    "vectors": "SELECT tenant_id, user_id, space_id, kind, item, embedding::text FROM vectors",
    "sessions": "SELECT tenant_id, user_id, session_id, next_position, cut_through, uncut_tokens, applied_through, "
    "summarized_through FROM sessions",
    "users": "SELECT tenant_id, user_id, next_user_seq, display_name FROM users",
}

#: Who was asked what. It depends on the order in which batches are extracted; what is then remembered does not.
ASKED = frozenset({"answers", "judgements", "compared_facts"})


@dataclass(frozen=True, slots=True)
class Image:
    """The rows of each table, sorted."""

    tables: dict[str, list[Row]] = field(default_factory=dict)

    def differences(self, other: Image) -> dict[str, tuple[list[Row], list[Row]]]:
        """Return, for each different table, the rows that only this image has and those that only the other has."""
        found = {}
        for name, rows in self.tables.items():
            ours, theirs = Counter(rows), Counter(other.tables[name])
            if ours != theirs:
                found[name] = (list((ours - theirs).elements()), list((theirs - ours).elements()))
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Losses:
    """The lost and doubled rows of a run, compared with the uninterrupted run."""

    turns_lost: int
    turns_doubled: int
    facts_lost: int
    facts_doubled: int


def read_image(connection: psycopg.Connection[Any]) -> Image:
    """Return the image of the present memory."""
    tables = {}
    for name, query in QUERIES.items():
        rows = [tuple(_plain(value) for value in row) for row in connection.execute(query).fetchall()]
        tables[name] = sorted(rows, key=repr)
    return Image(tables)


def losses(expected: Image, found: Image) -> Losses:
    """Count lost and doubled turns by their ids, and facts by their texts and numbers of mentions."""
    turns_lost, turns_doubled = _missing_and_more(*(_turn_ids(image.tables["turns"]) for image in (expected, found)))
    facts_lost, facts_doubled = _missing_and_more(*(_facts(image.tables["facts"]) for image in (expected, found)))
    return Losses(
        turns_lost=turns_lost, turns_doubled=turns_doubled, facts_lost=facts_lost, facts_doubled=facts_doubled
    )


def _missing_and_more(expected: Counter[Row], found: Counter[Row]) -> tuple[int, int]:
    return (expected - found).total(), (found - expected).total()


def _turn_ids(rows: Sequence[Row]) -> Counter[Row]:
    return Counter((row[0], row[1], row[2], row[4]) for row in rows)


def _facts(rows: Sequence[Row]) -> Counter[Row]:
    counted: Counter[Row] = Counter()
    for row in rows:
        counted[(row[0], row[1], row[5], row[13])] += row[12]
    return counted


def _plain(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
