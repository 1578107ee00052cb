"""Find the matters of a memory: groups of facts that tell how one thing developed, such as a studio or an illness.

Pure computing, without an LLM. Facts belong together if one superseded the other, if they give values to one attribute
of one subject, or if they share rare words and are near to each other by their vectors. Groups are merged while their
facts are similar on average (average linkage), so that one fact that is near to two matters does not join them.

The same facts always give the same matters. A new fact joins a matter or begins one; it seldom moves others.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from afterturn.consolidation import attributes
from afterturn.consolidation.rules import UserNames
from afterturn.consolidation.similarity import Scores, score_by_vectors

#: A matter has at least so many facts, of at least so many days.
LEAST_FACTS = 3
LEAST_DAYS = 2
#: The most matters of one user: those that were last said something about. Each is at most one call's share a night.
MOST_MATTERS = 40
#: The most facts of one matter: its first and its newest ones.
MOST_FACTS = 24
_FIRST_FACTS = 4
#: Groups of facts are merged while their average similarity is at least this. Smaller: different matters become one;
#: larger: one matter falls apart. Chosen on conversations of LoCoMo and HaluMem (docs/explanation/decisions/053).
_LEAST_SIMILARITY = 0.28
#: Stems of more than this share of the facts, and of more than so many, say nothing about a matter.
_COMMON_SHARE = 0.2
_COMMON_FACTS = 6
#: With fewer vectors, their average similarity is not that of unrelated facts.
_LEAST_VECTORS = 30
#: How much a shared subject adds, if it is not the user.
_SAME_SUBJECT = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class MatterFact:
    """A fact that was not found to be wrong: current, or superseded by a later one."""

    fact_id: UUID
    text: str
    subject: str | None
    attribute: str | None
    #: Since when it holds in the world, or when it was first said.
    since: datetime
    #: When it was last said.
    said_at: datetime
    superseded_by: UUID | None
    is_current: bool

    @property
    def day(self) -> date:
        return self.since.date()


@dataclass(frozen=True, slots=True, kw_only=True)
class Features:
    """What the facts are compared by, in their order."""

    #: The codes of each fact's stems.
    stems: Sequence[NDArray[np.uint32]]
    #: The vectors of the facts, a row each; None where no fact has one.
    vectors: Scores | None
    #: Which facts have a vector.
    has_vector: NDArray[np.bool_]
    #: The codes of stems that say nothing about a matter: those of the names of the user.
    ignored: NDArray[np.uint32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Matter:
    """A group of facts that tell how one thing developed."""

    #: Oldest first, at most MOST_FACTS.
    facts: tuple[MatterFact, ...]
    #: The oldest fact of the whole group: the name of the matter.
    first_id: UUID

    @property
    def started_at(self) -> datetime:
        return self.facts[0].since

    @property
    def last_said_at(self) -> datetime:
        return max(fact.said_at for fact in self.facts)


def find_matters(facts: Sequence[MatterFact], features: Features, names: UserNames) -> list[Matter]:
    """Return the matters among these facts, the one that was last said something about first.

    Args:
        facts: of one user, ordered by `since` and id.
        features: their stems and vectors.
        names: the names of the user, who is the subject of most facts.
    """
    if len(facts) < LEAST_FACTS:
        return []
    similarity = _compare(facts, features, names)
    groups = [[facts[place] for place in sorted(group)] for group in group_similar(similarity, _LEAST_SIMILARITY)]
    matters = [_make_matter(group) for group in groups if _is_matter(group)]
    return sorted(matters, key=lambda matter: (matter.last_said_at, matter.first_id), reverse=True)[:MOST_MATTERS]


def _is_matter(group: Sequence[MatterFact]) -> bool:
    return len(group) >= LEAST_FACTS and len({fact.day for fact in group}) >= LEAST_DAYS


def _make_matter(group: Sequence[MatterFact]) -> Matter:
    shown = group if len(group) <= MOST_FACTS else [*group[:_FIRST_FACTS], *group[_FIRST_FACTS - MOST_FACTS :]]
    return Matter(facts=tuple(shown), first_id=group[0].fact_id)


def _compare(facts: Sequence[MatterFact], features: Features, names: UserNames) -> Scores:
    """Return the similarity of each two facts, 0 to 1: 1 of linked ones, else half by words and half by vectors."""
    by_words = _compare_words([np.setdiff1d(codes, features.ignored) for codes in features.stems])
    by_vectors = _compare_vectors(features, by_words)
    similarity = (by_words + by_vectors) / 2
    for places in _groups_of(names.normalise_subject(fact.subject) for fact in facts):
        subject = names.normalise_subject(facts[places[0]].subject)
        if subject not in (None, "user") and len(places) <= _COMMON_SHARE * len(facts):
            similarity[np.ix_(places, places)] += _SAME_SUBJECT
    for one, other in _linked(facts, names):
        similarity[one, other] = similarity[other, one] = 1.0
    # Rounded: the last digits depend on the machine.
    return np.asarray(np.round(np.clip(similarity, 0.0, 1.0), 4), dtype=np.float32)


def _compare_words(stems: Sequence[NDArray[np.uint32]]) -> Scores:
    """Return the cosines of the facts' stems, weighted by how rare they are, without the common ones.

    A stem of one fact weighs no more than one of LEAST_FACTS: else the words that are new in each step of a development
    would outweigh those that its steps share.
    """
    count = len(stems)
    places = np.repeat(np.arange(count), [len(codes) for codes in stems])
    _, columns = np.unique(np.concatenate(stems), return_inverse=True)
    frequency = np.bincount(columns)
    weights = np.log1p(count / np.maximum(frequency, LEAST_FACTS))
    lengths = np.sqrt(np.bincount(places, weights=weights[columns] ** 2, minlength=count))
    is_shared = (frequency > 1) & (frequency <= max(_COMMON_FACTS, _COMMON_SHARE * count))
    kept, numbered = is_shared[columns], np.cumsum(is_shared) - 1
    shared = np.zeros((count, int(is_shared.sum())), dtype=np.float32)
    shared[places[kept], numbered[columns[kept]]] = weights[columns[kept]]
    shared /= np.where(lengths > 0, lengths, 1.0)[:, None]
    return np.asarray(shared @ shared.T, dtype=np.float32)


def _compare_vectors(features: Features, by_words: Scores) -> Scores:
    """Return the cosines of the facts' vectors above the average one: models differ in how near unrelated texts are.

    A fact without a vector is compared by words alone, and so is a small memory: its facts may all be about one matter.
    """
    if features.vectors is None or features.has_vector.sum() < _LEAST_VECTORS:
        return by_words
    compared = by_words.copy()
    cosines = score_by_vectors(features.vectors, features.vectors)
    known = np.ix_(features.has_vector, features.has_vector)
    inner = cosines[known]
    average = min(0.9, float(inner.sum() - len(inner)) / max(1, len(inner) * (len(inner) - 1)))
    compared[known] = np.clip((inner - average) / (1 - average), 0.0, 1.0)
    return compared


def _linked(facts: Sequence[MatterFact], names: UserNames) -> list[tuple[int, int]]:
    """Return the places of facts of which one superseded the other, or that are values of one attribute, in pairs."""
    place_of = {fact.fact_id: place for place, fact in enumerate(facts)}
    pairs = [
        (place, place_of[fact.superseded_by])
        for place, fact in enumerate(facts)
        if fact.superseded_by is not None and fact.superseded_by in place_of
    ]
    for values in _groups_of(_attribute_of(fact, names) for fact in facts):
        pairs += [(one, other) for number, one in enumerate(values) for other in values[number + 1 :]]
    return [pair for pair in pairs if pair[0] != pair[1]]


def _attribute_of(fact: MatterFact, names: UserNames) -> tuple[str, str] | None:
    """Return the subject and the attribute of a value that later ones replace; None for other facts."""
    subject = names.normalise_subject(fact.subject)
    if subject is None or fact.attribute is None or not attributes.is_single_valued(fact.attribute):
        return None
    return subject, fact.attribute


def _groups_of(keys: Iterable[object]) -> list[list[int]]:
    """Return the places of equal keys, for each key that is not None and occurs twice."""
    places: dict[object, list[int]] = defaultdict(list)
    for place, key in enumerate(keys):
        if key is not None:
            places[key].append(place)
    return [group for group in places.values() if len(group) > 1]


def group_similar(similarity: Scores, least: float) -> list[list[int]]:
    """Return groups of places, merged while the average similarity of two groups is at least `least`.

    Nearest-neighbour chains (F. Murtagh, 1983) give the result of merging the two most similar groups again and again,
    in quadratic time.

    Args:
        similarity: of each two places; symmetric.
        least: groups that are less similar stay apart.
    """
    near = similarity.astype(np.float32)
    np.fill_diagonal(near, -np.inf)
    members = {place: [place] for place in range(len(near))}
    finished: list[list[int]] = []
    chain: list[int] = []
    while members:
        chain = chain or [next(iter(members))]
        top = chain[-1]
        best = int(near[top].argmax())
        if near[top, best] < least:
            finished.append(members.pop(chain.pop()))
            near[top, :] = near[:, top] = -np.inf
        elif len(chain) > 1 and near[top, best] <= near[top, chain[-2]]:
            _merge(near, members, chain.pop(), chain.pop())
        else:
            chain.append(best)
    return finished


def _merge(near: Scores, members: dict[int, list[int]], one: int, other: int) -> None:
    """Merge the group `one` into `other`: its similarities are the averages by the numbers of members."""
    weight, weight_other = len(members[one]), len(members[other])
    average = (weight * near[one] + weight_other * near[other]) / (weight + weight_other)
    average[[one, other]] = -np.inf
    near[other, :] = near[:, other] = average
    near[one, :] = near[:, one] = -np.inf
    members[other] += members.pop(one)
