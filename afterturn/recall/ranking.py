"""Ranking: each document's score is a weighted sum of a few features, with one set of weights for every memory.

A short question is answered by who says its words; a long one is a message, and wants what was learnt of its matter.
The weights were fitted on several data sets at once; docs/explanation/recall.md says how, and what each part brings.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from afterturn.recall import dates, documents, lexical, stems
from afterturn.recall.documents import Documents, Key, Memory, TurnKey
from afterturn.turns import Turn

Numbers = NDArray[np.float64]

#: What each feature weighs. "z" marks those that are brought to mean 0 and deviation 1 over the documents first.
WEIGHTS = {
    "words": 0.04,  # z: BM25 of the document alone
    "words_around": 0.31,  # z: BM25 of it with the turns before and after
    "words_of_session": 0.13,  # z: BM25 of its session
    "coverage": 0.85,  # 0 to 1: the part of the question's stems that stand in it, by their rarity
    "meaning": 0.56,  # z: cosine of its vector
    "meaning_of_session": 0.28,  # z: the best cosine in its session
    "speaker": 2.20,  # 0 or 1: said by whom the question names
    "date": 2.45,  # 0 to 1: said in the month or year that the question names
    "tells_time": 1.51,  # 0 or 1: the question asks for a time, and it names one
    "length": 0.38,  # z: logarithm of its stems
    "user": 0.56,  # 0 or 1: a user's words rather than an assistant's
    "fact": 0.43,  # z over the facts: the nearest fact that rests on it
    "importance": 0.1,  # 0 to 1: that fact's
    "learnt": 0.0,  # 0 or 1: a fact that a model or a person found rests on it, or it is one
    "opening": 0.0,  # 0 or 1: it opens its session, and so says what that is about
}

#: What is added to a weight where the question is a message: many words, few of which tell what is looked for.
OF_MESSAGES = {"words_around": -0.30, "meaning": -0.41, "learnt": 2.51, "opening": 1.88}

#: With so many stems a question begins to be a message, and with so many it is one.
MESSAGE_STEMS = (8, 16)

#: What a further fact of a turn that is among the results already is marked down by.
FURTHER_FACT = 1.0

#: How much nearer to the question than its best fact a turn must be to be the result itself: each in deviations among
#: its own kind, because a turn's vector holds more than a fact's. A fact says in few words what holds; a turn may say
#: more than its facts.
TURN_IS_NEARER = 1.0

_WORD = re.compile(r"\w{3,}")


@dataclass(frozen=True, slots=True)
class Ranked:
    """One result."""

    key: Key
    score: float
    #: Each feature's part of the score.
    parts: dict[str, float]


class Measured(Protocol):
    """Knows the features of some documents of a memory that is not read as a whole."""

    def of_documents(self, held: Documents) -> dict[str, Numbers]:
        """Return each feature of documents, by its name among the weights."""

    def of_facts(self, facts: Documents) -> Numbers:
        """Return how near each fact is to the question, in deviations."""


class Ranking:
    """Everything that a question finds, best first."""

    def __init__(self, question: str, memory: Memory, kinds: frozenset[str], measured: Measured | None = None) -> None:
        """Score the documents; `kinds` says which may be results. All count for the statistics.

        `measured` is given where the memory is only a part of a larger one, whose statistics count.
        """
        self._kinds = kinds
        self._memory = memory
        self._facts = memory.facts
        # Facts whose turns are gone, or were never said: documents of their own.
        resting = np.zeros(len(memory.facts), dtype=np.bool_)
        resting[memory.evidence[0]] = True
        self._alone = np.flatnonzero(~resting)
        self._documents = documents.joined([memory.turns, documents.chosen(memory.facts, self._alone), memory.episodes])
        self._fact_scores = self._scores_of_facts() if measured is None else measured.of_facts(self._facts)
        self._parts = self._features(question) if measured is None else measured.of_documents(self._documents)
        self._weights = weights_for(memory.question_stems)
        self._lent = self._weights["fact"] * self._fact_scores + self._weights["importance"] * self._facts.importance
        #: Evidence in the order of the facts, so that a fact's turns lie together.
        order = np.argsort(memory.evidence[0], kind="stable")
        self._resting, self._turns = memory.evidence[0][order], memory.evidence[1][order]
        self._best_fact = self._best_facts()
        self._parts |= {"learnt": self._learnt(), "opening": _opening(self._documents)}
        self._base = np.sum([self._weights[name] * values for name, values in self._parts.items()], axis=0)
        self._is_told = self._told()
        self._place_of_fact = self._places_of_facts()
        self._is_further = self._further()

    def results(self) -> Iterator[Ranked]:
        """Yield the results, best first; superseded facts, where they were asked for, after all others.

        A fact and the turns that it rests on are one result: the fact, or a turn that is much nearer to the question.
        """
        shown: set[int] = set()
        covered: set[int] = set()
        for score, place, fact in self._candidates():
            if fact < 0:
                if place not in covered:
                    shown.add(place)
                    yield Ranked(self._documents.keys[place], score, self._parts_of(place, self._best_fact[place]))
                continue
            turns = self._turns_of(fact)
            if not turns or not shown.issuperset(turns):
                covered.update(turns)
                parts = self._parts_of(place, fact)
                if self._is_further[fact]:
                    parts["further_fact"] = -FURTHER_FACT
                yield Ranked(self._facts.keys[fact], score, parts)

    def _candidates(self) -> Iterator[tuple[float, int, int]]:
        """Yield (score, place of the document, fact or -1), best first."""
        first_alone = len(self._memory.turns)
        first_episode = first_alone + len(self._alone)
        may_be = self._documents.passes & ~self._is_told
        may_be[:first_alone] &= "turn" in self._kinds
        may_be[first_alone:first_episode] = False
        may_be[first_episode:] &= "episode" in self._kinds
        places = np.flatnonzero(may_be)
        facts = np.flatnonzero(self._facts.passes) if "fact" in self._kinds else places[:0]
        score_of = self._base[self._place_of_fact] + self._lent - FURTHER_FACT * self._is_further
        best = self._best_fact[places]
        scores = np.concatenate([self._base[places] + np.where(best >= 0, _at(self._lent, best), 0.0), score_of[facts]])
        is_old = np.concatenate([np.zeros(len(places), dtype=np.bool_), self._facts.is_superseded[facts]])
        all_places = np.concatenate([places, self._place_of_fact[facts]])
        all_facts = np.concatenate([np.full(len(places), -1), facts])
        for one in np.lexsort((all_facts, all_places, -scores, is_old)).tolist():
            yield float(scores[one]), int(all_places[one]), int(all_facts[one])

    def _places_of_facts(self) -> NDArray[np.int64]:
        """Return for each fact the best of the turns that it rests on, or its own place."""
        place_of = np.zeros(len(self._facts), dtype=np.int64)
        place_of[self._alone] = len(self._memory.turns) + np.arange(len(self._alone))
        order = np.lexsort((self._base[self._turns], self._resting))
        # Of several turns of a fact, the last one assigned stays: the best.
        place_of[self._resting[order]] = self._turns[order]
        return place_of

    def _further(self) -> NDArray[np.bool_]:
        """Return for each fact whether another one stands for its turn already."""
        is_further = np.ones(len(self._facts), dtype=np.bool_)
        is_further[self._alone] = False
        is_further[self._best_fact[self._is_told]] = False
        return is_further

    def _best_facts(self) -> NDArray[np.int64]:
        """Return for each document the fact that lends it its score; -1 where none does."""
        best = np.full(len(self._documents), -1)
        is_current = ~self._facts.is_superseded[self._resting]
        facts, turns = self._resting[is_current], self._turns[is_current]
        order = np.argsort(self._lent[facts], kind="stable")
        best[turns[order]] = facts[order]
        best[len(self._memory.turns) + np.arange(len(self._alone))] = self._alone
        return best

    def _learnt(self) -> Numbers:
        """Return 1 for what a model or a person took for a fact, and for episodes."""
        facts = self._facts
        learnt = np.zeros(len(self._documents))
        learnt[self._turns[(facts.is_chosen & ~facts.is_superseded)[self._resting]]] = 1.0
        learnt[len(self._memory.turns) :] = self._documents.is_chosen[len(self._memory.turns) :]
        return learnt

    def _told(self) -> NDArray[np.bool_]:
        """Return for each turn whether its best fact stands for it."""
        count = len(self._memory.turns)
        told = np.zeros(len(self._documents), dtype=np.bool_)
        if "fact" in self._kinds and len(self._facts):
            best = self._best_fact[:count]
            is_near = self._fact_scores[best] + TURN_IS_NEARER >= self._parts["meaning"][:count]
            told[:count] = (best >= 0) & self._facts.passes[best] & is_near
        return told

    def _turns_of(self, fact: int) -> list[int]:
        first, last = np.searchsorted(self._resting, [fact, fact + 1])
        return [int(turn) for turn in self._turns[first:last]]

    def _scores_of_facts(self) -> Numbers:
        if np.isnan(self._facts.cosine).all():
            return np.zeros(len(self._facts))
        return standardized(self._facts.cosine)

    def _features(self, question: str) -> dict[str, Numbers]:
        held = self._documents
        asked = stems.words(question)
        names = asked & frozenset(word for name in set(held.speaker) for word in stems.words(name))
        wanted = stems.wanted(self._memory.question_stems, names)
        found = lexical.counts(held, [stems.code(stem) for stem in wanted])
        sizes = held.sizes.astype(np.float64)
        alone = lexical.bm25(found, sizes)
        return {
            "words": standardized(alone.sum(axis=1)),
            "words_around": standardized(
                lexical.bm25(around(found, held.session), around(sizes, held.session)).sum(axis=1)
            ),
            "words_of_session": standardized(
                lexical.bm25(by_session(found, held.session), by_session(sizes, held.session)).sum(axis=1)[held.session]
            ),
            "coverage": _coverage(alone),
            "meaning": standardized(held.cosine),
            "meaning_of_session": standardized(_best_of_session(held)),
            "speaker": _speaker(held.speaker, names),
            "date": dates.named(question).matches(held.said_at),
            "tells_time": _tells_time(held) if stems.asks_for_a_time(question) else np.zeros(len(held)),
            "length": standardized(np.log1p(sizes)),
            "user": held.is_user,
        }

    def _parts_of(self, place: int, lender: int) -> dict[str, float]:
        weights = self._weights
        parts = {name: weights[name] * float(values[place]) for name, values in self._parts.items()}
        if lender >= 0:
            parts["fact"] = weights["fact"] * float(self._fact_scores[lender])
            parts["importance"] = weights["importance"] * float(self._facts.importance[lender])
        return parts


def weights_for(question_stems: Sequence[str]) -> dict[str, float]:
    """Return the weights for a question of these stems."""
    lowest, highest = MESSAGE_STEMS
    telling = sum(stem not in stems.QUESTION_STEMS for stem in question_stems)
    share = min(1.0, max(0.0, (telling - lowest) / (highest - lowest)))
    return {name: weight + share * OF_MESSAGES.get(name, 0.0) for name, weight in WEIGHTS.items()}


def standardized(values: Numbers) -> Numbers:
    """Return the values with mean 0 and deviation 1; 0 where there is no value, or all are the same."""
    known = ~np.isnan(values)
    if not known.any():
        return np.zeros(len(values))
    deviation = values[known].std()
    if deviation < 1e-9:
        return np.zeros(len(values))
    return np.asarray(np.where(known, (np.nan_to_num(values) - values[known].mean()) / deviation, 0.0))


def around(values: Numbers, session: NDArray[np.int64]) -> Numbers:
    """Return each turn's values plus those of the turns before and after it in its session."""
    summed = values.copy()
    same = session[1:] == session[:-1]
    same = same.reshape(-1, *([1] * (values.ndim - 1)))
    summed[1:] += values[:-1] * same
    summed[:-1] += values[1:] * same
    return summed


def by_session(values: Numbers, session: NDArray[np.int64]) -> Numbers:
    """Return the sums per session."""
    summed = np.zeros((int(session.max(initial=-1)) + 1, *values.shape[1:]))
    np.add.at(summed, session, values)
    return summed


def rank_pending(query: str, pending: Sequence[Turn]) -> list[Turn]:
    """Return the turns that share a word with the question, those that share most first, newest first among equals.

    For when Postgres is away: nothing else is known of them.
    """
    wanted = _words(query)
    shared = [(len(wanted & _words(turn.content)), index, turn) for index, turn in enumerate(pending)]
    return [turn for count, _, turn in sorted(shared, key=lambda row: (-row[0], -row[1])) if count]


def _at(values: Numbers, places: NDArray[np.int64]) -> Numbers:
    """Return the values at these places; anything where a place is -1, which there may be without any value."""
    return np.asarray(values[places]) if len(values) else np.full(len(places), np.nan)


def _coverage(alone: Numbers) -> Numbers:
    most = alone.max(axis=0, initial=0.0)
    return np.asarray(((alone > 0) * most).sum(axis=1) / (most.sum() or 1.0))


def _best_of_session(held: Documents) -> Numbers:
    best = np.full(int(held.session.max(initial=-1)) + 1, -np.inf)
    np.maximum.at(best, held.session, np.where(np.isnan(held.cosine), -np.inf, held.cosine))
    best[np.isinf(best)] = np.nan
    return np.asarray(best[held.session])


def _speaker(speakers: Sequence[str], names: frozenset[str]) -> Numbers:
    """Return 1 for what the named one said; 0 for all where that is everything, or nobody is named."""
    if not names:
        return np.zeros(len(speakers))
    named = {speaker for speaker in set(speakers) if names & stems.words(speaker)}
    matches = np.array([speaker in named for speaker in speakers], dtype=np.float64)
    return np.zeros(len(speakers)) if matches.all() else matches


def _opening(held: Documents) -> Numbers:
    is_first = np.array([isinstance(key, TurnKey) and key.position == 1 for key in held.keys], dtype=np.bool_)
    return np.asarray(is_first & (held.sizes >= stems.OPENING_STEMS), dtype=np.float64)


def _tells_time(held: Documents) -> Numbers:
    codes = [stems.code(stem) for stem in stems.TIME_STEMS]
    return np.asarray(lexical.counts(held, codes).sum(axis=1) > 0, dtype=np.float64)


def _words(text: str) -> set[str]:
    # A crude stem is enough for turns that were just said.
    return {word.casefold().removesuffix("s") for word in _WORD.findall(text)}
