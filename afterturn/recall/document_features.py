"""The features of documents that do not depend on facts; `ranking.WEIGHTS` describes each of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afterturn.languages import texts
from afterturn.recall import lexical, question_dates, question_text, stems
from afterturn.recall.document_keys import TurnKey
from afterturn.recall.documents import Documents, Numbers, Places
from afterturn.recall.stems import QuestionWord

#: A turn is searched together with at most this many stems of the turn before it, and of the turn after it. A short
#: reply is understood with its question. With all of a long answer, the turns beside it would be found by its words.
NEIGHBOUR_STEMS = 20
#: What a session of more turns says about each of them is less in proportion: a long session has several topics.
SESSION_TURNS = 10
#: A document of this many stems, or more, has the full score for its length: less says little, more is not better.
FULL_LENGTH = 15


def compute_features(question: str, question_words: Sequence[QuestionWord], documents: Documents) -> dict[str, Numbers]:
    """Return the features of documents for a question by name. The documents are the whole memory.

    Args:
        question: its text.
        question_words: in the order of the question.
        documents: the turns, standalone facts and episodes of one user.
    """
    words = stems.words(question)
    names = words & frozenset(word for name in set(documents.speaker) for word in stems.words(name))
    counts = lexical.count_words_or_related(documents, stems.topic_words(question_words, names))
    lengths = documents.lengths.astype(np.float64)
    session = documents.session
    bm25 = lexical.bm25(counts, lengths)
    shares = neighbour_shares(lengths)
    bm25_around = lexical.bm25(add_neighbours(counts, session, shares), add_neighbours(lengths, session, shares))
    of_session = session_shares(np.bincount(session)[session])
    session_bm25 = lexical.bm25(sum_by_session(counts, session), sum_by_session(lengths, session))
    return {
        "words": standardize(bm25.sum(axis=1)),
        "words_around": standardize(bm25_around.sum(axis=1)),
        "words_of_session": of_session * standardize(session_bm25.sum(axis=1)[session]),
        "coverage": _coverage(bm25),
        "meaning": standardize(documents.cosine),
        "meaning_of_session": of_session * standardize(_best_session_cosines(documents)),
        "speaker": _is_named_speaker(documents.speaker, names),
        "date": question_dates.find_dates(question).match_scores(documents.said_at),
        "tells_time": _names_time(documents) if stems.is_time_question(question) else np.zeros(len(documents)),
        **_present_features(question, documents),
        "length": length_scores(documents.lengths),
        "user": documents.is_user,
        "standing": states_standing(documents),
        "early": earliness(documents),
    }


def session_shares(sizes: NDArray[Any]) -> Numbers:
    """Return how much sessions of these numbers of turns say about each of their turns: at most 1."""
    return np.asarray(np.minimum(1.0, SESSION_TURNS / np.maximum(sizes, 1.0)))


def length_scores(lengths: NDArray[Any]) -> Numbers:
    """Return a score from 0 to 1 for lengths in stems: it grows with the logarithm up to `FULL_LENGTH`."""
    return np.asarray(np.log1p(np.minimum(lengths, FULL_LENGTH)) / np.log1p(FULL_LENGTH))


def states_standing(documents: Documents) -> Numbers:
    """Return 1 where a user may state a preference, or an instruction for all similar occasions, else 0."""
    codes = [stems.code(stem) for stem in stems.STANDING_STEMS]
    return lexical.contains_stem(documents, codes) * documents.is_user


def earliness(documents: Documents) -> Numbers:
    """Return for each turn 1 divided by its position in its session; 0 for a greeting, a fact and an episode."""
    positions = np.array([key.position if isinstance(key, TurnKey) else np.inf for key in documents.keys])
    return np.where(documents.lengths >= stems.GREETING_STEMS, 1.0 / positions, 0.0)


def tells_change(documents: Documents) -> Numbers:
    """Return 1 where a user says that something is new or different from before, else 0."""
    return lexical.contains_stem(documents, [stems.code(texts.TELLS_CHANGE)]) * documents.is_user


def recency(said_at: Numbers, sorted_times: Numbers) -> Numbers:
    """Return for each time the share of these times that are earlier: 0 for the oldest, nearly 1 for the newest."""
    return np.asarray(np.searchsorted(sorted_times, said_at) / max(1, len(sorted_times)))


def _present_features(question: str, documents: Documents) -> dict[str, Numbers]:
    """Return what counts only where the question asks for what holds now; else zeros."""
    if not question_text.asks_for_present(question):
        return {"changed": np.zeros(len(documents)), "recent": np.zeros(len(documents))}
    return {"changed": tells_change(documents), "recent": recency(documents.said_at, np.sort(documents.said_at))}


def standardize(values: Numbers) -> Numbers:
    """Return the values with mean 0 and standard deviation 1; 0 where a value is nan, or where all are equal."""
    is_known = ~np.isnan(values)
    if not is_known.any():
        return np.zeros(len(values))
    deviation = values[is_known].std()
    if deviation < 1e-9:
        return np.zeros(len(values))
    return np.asarray(np.where(is_known, (np.nan_to_num(values) - values[is_known].mean()) / deviation, 0.0))


def neighbour_shares(lengths: Numbers) -> Numbers:
    """Return the share of each document that counts for those beside it: at most `NEIGHBOUR_STEMS` of its stems."""
    return np.asarray(np.minimum(1.0, NEIGHBOUR_STEMS / np.maximum(lengths, 1.0)))


def add_neighbours(values: Numbers, session: Places, shares: Numbers) -> Numbers:
    """Return each document's values plus these shares of those of the documents before and after it in its session."""
    sums = values.copy()
    is_same_session = session[1:] == session[:-1]
    if values.ndim > 1:
        is_same_session, shares = is_same_session[:, None], shares[:, None]
    shared = values * shares
    sums[1:] += shared[:-1] * is_same_session
    sums[:-1] += shared[1:] * is_same_session
    return sums


def sum_by_session(values: Numbers, session: Places) -> Numbers:
    """Return the sum of the values of each session."""
    sums = np.zeros((int(session.max(initial=-1)) + 1, *values.shape[1:]))
    np.add.at(sums, session, values)
    return sums


def _coverage(bm25: Numbers) -> Numbers:
    """Return the share of the question's stems in each document, weighted by the highest BM25 score of each stem."""
    highest = bm25.max(axis=0, initial=0.0)
    return np.asarray(((bm25 > 0) * highest).sum(axis=1) / (highest.sum() or 1.0))


def _best_session_cosines(documents: Documents) -> Numbers:
    """Return for each document the highest cosine in its session; nan where no document of the session has one."""
    best = np.full(int(documents.session.max(initial=-1)) + 1, -np.inf)
    np.maximum.at(best, documents.session, np.where(np.isnan(documents.cosine), -np.inf, documents.cosine))
    best[np.isinf(best)] = np.nan
    return np.asarray(best[documents.session])


def _is_named_speaker(speakers: Sequence[str], names: frozenset[str]) -> Numbers:
    """Return 1 where the question names the speaker, else 0.

    The result is 0 for all documents where the question names nobody, or where the named speaker said everything.
    """
    if not names:
        return np.zeros(len(speakers))
    named_speakers = {speaker for speaker in set(speakers) if names & stems.words(speaker)}
    is_named = np.array([speaker in named_speakers for speaker in speakers], dtype=np.float64)
    return np.zeros(len(speakers)) if is_named.all() else is_named


def _names_time(documents: Documents) -> Numbers:
    """Return 1 where a document contains a word that names a time, else 0."""
    codes = [stems.code(stem) for stem in stems.TIME_STEMS]
    return lexical.contains_stem(documents, codes).astype(np.float64)
