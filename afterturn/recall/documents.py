"""What recall ranks: turns, facts that rest on no turn that is shown, and episodes, as columns of numbers."""

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
from afterturn.recall.stems import Codes

Numbers = NDArray[np.float64]
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Documents:
    """Columns of equal length, a session's turns together and in order."""

    keys: Sequence[Key]
    #: Which session; documents that are no turns have one each.
    session: NDArray[np.int64]
    #: The speaker, case folded; empty where nobody speaks.
    speaker: Sequence[str]
    #: Whether a user speaks, or a document is about one.
    is_user: Numbers
    #: Seconds since 1970.
    said_at: Numbers
    #: To the question; nan where there is no vector.
    cosine: Numbers
    #: Stems per document, and all of them one after another.
    sizes: NDArray[np.int64]
    codes: Codes
    #: Whether the filters let it pass.
    passes: NDArray[np.bool_]
    importance: Numbers
    is_superseded: NDArray[np.bool_]
    #: Whether a model or a person took it for worth remembering. Rules take what they can read.
    is_chosen: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.keys)


#: Columns that can be joined and chosen from as they are.
_BY_DOCUMENT = ("is_user", "said_at", "cosine", "sizes", "passes", "importance", "is_superseded", "is_chosen")


@dataclass(frozen=True, slots=True)
class Memory:
    """A user's memory, as one question sees it."""

    #: Stems of the question, in its order.
    question_stems: Sequence[str]
    turns: Documents
    facts: Documents
    episodes: Documents
    #: Per piece of evidence: the place of the fact among the facts, and that of the turn among the turns.
    evidence: tuple[NDArray[np.int64], NDArray[np.int64]]


def read(
    question_stems: Sequence[Row],
    turns: Row,
    facts: Row,
    cosines: Sequence[Row],
    evidence: Row,
    episodes: Row,
) -> Memory:
    """Return the memory of the answers to `statements.features`."""
    near: dict[str, dict[str, float]] = defaultdict(dict)
    for row in cosines:
        near[row["kind"]].update(zip(row["items"], _doubles(row["cosines"]).tolist(), strict=True))
    turn_documents = _turns(turns, near.get("turn", {}))
    fact_ids = _ids(facts["ids"])
    fact_place = {key: place for place, key in enumerate(fact_ids)}
    turn_place = {key: place for place, key in enumerate(turn_documents.keys)}
    pairs = [
        (fact_place[fact_id], turn_place[TurnKey(session, position)])
        for fact_id, session, position in zip(
            _ids(evidence["ids"]), evidence["sessions"] or (), _longs(evidence["positions"]).tolist(), strict=True
        )
        if fact_id in fact_place and TurnKey(session, position) in turn_place
    ]
    places = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return Memory(
        question_stems=question_stems[0]["stems"] or () if question_stems else (),
        turns=turn_documents,
        facts=_others(facts, fact_ids, near.get("fact", {})),
        episodes=_others(
            episodes, [EpisodeKey(batch_id) for batch_id in _ids(episodes["ids"])], near.get("episode", {})
        ),
        evidence=(places[:, 0], places[:, 1]),
    )


def joined(parts: Sequence[Documents]) -> Documents:
    """Return documents one after another, their sessions apart."""
    sessions, first = [], 0
    for part in parts:
        sessions.append(part.session + first)
        first += int(part.session.max(initial=-1)) + 1
    return Documents(
        keys=[key for part in parts for key in part.keys],
        session=np.concatenate(sessions),
        speaker=[name for part in parts for name in part.speaker],
        **{name: np.concatenate([getattr(part, name) for part in parts]) for name in ("codes", *_BY_DOCUMENT)},
    )


def chosen(documents: Documents, places: NDArray[np.int64]) -> Documents:
    """Return some of the documents, by their places."""
    starts = np.concatenate([[0], np.cumsum(documents.sizes)])
    parts = [documents.codes[starts[place] : starts[place + 1]] for place in places.tolist()]
    return Documents(
        keys=[documents.keys[place] for place in places.tolist()],
        session=np.arange(len(places)),
        speaker=[documents.speaker[place] for place in places.tolist()],
        codes=np.concatenate([documents.codes[:0], *parts]),
        **{name: getattr(documents, name)[places] for name in _BY_DOCUMENT},
    )


def _turns(row: Row, near: Mapping[str, float]) -> Documents:
    sessions: list[str] = row["sessions"] or []
    numbers: dict[str, int] = {}
    session = [numbers.setdefault(name, len(numbers)) for name in sessions]
    positions = _longs(row["positions"]).tolist()
    return _documents(
        row,
        [TurnKey(name, position) for name, position in zip(sessions, positions, strict=True)],
        near,
        session=np.array(session, dtype=np.int64),
        speaker=[(name or "").casefold() for name in row["speakers"] or ()],
        is_user=_flags(row["is_user"]).astype(np.float64),
    )


def _others(row: Row, keys: Sequence[Key], near: Mapping[str, float]) -> Documents:
    count = len(keys)
    return _documents(row, keys, near, session=np.arange(count), speaker=[""] * count, is_user=np.ones(count))


def _documents(row: Row, keys: Sequence[Key], near: Mapping[str, float], **columns: Any) -> Documents:
    return Documents(
        keys=keys,
        said_at=_doubles(row["said_at"]),
        cosine=np.array([near.get(_item(key), np.nan) for key in keys], dtype=np.float64),
        sizes=_longs(row["sizes"]),
        codes=stems.codes_of(row["stems"] or b""),
        passes=_flags(row["passes"]),
        importance=_doubles(row["importance"]),
        is_superseded=_flags(row["is_superseded"]),
        is_chosen=_flags(row["is_chosen"]),
        **columns,
    )


def _item(key: Key) -> str:
    """Return the name of a document's vector."""
    match key:
        case TurnKey():
            return key.item
        case EpisodeKey():
            return str(key.batch_id)
        case _:
            return str(key)


def _doubles(held: bytes | None) -> Numbers:
    return np.frombuffer(held or b"", dtype=">f8").astype(np.float64)


def _longs(held: bytes | None) -> NDArray[np.int64]:
    return np.frombuffer(held or b"", dtype=">i8").astype(np.int64)


def _flags(held: bytes | None) -> NDArray[np.bool_]:
    return np.frombuffer(held or b"", dtype=np.uint8).astype(np.bool_)


def _ids(held: bytes | None) -> list[UUID]:
    held = held or b""
    return [UUID(bytes=held[start : start + 16]) for start in range(0, len(held), 16)]
