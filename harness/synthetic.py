"""Synthetic memories: texts with a natural distribution of words, and vectors that fit the texts."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

Places = NDArray[np.int64]
Vectors = NDArray[np.float16]

WORDS = 8_192
#: The subjects of conversations. Half of the words of a text belong to its subject.
SUBJECTS = 256
WORDS_OF_A_SUBJECT = 24
FACT_WORDS = 8
#: A turn of the user contains two facts and some other words; the assistant's answer repeats some of them.
FACTS_PER_TURN = 2
TURN_WORDS = 22
TURNS_PER_SESSION = 30
#: The common part of the vectors of a word and its synonym, which is its neighbour in the vocabulary.
LIKENESS_OF_SYNONYMS = 0.8
#: The weight of the previous turn in a turn's vector.
SHARE_OF_THE_TURN_BEFORE = 0.3
TOPICS = ("travel", "food", "work", "family", "health", "home", "music", "sport")
BEGINNING = datetime(2024, 1, 1, tzinfo=UTC)
BETWEEN_TURNS = timedelta(minutes=7)

_ONSETS = ("b", "d", "f", "g", "k", "l", "m", "n", "p", "r", "s", "t", "v", "z", "br", "st")
_VOWELS = ("a", "o", "u", "i")
_CODAS = ("k", "m", "n", "p", "t", "b", "d", "g")


class Vocabulary:
    """Words, their frequencies (Zipf), and their vectors. Each process makes the same ones for a dimension."""

    def __init__(self, dimension: int) -> None:
        syllables = [onset + vowel for onset in _ONSETS for vowel in _VOWELS]
        names = itertools.islice(itertools.product(syllables, syllables, _CODAS), 0, WORDS * 4, 4)
        self.words: Sequence[str] = ["".join(parts) for parts in names]
        self.frequency = 1 / np.arange(3, WORDS + 3)
        self.frequency /= self.frequency.sum()
        drawn = np.random.default_rng(0)
        # The order is random, so that a word's first letters do not depend on its frequency.
        self.words = [self.words[place] for place in drawn.permutation(WORDS)]
        own = drawn.standard_normal((WORDS, dimension))
        shared = np.repeat(drawn.standard_normal((WORDS // 2, dimension)), 2, axis=0)
        vectors = np.sqrt(LIKENESS_OF_SYNONYMS) * shared + np.sqrt(1 - LIKENESS_OF_SYNONYMS) * own
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        # A frequent word has a small weight.
        weight = np.minimum(1.0, np.sqrt(0.002 / self.frequency))
        self._vectors = (vectors * weight[:, None]).astype(np.float32)
        self.subjects = drawn.integers(64, WORDS, (SUBJECTS, WORDS_OF_A_SUBJECT))

    def embedded(self, texts: Places, before: Places | None = None) -> Vectors:
        """Return a unit vector for each row of words, in half precision as it is stored."""
        vectors = self._vectors[texts].sum(axis=1)
        if before is not None:
            vectors += SHARE_OF_THE_TURN_BEFORE * self._vectors[before].sum(axis=1)
        return np.asarray((vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float16))

    def text(self, words: Places) -> str:
        return " ".join([self.words[place] for place in words.tolist()])


@dataclass(frozen=True, slots=True)
class SyntheticMemory:
    """The turns of one user, and their facts. The turns at odd positions are the user's, the others the assistant's."""

    user_id: str
    #: Places in the vocabulary: a row per fact, and a row per turn.
    facts: Places
    turns: Places
    fact_vectors: Vectors
    turn_vectors: Vectors
    importance: NDArray[np.float32]
    number: int
    _ids: list[UUID] = field(default_factory=list)

    @property
    def fact_ids(self) -> list[UUID]:
        """The ids in the order of the facts. They are sorted."""
        if not self._ids:
            self._ids.extend(UUID(int=(self.number << 64) + place + 1) for place in range(len(self.facts)))
        return self._ids

    def session_of(self, turn: int) -> str:
        return f"session-{turn // TURNS_PER_SESSION:06}"

    def position_of(self, turn: int) -> int:
        return turn % TURNS_PER_SESSION + 1

    def turn_of(self, fact: int) -> int:
        return fact // FACTS_PER_TURN * 2

    def batch_of(self, turn: int) -> UUID:
        return UUID(int=(self.number << 64) + (1 << 62) + turn // TURNS_PER_SESSION)

    def said_at(self, turn: int) -> datetime:
        return BEGINNING + turn * BETWEEN_TURNS

    def topic_of(self, fact: int) -> str:
        return TOPICS[fact % len(TOPICS)]


def name_of(number: int) -> str:
    """Return the id of user `number`."""
    return f"user-{number:06}"


def make_memory(number: int, facts: int, vocabulary: Vocabulary) -> SyntheticMemory:
    """Return the memory of user `number`, with this number of facts and about as many turns."""
    drawn = np.random.default_rng([1, number])
    turns = -(-facts // FACTS_PER_TURN) * 2
    of_subject = np.repeat(drawn.integers(0, SUBJECTS, -(-turns // TURNS_PER_SESSION)), TURNS_PER_SESSION)[:turns]
    told = _drawn(drawn, of_subject[::2].repeat(FACTS_PER_TURN)[:facts], FACT_WORDS, vocabulary)
    words = _drawn(drawn, of_subject, TURN_WORDS, vocabulary)
    for place in range(FACTS_PER_TURN):
        of_place = told[place::FACTS_PER_TURN]
        words[: 2 * len(of_place) : 2, place * FACT_WORDS : (place + 1) * FACT_WORDS] = of_place
    answers = words[1::2]
    answers[:, : FACT_WORDS // 2] = words[: 2 * len(answers) : 2, : FACT_WORDS // 2]
    before = np.roll(words, 1, axis=0)
    return SyntheticMemory(
        user_id=name_of(number),
        facts=told,
        turns=words,
        fact_vectors=vocabulary.embedded(told),
        turn_vectors=vocabulary.embedded(words, before),
        importance=drawn.integers(1, 11, facts).astype(np.float32) / np.float32(10),
        number=number,
    )


@dataclass(frozen=True, slots=True)
class SearchQuestion:
    """A question about one fact: some of its words, one of them as its synonym."""

    text: str
    vector: list[float]


def questions(said: SyntheticMemory, count: int, vocabulary: Vocabulary) -> Iterator[SearchQuestion]:
    """Yield questions about a user's facts. A fact is used again only after all others."""
    drawn = np.random.default_rng([2, said.number])
    for fact in itertools.islice(itertools.cycle(drawn.permutation(len(said.facts)).tolist()), count):
        words = drawn.choice(said.facts[fact], 4, replace=False)
        words[0] ^= 1
        vector = vocabulary.embedded(words[None, :])[0]
        yield SearchQuestion(f"What about {vocabulary.text(words)}?", vector.astype(np.float64).tolist())


def _drawn(drawn: np.random.Generator, subjects: Places, words: int, vocabulary: Vocabulary) -> Places:
    """Return this number of words for each subject: half of them from the subject, half from all words."""
    cumulated = np.cumsum(vocabulary.frequency)
    chosen = np.searchsorted(cumulated, drawn.random((len(subjects), words)) * cumulated[-1])
    half = words // 2
    places = drawn.integers(0, WORDS_OF_A_SUBJECT, (len(subjects), half))
    chosen[:, ::2][:, :half] = vocabulary.subjects[subjects[:, None], places]
    return np.asarray(chosen.astype(np.int64))
