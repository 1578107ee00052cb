"""The SQL of recall as data: what to ask, and how to read the answers. Whoever holds a connection runs it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, LiteralString
from uuid import UUID

from afterturn.database import queries
from afterturn.embedding import items
from afterturn.memories import Evidence, Memory
from afterturn.recall.documents import EpisodeKey, Key, TurnKey
from afterturn.recall.filters import Filters
from afterturn.scopes import SessionScope, UserScope
from afterturn.turns import Turn

SQL = queries.load("recall")

Row = Mapping[str, Any]

#: The queries of `features`, in this order.
FEATURES = (
    "question_stems",
    "turn_features",
    "fact_features",
    "cosines",
    "evidence_features",
    "episode_features",
    "pending_features",
)


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement and its arguments."""

    sql: LiteralString
    arguments: Mapping[str, Any]
    #: The answer comes in binary: numbers as bytes.
    is_binary: bool = False


def features(
    scope: UserScope,
    query: str,
    filters: Filters,
    *,
    space_id: int | None,
    vector: Sequence[float] | None,
    pending: Sequence[Turn],
) -> list[Statement]:
    """Return the statements that read what ranking needs; without a vector, it goes by words only."""
    arguments = _owner(scope) | filters.arguments()
    arguments |= {
        "query": query,
        "space_id": space_id,
        "vector": None if vector is None else items.to_text(vector),
        "with_episodes": "episode" in filters.wanted_kinds(),
        "pending": [f"{turn.name or ''} {turn.content}" for turn in pending],
    }
    return [Statement(SQL[name], arguments, is_binary=True) for name in FEATURES]


def details(scope: UserScope, keys: Iterable[Key]) -> list[Statement]:
    """Return the statements that read the chosen memories: facts, evidence, turns, episodes and their turns."""
    chosen = list(keys)
    turn_keys = [key for key in chosen if isinstance(key, TurnKey)]
    facts = _owner(scope) | {"fact_ids": [key for key in chosen if isinstance(key, UUID)]}
    turns = _owner(scope) | {
        "sessions": [key.session_id for key in turn_keys],
        "positions": [key.position for key in turn_keys],
    }
    episodes = _owner(scope) | {"batch_ids": [key.batch_id for key in chosen if isinstance(key, EpisodeKey)]}
    return [
        Statement(SQL["facts"], facts),
        Statement(SQL["evidence"], facts),
        Statement(SQL["turns"], turns),
        Statement(SQL["episodes"], episodes),
        Statement(SQL["episode_turns"], episodes),
    ]


def memories(results: Sequence[Sequence[Row]]) -> dict[Key, Memory]:
    """Return the memories by their keys, from the answers to `details`; their scores are 0."""
    facts, evidence, turns, episodes, episode_turns = results
    found: dict[Key, Memory] = {row["fact_id"]: _fact(row, evidence) for row in facts}
    found |= {TurnKey(row["session_id"], row["position"]): of_row(row, 0.0) for row in turns}
    found |= {EpisodeKey(row["batch_id"]): _episode(row, episode_turns) for row in episodes}
    return found


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


def _fact(row: Row, evidence: Sequence[Row]) -> Memory:
    return Memory(
        kind="fact",
        memory_id=str(row["fact_id"]),
        text=row["text"],
        score=0.0,
        said_at=row["said_at"],
        session_id=row["session_id"],
        evidence=_evidence(evidence, "fact_id", row["fact_id"]),
        status=row["status"],
        category=row["category"],
        topics=tuple(row["topics"]),
        importance=row["importance"],
        valid_from=row["valid_from"],
        valid_to=row["valid_to"],
        superseded_texts=tuple(row["superseded_texts"]),
    )


def _episode(row: Row, turns: Sequence[Row]) -> Memory:
    return Memory(
        kind="episode",
        memory_id=str(row["batch_id"]),
        text=f"{row['title']}. {row['summary']}",
        score=0.0,
        said_at=row["ended_at"],
        session_id=row["session_id"],
        evidence=_evidence(turns, "batch_id", row["batch_id"]),
    )


def _evidence(rows: Sequence[Row], name: str, key: UUID) -> tuple[Evidence, ...]:
    return tuple(
        Evidence(**{column: value for column, value in row.items() if column != name})
        for row in rows
        if row[name] == key
    )


def _owner(scope: UserScope) -> dict[str, Any]:
    return {"tenant_id": scope.tenant_id, "user_id": scope.user_id}
