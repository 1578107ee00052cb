"""Insert synthetic memories into the tables with COPY, as the pipeline would have stored them."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import LiteralString

import psycopg

from harness.synthetic import TURNS_PER_SESSION, SyntheticMemory, Vectors, Vocabulary

TENANT = "default"

_USERS: LiteralString = "COPY users (tenant_id, user_id, version, next_user_seq, slept_version) FROM STDIN"
_SESSIONS: LiteralString = (
    "COPY sessions (tenant_id, user_id, session_id, next_position, cut_through, applied_through, summarized_through,"
    " last_archived_at) FROM STDIN"
)
_BATCHES: LiteralString = (
    "COPY batches (tenant_id, user_id, batch_id, session_id, user_seq, first_position, last_position, tokens, cut_by,"
    " state, created_at, extracted_at, embedded_at, applied_at) FROM STDIN"
)
_TURNS: LiteralString = (
    "COPY turns (tenant_id, user_id, session_id, position, turn_id, role, agent_id, content, tokens, occurred_at,"
    " written_at, archived_at) FROM STDIN"
)
_FACTS: LiteralString = (
    "COPY facts (tenant_id, user_id, fact_id, batch_id, session_id, text, category, topics, importance, said_at,"
    " recorded_at) FROM STDIN"
)
_EVIDENCE: LiteralString = (
    "COPY evidence (tenant_id, user_id, fact_id, session_id, position, quote, batch_id) FROM STDIN"
)
_VECTORS: LiteralString = (
    "COPY vectors (tenant_id, user_id, space_id, kind, item, embedding) FROM STDIN WITH (FORMAT binary)"
)
AGENTS = ("butler", "clerk")
#: The approximate number of rows of one COPY. It limits the memory of the loader.
FACTS_AT_ONCE = 20_000


@contextmanager
def loading(url: str) -> Iterator[psycopg.Connection]:
    """Yield a connection for loading. Its commits do not wait for the disk."""
    with psycopg.connect(url, autocommit=True, options="-c synchronous_commit=off") as connection:
        yield connection


def put(
    connection: psycopg.Connection, users: Sequence[SyntheticMemory], space_id: int, vocabulary: Vocabulary
) -> None:
    """Insert these users and their data, except data that recall does not read: answers, calls, summaries."""
    with connection.transaction():
        _copied(connection, _USERS, (row for said in users for row in _user(said)))
        _copied(connection, _SESSIONS, (row for said in users for row in _sessions(said)))
        _copied(connection, _BATCHES, (row for said in users for row in _batches(said)))
        texts = [[vocabulary.text(words) for words in said.facts] for said in users]
        _copied(connection, _TURNS, (row for said in users for row in _turns(said, vocabulary)))
        _copied(
            connection, _FACTS, (row for said, facts in zip(users, texts, strict=True) for row in _facts(said, facts))
        )
        _copied(
            connection,
            _EVIDENCE,
            (row for said, facts in zip(users, texts, strict=True) for row in _evidence(said, facts)),
        )
        # A trigger gave them the stems of English, which are those that brute force expects.
        connection.execute("UPDATE users SET owes_stems = false WHERE owes_stems")
        with connection.cursor().copy(_VECTORS) as copy:
            copy.write(b"PGCOPY\n\xff\r\n\0" + bytes(8))
            for said in users:
                copy.write(b"".join(_vectors(said, space_id)))
            copy.write(b"\xff\xff")


def agent_of(turn: int) -> str:
    """Return the agent that wrote a turn. The agents alternate by session."""
    return AGENTS[turn // TURNS_PER_SESSION % len(AGENTS)]


def _copied(connection: psycopg.Connection, statement: LiteralString, rows: Iterable[Sequence[object]]) -> None:
    with connection.cursor().copy(statement) as copy:
        copy.write("".join(["\t".join(map(str, row)) + "\n" for row in rows]))


def _user(said: SyntheticMemory) -> Iterator[Sequence[object]]:
    sessions = _session_count(said)
    yield TENANT, said.user_id, sessions, sessions + 1, sessions


def _sessions(said: SyntheticMemory) -> Iterator[Sequence[object]]:
    for number in range(_session_count(said)):
        first, last = _ends(said, number)
        turns = last - first + 1
        seq = number + 1
        yield TENANT, said.user_id, said.session_of(first), turns + 1, turns, seq, seq, said.said_at(last)


def _batches(said: SyntheticMemory) -> Iterator[Sequence[object]]:
    for number in range(_session_count(said)):
        first, last = _ends(said, number)
        at: datetime = said.said_at(last)
        session, turns = said.session_of(first), last - first + 1
        yield (
            TENANT, said.user_id, said.batch_of(first), session, number + 1, 1, turns, turns * 40, "size", "applied",
            at, at, at, at,
        )  # fmt: skip


def _turns(said: SyntheticMemory, vocabulary: Vocabulary) -> Iterator[Sequence[object]]:
    for turn, words in enumerate(said.turns):
        at = said.said_at(turn)
        session, role = said.session_of(turn), "assistant" if turn % 2 else "user"
        yield (
            TENANT, said.user_id, session, said.position_of(turn), f"turn-{turn}", role, agent_of(turn),
            vocabulary.text(words), 40, at, at, at,
        )  # fmt: skip


def _facts(said: SyntheticMemory, texts: Sequence[str]) -> Iterator[Sequence[object]]:
    for fact, (fact_id, text) in enumerate(zip(said.fact_ids, texts, strict=True)):
        turn = said.turn_of(fact)
        at = said.said_at(turn)
        yield (
            TENANT, said.user_id, fact_id, said.batch_of(turn), said.session_of(turn), text, "event",
            f"{{{said.topic_of(fact)}}}", said.importance[fact], at, at,
        )  # fmt: skip


def _evidence(said: SyntheticMemory, texts: Sequence[str]) -> Iterator[Sequence[object]]:
    for fact, (fact_id, text) in enumerate(zip(said.fact_ids, texts, strict=True)):
        turn = said.turn_of(fact)
        session, position = said.session_of(turn), said.position_of(turn)
        yield TENANT, said.user_id, fact_id, session, position, text, said.batch_of(turn)


def _vectors(said: SyntheticMemory, space_id: int) -> Iterator[bytes]:
    """Yield rows in Postgres's binary format, which loads ten times as fast as text."""
    names = [str(fact_id) for fact_id in said.fact_ids]
    yield from _rows_of_vectors(said, space_id, "fact", names, said.fact_vectors)
    names = [f"{said.session_of(turn)}/{said.position_of(turn)}" for turn in range(len(said.turns))]
    yield from _rows_of_vectors(said, space_id, "turn", names, said.turn_vectors)


def _rows_of_vectors(
    said: SyntheticMemory, space_id: int, kind: str, names: Sequence[str], vectors: Vectors
) -> Iterator[bytes]:
    start = struct.pack(">h", 6)
    start += b"".join(map(_field, (TENANT.encode(), said.user_id.encode(), struct.pack(">h", space_id), kind.encode())))
    dimension = vectors.shape[1]
    header = struct.pack(">ihh", 2 * dimension + 4, dimension, 0)
    encoded = vectors.astype(">f2").tobytes()
    for place, name in enumerate(names):
        yield start + _field(name.encode()) + header + encoded[2 * dimension * place : 2 * dimension * (place + 1)]


def _field(value: bytes) -> bytes:
    return struct.pack(">i", len(value)) + value


def _session_count(said: SyntheticMemory) -> int:
    return -(-len(said.turns) // TURNS_PER_SESSION)


def _ends(said: SyntheticMemory, number: int) -> tuple[int, int]:
    """Return the first and last turn of a session."""
    return number * TURNS_PER_SESSION, min(len(said.turns), (number + 1) * TURNS_PER_SESSION) - 1
