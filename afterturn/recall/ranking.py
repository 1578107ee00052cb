"""Ranking: the score of a document is a weighted sum of its features. All memories use the same weights.

The words and the meaning of the question decide. The other features correct them a little, and are the same for all
kinds of conversation. The weights were chosen on several data sets at once; docs/explanation/recall.md has the figures,
and those of weights for which a set was left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from afterturn.recall import document_features, documents, stems
from afterturn.recall.document_keys import Key
from afterturn.recall.documents import Documents, DocumentSet, Numbers, Places
from afterturn.recall.stems import QuestionWord

#: The weight of each feature. "z": standardized to mean 0 and standard deviation 1 over the documents.
WEIGHTS = {
    "words": 0.05,  # z: BM25 of the document
    "words_around": 0.28,  # z: BM25 of the document together with some of the turns before and after it
    "words_of_session": 0.45,  # z, less in long sessions: BM25 of the session
    "coverage": 1.80,  # 0 to 1: the share of the question's stems in the document, weighted by rarity
    "meaning": 0.78,  # z: cosine between the vectors of the document and of the question
    "meaning_of_session": 0.25,  # z, less in long sessions: the highest cosine in the session
    "speaker": 2.80,  # 0 or 1: the question names the speaker
    "date": 3.00,  # 0 to 1: said in the month or year that the question names
    "tells_time": 1.80,  # 0 or 1: the question asks for a time, and the document names one
    "changed": 4.50,  # 0 or 1: the question asks for what holds now, and the user says that something is different
    "recent": 2.00,  # 0 to 1: the question asks for what holds now; the share of the memory that is older
    "length": 1.94,  # 0 to 1: logarithm of the number of stems, up to a limit
    "user": 2.00,  # 0 or 1: said by a user, not by an assistant
    "standing": 1.20,  # 0 or 1: a user may state a preference, or an instruction for all similar occasions
    "fact": 0.43,  # z over the facts: the highest cosine of a fact whose evidence is this turn
    "importance": 0.1,  # 0 to 1: the importance of that fact
    "early": 2.75,  # 0 to 1: 1 divided by the position in the session; people begin with what matters
    "learnt": 2.50,  # 0 or 1: it is a fact of a model or a person, or the evidence of such a fact
}

#: Weights that are multiplied by the share of `WORDS_OF_MESSAGE` that the question has. They say what matters whatever
#: is asked. The more words a question has, the less each says about what is searched for. So the weight of "changed" is
#: multiplied by the rest: "now" in a long message seldom asks for the present state.
PRIORS = ("early", "learnt")

#: Words of a question, without question words, from which on `PRIORS` have their full weights.
WORDS_OF_MESSAGE = 16

#: The features that are cosines.
COSINES = ("meaning", "meaning_of_session", "fact")

#: The share of the weights of the cosines where the vectors compare spelling. Spelling shows little that words do not
#: show, and where no word of a question matches, its noise would decide.
SHARE_OF_SPELLING = 0.6

#: Subtracted from the score of a fact if another fact already represents its turn.
FURTHER_FACT = 1.0

#: A turn is shown in place of its best fact if its standardized cosine exceeds that of the fact by more than this.
#: Turns and facts are standardized separately, because the vector of a turn covers more content than that of a fact. A
#: fact states in few words what is true; a turn may say more than its facts.
TURN_IS_NEARER = 1.0


@dataclass(frozen=True, slots=True)
class Ranked:
    """One result."""

    key: Key
    score: float
    #: The contribution of each feature to the score.
    parts: dict[str, float]


class FeatureSource(Protocol):
    """Computes the features of documents, with the statistics of a whole memory."""

    def document_features(self, documents: Documents) -> dict[str, Numbers]:
        """Return the features of documents by their names in `WEIGHTS`."""

    def fact_similarities(self, facts: Documents) -> Numbers:
        """Return the standardized cosine of each fact."""


class _WholeMemory:
    """Computes the features where the documents are the whole memory."""

    def __init__(self, question: str, question_words: Sequence[QuestionWord]) -> None:
        self._question = question
        self._question_words = question_words

    def document_features(self, documents: Documents) -> dict[str, Numbers]:
        return document_features.compute_features(self._question, self._question_words, documents)

    def fact_similarities(self, facts: Documents) -> Numbers:
        return document_features.standardize(facts.cosine)


class Ranking:
    """Ranks the documents of a memory for one question."""

    def __init__(
        self,
        question: str,
        document_set: DocumentSet,
        kinds: frozenset[str],
        feature_source: FeatureSource | None = None,
        *,
        meaning_share: float = 1.0,
    ) -> None:
        """Compute the scores.

        Args:
            question: its text.
            document_set: the documents; all of them count for the statistics.
            kinds: which kinds may be results: fact, turn, episode.
            feature_source: computes the features with the statistics of the whole memory, where `document_set` is only
                a part of it; None where it is the whole memory.
            meaning_share: multiplies the weights of the cosines.
        """
        self._kinds = kinds
        self._turn_count = len(document_set.turns)
        self._facts = document_set.facts
        self._standalone = document_set.standalone_facts()
        standalone_facts = documents.select(self._facts, self._standalone)
        self._documents = documents.concatenate([document_set.turns, standalone_facts, document_set.episodes])
        source = feature_source or _WholeMemory(question, document_set.question_words)
        self._fact_similarities = source.fact_similarities(self._facts)
        features = source.document_features(self._documents)
        self._weights = weights_for(document_set.question_words, meaning_share)
        #: What each fact adds to the score of its turn.
        self._fact_scores = (
            self._weights["fact"] * self._fact_similarities + self._weights["importance"] * self._facts.importance
        )
        # Evidence in the order of the facts, so that the turns of a fact are adjacent.
        order = np.argsort(document_set.evidence[0], kind="stable")
        self._evidence_facts = document_set.evidence[0][order]
        self._evidence_turns = document_set.evidence[1][order]
        self._best_fact = self._find_best_facts()
        features |= {"learnt": self._learnt_feature()}
        self._features = features
        self._document_scores = np.sum([self._weights[name] * values for name, values in features.items()], axis=0)
        self._is_represented = self._find_represented_turns()
        self._place_of_fact = self._find_places_of_facts()
        self._is_further_fact = self._find_further_facts()

    def results(self) -> Iterator[Ranked]:
        """Yield the results, best first; superseded facts, where the filters admit them, come last.

        A fact and its turns are one result: the fact, or a turn that is much nearer to the question.
        """
        shown_turns: set[int] = set()
        represented_turns: set[int] = set()
        for score, place, fact in self._candidates():
            if fact < 0:
                if place not in represented_turns:
                    shown_turns.add(place)
                    yield Ranked(self._documents.keys[place], score, self._score_parts(place, self._best_fact[place]))
                continue
            turns = self._turns_of(fact)
            if not turns or not shown_turns.issuperset(turns):
                represented_turns.update(turns)
                parts = self._score_parts(place, fact)
                if self._is_further_fact[fact]:
                    parts["further_fact"] = -FURTHER_FACT
                yield Ranked(self._facts.keys[fact], score, parts)

    def _candidates(self) -> Iterator[tuple[float, int, int]]:
        """Yield (score, place of the document, place of the fact or -1), best first."""
        first_episode = self._turn_count + len(self._standalone)
        is_candidate = self._documents.passes & ~self._is_represented
        is_candidate[: self._turn_count] &= "turn" in self._kinds
        is_candidate[self._turn_count : first_episode] = False
        is_candidate[first_episode:] &= "episode" in self._kinds
        places = np.flatnonzero(is_candidate)
        facts = np.flatnonzero(self._facts.passes) if "fact" in self._kinds else places[:0]
        scores_as_fact = (
            self._document_scores[self._place_of_fact] + self._fact_scores - FURTHER_FACT * self._is_further_fact
        )
        best = self._best_fact[places]
        scores_as_document = self._document_scores[places] + np.where(best >= 0, _take(self._fact_scores, best), 0.0)
        scores = np.concatenate([scores_as_document, scores_as_fact[facts]])
        is_superseded = np.concatenate([np.zeros(len(places), dtype=np.bool_), self._facts.is_superseded[facts]])
        all_places = np.concatenate([places, self._place_of_fact[facts]])
        all_facts = np.concatenate([np.full(len(places), -1), facts])
        for index in np.lexsort((all_facts, all_places, -scores, is_superseded)).tolist():
            yield float(scores[index]), int(all_places[index]), int(all_facts[index])

    def _find_places_of_facts(self) -> Places:
        """Return for each fact the place of its turn with the highest score, or of the standalone fact itself."""
        place_of_fact = np.zeros(len(self._facts), dtype=np.int64)
        place_of_fact[self._standalone] = self._turn_count + np.arange(len(self._standalone))
        order = np.lexsort((self._document_scores[self._evidence_turns], self._evidence_facts))
        # numpy keeps the last of several values that are assigned to a fact: the turn with the highest score.
        place_of_fact[self._evidence_facts[order]] = self._evidence_turns[order]
        return place_of_fact

    def _find_further_facts(self) -> NDArray[np.bool_]:
        """Return for each fact whether another fact already represents its turn."""
        is_further = np.ones(len(self._facts), dtype=np.bool_)
        is_further[self._standalone] = False
        is_further[self._best_fact[self._is_represented]] = False
        return is_further

    def _find_best_facts(self) -> Places:
        """Return for each document the place of the fact that adds most to its score; -1 where it has no fact."""
        best = np.full(len(self._documents), -1)
        is_current = ~self._facts.is_superseded[self._evidence_facts]
        facts, turns = self._evidence_facts[is_current], self._evidence_turns[is_current]
        order = np.argsort(self._fact_scores[facts], kind="stable")
        best[turns[order]] = facts[order]
        best[self._turn_count + np.arange(len(self._standalone))] = self._standalone
        return best

    def _learnt_feature(self) -> Numbers:
        """Return 1 for turns that are evidence of a fact of a model or a person, for such facts, and for episodes."""
        facts = self._facts
        learnt = np.zeros(len(self._documents))
        learnt[self._evidence_turns[(facts.is_chosen & ~facts.is_superseded)[self._evidence_facts]]] = 1.0
        learnt[self._turn_count :] = self._documents.is_chosen[self._turn_count :]
        return learnt

    def _find_represented_turns(self) -> NDArray[np.bool_]:
        """Return for each turn whether its best fact is shown in its place."""
        is_represented = np.zeros(len(self._documents), dtype=np.bool_)
        if "fact" in self._kinds and len(self._facts):
            best = self._best_fact[: self._turn_count]
            turn_similarities = self._features["meaning"][: self._turn_count]
            is_near = self._fact_similarities[best] + TURN_IS_NEARER >= turn_similarities
            is_represented[: self._turn_count] = (best >= 0) & self._facts.passes[best] & is_near
        return is_represented

    def _turns_of(self, fact: int) -> list[int]:
        first, last = np.searchsorted(self._evidence_facts, [fact, fact + 1])
        return [int(turn) for turn in self._evidence_turns[first:last]]

    def _score_parts(self, place: int, fact: int) -> dict[str, float]:
        weights = self._weights
        parts = {name: weights[name] * float(values[place]) for name, values in self._features.items()}
        if fact >= 0:
            parts["fact"] = weights["fact"] * float(self._fact_similarities[fact])
            parts["importance"] = weights["importance"] * float(self._facts.importance[fact])
        return parts


def weights_for(question_words: Sequence[QuestionWord], meaning_share: float = 1.0) -> dict[str, float]:
    """Return the weights for a question with these words; the weights of the cosines multiplied by `meaning_share`."""
    share = min(1.0, stems.count_words(question_words) / WORDS_OF_MESSAGE)
    shares = dict.fromkeys(PRIORS, share) | dict.fromkeys(COSINES, meaning_share) | {"changed": 1.0 - share}
    return {name: shares.get(name, 1.0) * weight for name, weight in WEIGHTS.items()}


def _take(values: Numbers, places: Places) -> Numbers:
    """Return the values at these places; at place -1 any value, also where `values` is empty."""
    return np.asarray(values[places]) if len(values) else np.full(len(places), np.nan)
