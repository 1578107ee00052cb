"""The documents that recall ranks, as columns of numbers: turns, facts and episodes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from afterturn.recall import stems
from afterturn.recall.document_keys import EpisodeKey, Key, TurnKey
from afterturn.recall.stems import Codes, QuestionWord

Numbers = NDArray[np.float64]
#: The place of a document is its index in the columns.
Places = NDArray[np.int64]
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Documents:
    """Columns of equal length. The turns of a session are adjacent and in order."""

    keys: Sequence[Key]
    #: The number of the document's session. A fact or an episode has a session number of its own.
    session: Places
    #: The name of the speaker, case folded; empty for facts and episodes.
    speaker: Sequence[str]
    #: 1 where a user speaks and for facts and episodes, else 0.
    is_user: Numbers
    #: Seconds since 1970.
    said_at: Numbers
    #: The cosine between the vectors of the document and of the question; nan where the document has no vector.
    cosine: Numbers
    #: The length of the document in stems.
    lengths: NDArray[np.int64]
    #: The stems of all documents, concatenated.
    codes: Codes
    #: Whether the document passes the filters.
    passes: NDArray[np.bool_]
    importance: Numbers
    is_superseded: NDArray[np.bool_]
    #: Whether a model or a person selected it as worth remembering. False for what the offline rules extract, because
    #: the rules extract every sentence that they can parse.
    is_chosen: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.keys)


#: Columns with one number per document.
_NUMBER_COLUMNS = ("is_user", "said_at", "cosine", "lengths", "passes", "importance", "is_superseded", "is_chosen")


@dataclass(frozen=True, slots=True)
class DocumentSet:
    """The documents of one user, with their relations to one question."""

    #: In the order of the question.
    question_words: Sequence[QuestionWord]
    turns: Documents
    facts: Documents
    episodes: Documents
    #: Pairs as two columns: the place of a fact among the facts, and the place of a turn that is its evidence.
    evidence: tuple[Places, Places]

    def standalone_facts(self) -> Places:
        """Return the places of the facts without evidence in the turns. Such a fact is a document of its own."""
        has_turn = np.zeros(len(self.facts), dtype=np.bool_)
        has_turn[self.evidence[0]] = True
        return np.flatnonzero(~has_turn)


def decode_document_set(
    question_words: Sequence[QuestionWord],
    turns: Row,
    facts: Row,
    cosines: Sequence[Row],
    evidence: Row,
    episodes: Row,
) -> DocumentSet:
    """Return the document set from the question's words and the rows of the queries of `MEMORY_QUERIES`."""
    cosine_of: dict[str, dict[str, float]] = defaultdict(dict)
    for row in cosines:
        cosine_of[row["kind"]].update(zip(row["items"], _decode_doubles(row["cosines"]).tolist(), strict=True))
    turn_documents = _turn_documents(turns, cosine_of.get("turn", {}))
    fact_ids = _decode_ids(facts["ids"])
    episode_keys = [EpisodeKey(batch_id) for batch_id in _decode_ids(episodes["ids"])]
    return DocumentSet(
        question_words=question_words,
        turns=turn_documents,
        facts=_other_documents(facts, fact_ids, cosine_of.get("fact", {})),
        episodes=_other_documents(episodes, episode_keys, cosine_of.get("episode", {})),
        evidence=_decode_evidence(evidence, fact_ids, turn_documents.keys),
    )


def concatenate(parts: Sequence[Documents]) -> Documents:
    """Return the documents of all parts in one set of columns; parts share no session."""
    sessions, first = [], 0
    for part in parts:
        sessions.append(part.session + first)
        first += int(part.session.max(initial=-1)) + 1
    return Documents(
        keys=[key for part in parts for key in part.keys],
        session=np.concatenate(sessions),
        speaker=[name for part in parts for name in part.speaker],
        **{name: np.concatenate([getattr(part, name) for part in parts]) for name in ("codes", *_NUMBER_COLUMNS)},
    )


def select(documents: Documents, places: Places) -> Documents:
    """Return the documents at these places; each gets a session of its own."""
    starts = np.concatenate([[0], np.cumsum(documents.lengths)])
    codes = [documents.codes[starts[place] : starts[place + 1]] for place in places.tolist()]
    return Documents(
        keys=[documents.keys[place] for place in places.tolist()],
        session=np.arange(len(places)),
        speaker=[documents.speaker[place] for place in places.tolist()],
        codes=np.concatenate([documents.codes[:0], *codes]),
        **{name: getattr(documents, name)[places] for name in _NUMBER_COLUMNS},
    )


def _turn_documents(row: Row, cosines: Mapping[str, float]) -> Documents:
    session_ids: list[str] = row["sessions"] or []
    numbers: dict[str, int] = {}
    session = [numbers.setdefault(session_id, len(numbers)) for session_id in session_ids]
    positions = _decode_longs(row["positions"]).tolist()
    return _documents(
        row,
        [TurnKey(session_id, position) for session_id, position in zip(session_ids, positions, strict=True)],
        cosines,
        session=np.array(session, dtype=np.int64),
        speaker=[(name or "").casefold() for name in row["speakers"] or ()],
        is_user=_decode_flags(row["is_user"]).astype(np.float64),
    )


def _other_documents(row: Row, keys: Sequence[Key], cosines: Mapping[str, float]) -> Documents:
    count = len(keys)
    return _documents(row, keys, cosines, session=np.arange(count), speaker=[""] * count, is_user=np.ones(count))


def _documents(row: Row, keys: Sequence[Key], cosines: Mapping[str, float], **columns: Any) -> Documents:
    return Documents(
        keys=keys,
        said_at=_decode_doubles(row["said_at"]),
        cosine=np.array([cosines.get(_vector_item(key), np.nan) for key in keys], dtype=np.float64),
        lengths=_decode_longs(row["lengths"]),
        codes=stems.decode_codes(row["stems"] or b""),
        passes=_decode_flags(row["passes"]),
        importance=_decode_doubles(row["importance"]),
        is_superseded=_decode_flags(row["is_superseded"]),
        is_chosen=_decode_flags(row["is_chosen"]),
        **columns,
    )


def _decode_evidence(row: Row, fact_ids: Sequence[UUID], turn_keys: Sequence[Key]) -> tuple[Places, Places]:
    fact_place = {fact_id: place for place, fact_id in enumerate(fact_ids)}
    turn_place = {key: place for place, key in enumerate(turn_keys)}
    evidence = zip(
        _decode_ids(row["ids"]), row["sessions"] or (), _decode_longs(row["positions"]).tolist(), strict=True
    )
    pairs = [
        (fact_place[fact_id], turn_place[TurnKey(session_id, position)])
        for fact_id, session_id, position in evidence
        if fact_id in fact_place and TurnKey(session_id, position) in turn_place
    ]
    places = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return places[:, 0], places[:, 1]


def _vector_item(key: Key) -> str:
    """Return the name of a document's vector."""
    match key:
        case TurnKey():
            return key.item
        case EpisodeKey():
            return str(key.batch_id)
        case _:
            return str(key)


def _decode_doubles(column: bytes | None) -> Numbers:
    return np.frombuffer(column or b"", dtype=">f8").astype(np.float64)


def _decode_longs(column: bytes | None) -> NDArray[np.int64]:
    return np.frombuffer(column or b"", dtype=">i8").astype(np.int64)


def _decode_flags(column: bytes | None) -> NDArray[np.bool_]:
    return np.frombuffer(column or b"", dtype=np.uint8).astype(np.bool_)


def _decode_ids(column: bytes | None) -> list[UUID]:
    column = column or b""
    return [UUID(bytes=column[start : start + 16]) for start in range(0, len(column), 16)]
