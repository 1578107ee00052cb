"""One question to a large memory, without I/O: what to read of the index, then which documents, and their ranking."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afterturn.database import queries
from afterturn.database.statement import Answers, Statement, Steps
from afterturn.embedding import items
from afterturn.recall import documents, memory_queries, stems
from afterturn.recall.document_keys import TurnKey
from afterturn.recall.documents import Memory, Row
from afterturn.recall.filters import Filters
from afterturn.recall.memory_queries import Named
from afterturn.recall.ranking import Ranked, Ranking
from afterturn.recall.vector_index import columns
from afterturn.recall.vector_index.columns import Columns, Places
from afterturn.recall.vector_index.index_features import Question
from afterturn.scopes import UserScope

_SQL = queries.load("large")

#: Cells that are looked into. More: nearer to the exact answer, and slower.
PROBES = 12
#: Documents that are read and ranked; and how many where filters leave too few of the first. Then all are.
CANDIDATES = (160, 2_000)
#: How many times as many are looked at before, by the index alone but for their cosines.
PROMISING = 4
#: What was committed this long before the index's documents were read may have been missing among them: longer than any
#: transaction that writes turns or facts may last.
MARGIN = timedelta(minutes=10)
#: Turns and facts that came since, at most: where there are more, all documents are read.
MOST_NEW = 20_000

_NOTHING = Named((), ())


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One recall."""

    user: UserScope
    question: str
    vector: Sequence[float] | None
    space_id: int | None
    filters: Filters
    kinds: frozenset[str]
    #: How many results are wanted at least, where there are as many.
    wanted: int


def index(user: UserScope) -> Statement:
    """Return the statement that tells whether a memory is indexed."""
    return Statement(_SQL["index"], user.key)


def ranked(
    asked: Asked, indexed: Row, question_stems: Sequence[str], with_pending: Callable[[Memory], Memory]
) -> Steps[list[Ranked] | None]:
    """Yield statements, take their answers, and return the best results in order.

    None where the index cannot answer: what it does not know is asked for, or too few of the documents that it names
    pass the filters. Then all of the memory is to be read.

    Args:
        asked: what is asked for.
        indexed: the answer to `index`.
        question_stems: in the question's order.
        with_pending: adds the turns that no worker has seen yet.
    """
    if not _can_answer(asked, indexed):
        return None
    read = yield _of_index(asked, indexed, question_stems)
    held, postings, near, grown, new, still = read
    if not held or not still or still[0]["build"] != indexed["build"]:
        # A newer index has taken its place just now.
        return None
    known = columns.unpacked(held[0])
    since = _since(known, grown, new)
    if len(since.turns) + len(since.facts) > MOST_NEW:
        return None
    question = Question(known, asked.question, question_stems, asked.vector, postings, near)
    may_be = np.flatnonzero(_may_be(known, asked))
    for count in CANDIDATES:
        promising = question.best(PROMISING * count, may_be)
        if asked.vector is not None:
            turns, facts = question.unknown(promising, question.resting_on(promising))
            answers = yield [_cosines(asked, _named(known, turns, facts))]
            question.learn(answers[0], turns, facts)
        best = question.best(count, promising)
        turns, facts = best[best < known.turns], question.resting_on(best)
        answers = yield _features(asked, _named(known, turns, facts, since), compared=since)
        memory = with_pending(read_memory(question_stems, answers, question.learnt(turns, facts)))
        found = Ranking(asked.question, memory, asked.kinds, question).results()
        results = list(itertools.islice(found, asked.wanted))
        if len(results) == asked.wanted:
            return results
    return None


def read_memory(question_stems: Sequence[str], answers: Answers, cosines: Sequence[Row] = ()) -> Memory:
    """Return the documents that were read, with the cosines that were read of them or are known already."""
    _, turns, facts, new, evidence, episodes, *_ = answers
    return documents.read([{"stems": question_stems}], turns[0], facts[0], [*cosines, *new], evidence[0], episodes[0])


def _can_answer(asked: Asked, indexed: Row) -> bool:
    filters = asked.filters
    return (
        "episode" not in asked.kinds
        and filters.as_of is None
        and not filters.include_superseded
        and asked.wanted <= CANDIDATES[0]
        and bool(stems.words(asked.question))
        and (asked.vector is None or asked.space_id == indexed["space_id"])
    )


def _of_index(asked: Asked, indexed: Row, question_stems: Sequence[str]) -> list[Statement]:
    arguments: dict[str, Any] = asked.user.key | {
        "build": indexed["build"],
        "since": indexed["read_at"] - MARGIN,
        "stems": [stems.code(stem).to_bytes(4, "big") for stem in question_stems[: 2 * stems.MOST_STEMS]],
        "vector": None if asked.vector is None else items.halfvec(asked.vector),
        "probes": PROBES,
    }
    names = ("columns", "postings", "cells", "grown_sessions", "new_facts", "index")
    return [Statement(_SQL[name], arguments, is_binary=True) for name in names]


def _features(asked: Asked, named: Named, compared: Named | None = None) -> list[Statement]:
    return memory_queries.features(
        asked.user,
        asked.question,
        replace(asked.filters, kinds=asked.kinds),
        space_id=asked.space_id,
        vector=asked.vector,
        pending=(),
        named=named,
        compared=compared,
    )[: len(memory_queries.OF_MEMORY)]


def _cosines(asked: Asked, named: Named) -> Statement:
    return _features(asked, named)[memory_queries.OF_MEMORY.index("cosines")]


def _named(known: Columns, turns: Places, facts: Places, others: Named = _NOTHING) -> Named:
    return Named(
        list(dict.fromkeys([*map(known.turn_key, turns.tolist()), *others.turns])),
        list(dict.fromkeys([*map(known.fact_id, facts.tolist()), *others.facts])),
    )


def _since(known: Columns, grown: Sequence[Row], new: Sequence[Row]) -> Named:
    """Return the turns and facts that came after the index's documents were read."""
    turns = []
    for row in grown:
        session = known.session_numbers.get(row["session_id"])
        last = 0 if session is None else known.last_position(session)
        turns += [TurnKey(row["session_id"], position) for position in range(last + 1, row["next_position"])]
    turns += [TurnKey(row["session_id"], row["position"]) for row in new if row["session_id"] is not None]
    return Named(list(dict.fromkeys(turns)), list(dict.fromkeys(row["fact_id"] for row in new)))


def _may_be(known: Columns, asked: Asked) -> NDArray[np.bool_]:
    """Return which documents may pass the filters, as far as the index can tell."""
    filters = asked.filters
    may_be = np.ones(known.documents, dtype=np.bool_)
    if filters.session_id is not None:
        may_be[: known.turns] = known.session[: known.turns] == known.session_numbers.get(filters.session_id, -1)
    if filters.time == "world":
        # A month either way: facts of a turn may have been said again later.
        if filters.since is not None:
            may_be &= known.months >= _month(filters.since) - 1
        if filters.until is not None:
            may_be &= known.months <= _month(filters.until) + 1
    if "turn" not in asked.kinds or filters.topics is not None:
        may_be &= known.has_fact
    return may_be


def _month(moment: datetime) -> int:
    return 12 * (moment.year - 1970) + moment.month - 1
