"""The SQL of recall: build its statements and decode the rows. The caller runs the statements."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

from afterturn import lives
from afterturn.database import queries
from afterturn.database.statement import Row, Statement
from afterturn.embedding import items
from afterturn.languages import texts
from afterturn.languages.texts import StemInput
from afterturn.lives import Times
from afterturn.memories import Evidence, Memory
from afterturn.recall.document_keys import EpisodeKey, Key, TurnKey
from afterturn.recall.filters import Filters
from afterturn.recall.question_text import MAX_CHARACTERS_IN_ALL, QuestionText, guess_language
from afterturn.redaction import credentials
from afterturn.scopes import SessionScope, UserScope
from afterturn.session_items import METADATA_KEY
from afterturn.turns import Turn

SQL = queries.load("recall")

#: The queries that read a memory, in the order of `documents.decode_document_set`.
MEMORY_QUERIES = (
    "question_words",
    "turn_features",
    "fact_features",
    "cosines",
    "evidence_features",
    "episode_features",
)
#: The queries of `features`, in order. The last one computes the stems of pending turns.
FEATURE_QUERIES = (*MEMORY_QUERIES, "pending_features")

#: This text in a query is replaced by a condition that selects documents.
_CONDITION: LiteralString = "/* condition */ true"
#: This text in a query is replaced by the time by which facts fade.
_CLOCK: LiteralString = "/* clock */ now()"
#: Conditions by query: only a memory that has no index.
_UNLESS_INDEXED = dict.fromkeys(
    ("turn_features", "fact_features", "cosines", "evidence_features"), SQL["unless_indexed"]
)
#: Conditions by query: only the documents with given keys.
_WITH_KEYS = {
    "turn_features": SQL["turns_with_keys"],
    "fact_features": SQL["facts_with_ids"],
    "cosines": SQL["vectors_with_items"],
    "evidence_features": SQL["facts_with_ids"],
}


@dataclass(frozen=True, slots=True)
class DocumentKeys:
    """The keys of some documents of a memory."""

    turns: Sequence[TurnKey]
    facts: Sequence[UUID]


def features(
    scope: UserScope,
    question: QuestionText,
    filters: Filters,
    *,
    space_id: int | None,
    vector: Sequence[float] | None,
    pending: Sequence[Turn],
    include_indexed: bool = False,
    keys: DocumentKeys | None = None,
    cosine_keys: DocumentKeys | None = None,
) -> list[Statement]:
    """Return the statements `FEATURE_QUERIES`, which read what ranking needs.

    Args:
        scope: whose memory.
        question: what is looked for.
        filters: mark the documents that pass.
        space_id: the embedding space of `vector`.
        vector: of the question; None: no cosines are read.
        pending: turns that are not archived.
        include_indexed: read all documents also of a memory that has an index.
        keys: read only these documents; None: all documents, of a memory without index.
        cosine_keys: read only the cosines of these; None: those of `keys`.
    """
    arguments = scope.key | filters.arguments()
    if keys is not None:
        arguments |= _key_arguments(keys, cosine_keys or keys)
    arguments |= {
        "space_id": space_id,
        "vector": None if vector is None else items.halfvec(vector),
        "with_episodes": "episode" in filters.kinds_or_default(),
        "question_words": question.words,
        "question_configurations": question.configurations,
        "all_characters": MAX_CHARACTERS_IN_ALL,
        "pending_said_at": newest_pending(pending),
    } | texts.as_columns([_stem_input(turn) for turn in pending])
    conditions = _WITH_KEYS if keys is not None else {} if include_indexed else _UNLESS_INDEXED
    sql = (
        SQL[name].replace(_CONDITION, conditions.get(name, _CONDITION)).replace(_CLOCK, SQL["clock"])
        for name in FEATURE_QUERIES
    )
    return [Statement(query_sql, arguments, is_binary=True) for query_sql in sql]


def _stem_input(turn: Turn) -> StemInput:
    text = f"{turn.name or ''} {turn.content}"
    return texts.stem_input(text, guess_language(text[:MAX_CHARACTERS_IN_ALL]))


def newest_pending(pending: Iterable[Turn]) -> datetime | None:
    """Return when the newest of some turns was said that are not archived; None without one."""
    return max((turn.occurred_at for turn in pending), default=None)


def details(scope: UserScope, keys: Iterable[Key], filters: Filters, pending: Iterable[Turn]) -> list[Statement]:
    """Return the statements that read memories by key: facts, evidence, turns, episodes and the turns of episodes."""
    times = {"time": filters.time, "as_of": filters.as_of, "pending_said_at": newest_pending(pending)}
    all_keys = list(keys)
    turn_keys = [key for key in all_keys if isinstance(key, TurnKey)]
    facts = scope.key | times | {"fact_ids": [key for key in all_keys if isinstance(key, UUID)]}
    turns = scope.key | {
        "sessions": [key.session_id for key in turn_keys],
        "positions": [key.position for key in turn_keys],
    }
    episodes = scope.key | {"batch_ids": [key.batch_id for key in all_keys if isinstance(key, EpisodeKey)]}
    return [
        Statement(SQL["facts"].replace(_CLOCK, SQL["clock"]), facts),
        Statement(SQL["evidence"], facts),
        Statement(SQL["turns"], turns),
        Statement(SQL["episodes"], episodes),
        Statement(SQL["episode_turns"], episodes),
    ]


def decode_memories(results: Sequence[Sequence[Row]]) -> dict[Key, Memory]:
    """Return the memories by key from the rows of `details`. Their scores are 0."""
    facts, evidence, turns, episodes, episode_turns = results
    memories: dict[Key, Memory] = {row["fact_id"]: _fact(row, evidence) for row in facts}
    memories |= {TurnKey(row["session_id"], row["position"]): decode_turn_memory(row, 0.0) for row in turns}
    memories |= {EpisodeKey(row["batch_id"]): _episode(row, episode_turns) for row in episodes}
    return memories


def newest_turns(scope: UserScope, *, limit: int) -> Statement:
    """Return the statement for the user's newest turns, newest first."""
    return Statement(SQL["newest_turns"], scope.key | {"limit": limit})


def session_turns(session: SessionScope, *, limit: int) -> Statement:
    """Return the statement for a session's last turns, newest first."""
    return Statement(SQL["session_turns"], session.key | {"limit": limit})


def session_items(session: SessionScope, *, limit: int | None) -> Statement:
    """Return the statement for the items of a session's last turns, newest first; a limit of None reads all."""
    arguments = {"limit": limit, "item_key": METADATA_KEY}
    return Statement(SQL["session_items"], session.key | arguments)


def turns_before(session: SessionScope, turn_id: str, *, limit: int) -> Statement:
    """Return the statement for one of a session's turns, and the turns before it, newest first."""
    return Statement(SQL["turns_before"], session.key | {"before": turn_id, "limit": limit})


def archived_turn(session: SessionScope, turn_id: str) -> Statement:
    """Return the statement for one of a session's turns, unless it is removed."""
    return Statement(SQL["archived_turn"], session.key | {"turn_id": turn_id})


def archived_turns(session: SessionScope, turn_ids: Sequence[str]) -> Statement:
    """Return the statement that finds those of these turns of a session that are archived."""
    return Statement(SQL["archived_turns"], session.key | {"turn_ids": list(turn_ids)})


def decode_turn(row: Row) -> Turn:
    """Return the turn in a row of `session_turns`."""
    return Turn(**{**row, "memories_shown": tuple(row["memories_shown"])})


def decode_turn_memory(row: Row, score: float) -> Memory:
    """Return an archived turn as a memory, from a row of the query `turns` or `newest_turns`."""
    turn = Turn(
        turn_id=row["turn_id"],
        role=row["role"],
        content=row["content"],
        occurred_at=row["occurred_at"],
        name=row["name"],
        position=row["position"],
    )
    return turn_as_memory(turn, row["session_id"], score)


def turn_as_memory(turn: Turn, session_id: str, score: float) -> Memory:
    """Return a turn, archived or pending, as a memory, without secrets. The turn is its own evidence."""
    content = credentials.redact(turn.content)
    evidence = Evidence(
        session_id=session_id,
        turn_id=turn.turn_id,
        position=turn.position,
        speaker=turn.speaker,
        said_at=turn.occurred_at,
        quote=content,
    )
    return Memory(
        kind="turn",
        memory_id=turn.turn_id,
        text=content,
        score=score,
        said_at=turn.occurred_at,
        session_id=session_id,
        evidence=(evidence,),
    )


def _fact(row: Row, evidence: Sequence[Row]) -> Memory:
    return Memory(
        kind="fact",
        memory_id=str(row["fact_id"]),
        text=row["text"],
        score=0.0,
        said_at=row["said_at"],
        session_id=row["session_id"],
        evidence=_evidence_of(evidence, "fact_id", row["fact_id"]),
        status=row["status"],
        category=row["category"],
        topics=tuple(row["topics"]),
        importance=row["importance"],
        valid_from=row["valid_from"],
        valid_to=row["valid_to"],
        life=row["life"],
        fades_at=row["fades_at"],
        is_outcome_unknown=row["status"] == "current"
        and lives.is_outcome_unknown(row["life"], _times_of(row), row["clock"]),
        superseded_texts=tuple(row["superseded_texts"]),
        contradicting_texts=tuple(row["contradicting_texts"]),
    )


def _times_of(row: Row) -> Times:
    return Times(
        valid_from=row["valid_from"],
        valid_to=row["valid_to"],
        said_at=row["said_at"],
        first_said_at=row["first_said_at"],
    )


def _episode(row: Row, turns: Sequence[Row]) -> Memory:
    return Memory(
        kind="episode",
        memory_id=str(row["batch_id"]),
        text=f"{row['title']}. {row['summary']}",
        score=0.0,
        said_at=row["ended_at"],
        session_id=row["session_id"],
        evidence=_evidence_of(turns, "batch_id", row["batch_id"]),
    )


def _evidence_of(rows: Sequence[Row], key_column: str, key: UUID) -> tuple[Evidence, ...]:
    """Return the evidence of one fact or episode, in the order in which it was said."""
    evidence = [
        Evidence(**{column: value for column, value in row.items() if column != key_column})
        for row in rows
        if row[key_column] == key
    ]
    return tuple(sorted(evidence, key=lambda said: (said.said_at, said.session_id, said.position or 0)))


def _key_arguments(keys: DocumentKeys, cosine_keys: DocumentKeys) -> dict[str, Any]:
    turn_items = [key.item for key in cosine_keys.turns]
    fact_items = [items.fact_name(fact_id) for fact_id in cosine_keys.facts]
    return {
        "sessions": [key.session_id for key in keys.turns],
        "positions": [key.position for key in keys.turns],
        "fact_ids": list(keys.facts),
        "kinds": ["turn"] * len(turn_items) + ["fact"] * len(fact_items),
        "items": turn_items + fact_items,
    }
