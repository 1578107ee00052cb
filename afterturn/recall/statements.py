"""The SQL of recall as data: what to ask, and how to read the answers. Whoever holds a connection runs it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, LiteralString
from uuid import UUID

from afterturn.database import queries
from afterturn.embedding import items
from afterturn.memories import Evidence, Memory
from afterturn.recall import ranking
from afterturn.scopes import SessionScope, UserScope
from afterturn.turns import Turn

SQL = queries.load("recall")

#: How deep each ranking goes, at least; deeper finds little more.
DEPTH = 60

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement and its arguments."""

    sql: LiteralString
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class TurnKey:
    """Names an archived turn."""

    session_id: str
    position: int


def rankings(
    scope: UserScope, query: str, *, limit: int, space_id: int | None, vector: Sequence[float] | None
) -> list[Statement]:
    """Return the statements that rank the user's turns and facts for a question; without a vector, by words only."""
    arguments: dict[str, Any] = _owner(scope) | {"query": query, "depth": max(DEPTH, 3 * limit)}
    found = [Statement(SQL["lexical_turns"], arguments), Statement(SQL["lexical_facts"], arguments)]
    if space_id is not None and vector is not None:
        arguments |= {"space_id": space_id, "vector": items.to_text(vector)}
        found += [Statement(SQL["nearest_turns"], arguments), Statement(SQL["nearest_facts"], arguments)]
    return found


def fused(results: Sequence[Sequence[Row]], *, limit: int) -> dict[TurnKey | UUID, float]:
    """Return the `limit` best turns and facts with their scores, from the answers to `rankings`."""
    ranked: list[list[TurnKey | UUID]] = [
        [row["fact_id"] if "fact_id" in row else TurnKey(row["session_id"], row["position"]) for row in rows]
        for rows in results
    ]
    scores = ranking.fuse(ranked)
    return dict(list(scores.items())[:limit])


def details(scope: UserScope, scores: Mapping[TurnKey | UUID, float]) -> list[Statement]:
    """Return the statements that read the chosen facts, their evidence, and the chosen turns, in this order."""
    fact_ids = [key for key in scores if isinstance(key, UUID)]
    turn_keys = [key for key in scores if isinstance(key, TurnKey)]
    facts = _owner(scope) | {"fact_ids": fact_ids}
    turns = _owner(scope) | {
        "sessions": [key.session_id for key in turn_keys],
        "positions": [key.position for key in turn_keys],
    }
    return [Statement(SQL["facts"], facts), Statement(SQL["evidence"], facts), Statement(SQL["turns"], turns)]


def memories(results: Sequence[Sequence[Row]], scores: Mapping[TurnKey | UUID, float]) -> list[Memory]:
    """Return the memories, best first, from the answers to `details`."""
    facts, evidence, turns = results
    found = {row["fact_id"]: _fact(row, evidence, scores[row["fact_id"]]) for row in facts}
    for row in turns:
        key = TurnKey(row["session_id"], row["position"])
        found[key] = of_row(row, scores[key])
    return [found[key] for key in scores if key in found]


def newest(scope: UserScope, *, limit: int) -> Statement:
    """Return the statement for the user's newest turns, newest first."""
    return Statement(SQL["newest_turns"], _owner(scope) | {"limit": limit})


def session_turns(session: SessionScope, *, limit: int) -> Statement:
    """Return the statement for a session's last turns, newest first."""
    return Statement(SQL["session_turns"], session_key(session) | {"limit": limit})


def turn_of(row: Row) -> Turn:
    """Return the turn of one row of `session_turns`."""
    return Turn(**{**row, "memories_shown": tuple(row["memories_shown"])})


def session_key(session: SessionScope) -> dict[str, Any]:
    """Return a session row's key as query arguments."""
    return _owner(session.user) | {"session_id": session.session_id}


def of_row(row: Row, score: float) -> Memory:
    """Return the memory of an archived turn."""
    turn = Turn(
        turn_id=row["turn_id"],
        role=row["role"],
        content=row["content"],
        occurred_at=row["occurred_at"],
        name=row["name"],
        position=row["position"],
    )
    return of_turn(turn, row["session_id"], score)


def of_turn(turn: Turn, session_id: str, score: float) -> Memory:
    """Return the memory of a turn, archived or not. It is its own evidence."""
    said = Evidence(
        session_id=session_id,
        turn_id=turn.turn_id,
        position=turn.position,
        speaker=turn.speaker,
        said_at=turn.occurred_at,
        quote=turn.content,
    )
    return Memory(
        kind="turn",
        memory_id=turn.turn_id,
        text=turn.content,
        score=score,
        said_at=turn.occurred_at,
        session_id=session_id,
        evidence=(said,),
    )


def _fact(row: Row, evidence: Sequence[Row], score: float) -> Memory:
    return Memory(
        kind="fact",
        memory_id=str(row["fact_id"]),
        text=row["text"],
        score=score,
        said_at=row["said_at"],
        session_id=row["session_id"],
        evidence=tuple(
            Evidence(**{name: value for name, value in said.items() if name != "fact_id"})
            for said in evidence
            if said["fact_id"] == row["fact_id"]
        ),
        status=row["status"],
        category=row["category"],
        valid_from=row["valid_from"],
        valid_to=row["valid_to"],
        superseded_texts=tuple(row["superseded_texts"]),
    )


def _owner(scope: UserScope) -> dict[str, Any]:
    return {"tenant_id": scope.tenant_id, "user_id": scope.user_id}
