"""The SQL of recall as data: what to ask, and how to read the answers. Whoever holds a connection runs it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, LiteralString
from uuid import UUID

from afterturn.database import queries
from afterturn.database.statement import Row, Statement
from afterturn.embedding import items
from afterturn.memories import Evidence, Memory
from afterturn.recall.document_keys import EpisodeKey, Key, TurnKey
from afterturn.recall.filters import Filters
from afterturn.scopes import SessionScope, UserScope
from afterturn.turns import Turn

SQL = queries.load("recall")

#: The queries of `features`, in this order: those of the memory, and that of what is not archived yet.
OF_MEMORY = ("question_stems", "turn_features", "fact_features", "cosines", "evidence_features", "episode_features")
FEATURES = (*OF_MEMORY, "pending_features")

#: Where a query is told which documents to read, and what it is told.
_MARK: LiteralString = "/* which */ true"
_MARKED = ("turn_features", "fact_features", "cosines", "evidence_features")
UNLESS_INDEXED = dict.fromkeys(_MARKED, SQL["unless_indexed"])
NAMED = {
    "turn_features": SQL["named_turns"],
    "fact_features": SQL["named_facts"],
    "cosines": SQL["named_vectors"],
    "evidence_features": SQL["named_facts"],
}


@dataclass(frozen=True, slots=True)
class Named:
    """Some of a memory's documents."""

    turns: Sequence[TurnKey]
    facts: Sequence[UUID]


def features(
    scope: UserScope,
    query: str,
    filters: Filters,
    *,
    space_id: int | None,
    vector: Sequence[float] | None,
    pending: Sequence[Turn],
    is_whole: bool = False,
    named: Named | None = None,
    compared: Named | None = None,
) -> list[Statement]:
    """Return the statements that read what ranking needs; without a vector, it goes by words only.

    They read what is `named`; where nothing is, all of a memory, of one that is indexed only if `is_whole`. The cosines
    are those of what is `compared`, where it is other than what is named.
    """
    arguments = scope.key | filters.arguments() | ({} if named is None else _names(named, compared or named))
    arguments |= {
        "query": query,
        "space_id": space_id,
        "vector": None if vector is None else items.halfvec(vector),
        "with_episodes": "episode" in filters.wanted_kinds(),
        "pending": [f"{turn.name or ''} {turn.content}" for turn in pending],
    }
    which = NAMED if named is not None else {} if is_whole else UNLESS_INDEXED
    return [
        Statement(SQL[name].replace(_MARK, which[name]) if name in which else SQL[name], arguments, is_binary=True)
        for name in FEATURES
    ]


def details(scope: UserScope, keys: Iterable[Key]) -> list[Statement]:
    """Return the statements that read the chosen memories: facts, evidence, turns, episodes and their turns."""
    chosen = list(keys)
    turn_keys = [key for key in chosen if isinstance(key, TurnKey)]
    facts = scope.key | {"fact_ids": [key for key in chosen if isinstance(key, UUID)]}
    turns = scope.key | {
        "sessions": [key.session_id for key in turn_keys],
        "positions": [key.position for key in turn_keys],
    }
    episodes = scope.key | {"batch_ids": [key.batch_id for key in chosen if isinstance(key, EpisodeKey)]}
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
    return Statement(SQL["newest_turns"], scope.key | {"limit": limit})


def session_turns(session: SessionScope, *, limit: int) -> Statement:
    """Return the statement for a session's last turns, newest first."""
    return Statement(SQL["session_turns"], session.key | {"limit": limit})


def turn_of(row: Row) -> Turn:
    """Return the turn of one row of `session_turns`."""
    return Turn(**{**row, "memories_shown": tuple(row["memories_shown"])})


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
    """Return the evidence of one fact or episode, in the order in which it was said."""
    found = [
        Evidence(**{column: value for column, value in row.items() if column != name})
        for row in rows
        if row[name] == key
    ]
    return tuple(sorted(found, key=lambda said: (said.said_at, said.session_id, said.position or 0)))


def _names(named: Named, compared: Named) -> dict[str, Any]:
    turn_items = [key.item for key in compared.turns]
    return {
        "sessions": [key.session_id for key in named.turns],
        "positions": [key.position for key in named.turns],
        "fact_ids": list(named.facts),
        "kinds": ["turn"] * len(compared.turns) + ["fact"] * len(compared.facts),
        "items": turn_items + [items.fact_name(fact_id) for fact_id in compared.facts],
    }
