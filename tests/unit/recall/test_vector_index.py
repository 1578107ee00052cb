"""The index of a large memory, without a server. Its features equal those of a ranking that reads all documents."""

from dataclasses import replace
from uuid import UUID

import numpy as np
import pytest

from afterturn.recall import document_features, documents, stems
from afterturn.recall.document_keys import TurnKey
from afterturn.recall.documents import Documents, DocumentSet
from afterturn.recall.ranking import Ranking
from afterturn.recall.vector_index import building, cells, columns, scales
from afterturn.recall.vector_index.cells import SAMPLE_CELL, Spread
from afterturn.recall.vector_index.index_features import IndexFeatures
from afterturn.recall.vector_index.word_features import WordFeatures

VOCABULARY = [f"word{number}" for number in range(60)] + ["yesterday"]
SESSIONS, TURNS, FACTS = 5, 60, 40
DIMENSION = 8


def random_vectors(count, seed):
    vectors = np.random.default_rng(seed).standard_normal((count, DIMENSION)) + 0.5
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def random_documents(random, count, keys, session, speakers, cosine):
    texts = [random.choice(VOCABULARY, random.integers(1, 9)) for _ in range(count)]
    return Documents(
        keys=keys,
        session=session,
        speaker=speakers,
        is_user=np.array([name != "ben" for name in speakers], dtype=float),
        said_at=random.integers(1_600_000_000, 1_700_000_000, count).astype(float),
        cosine=cosine,
        lengths=np.array([len(text) for text in texts], dtype=np.int64),
        codes=np.array([stems.code(word) for text in texts for word in text], dtype=np.uint32),
        passes=np.ones(count, dtype=np.bool_),
        importance=np.zeros(count),
        is_superseded=np.zeros(count, dtype=np.bool_),
        is_chosen=np.ones(count, dtype=np.bool_),
    )


@pytest.fixture(scope="module")
def question_vector():
    return random_vectors(1, seed=1)[0]


@pytest.fixture(scope="module")
def document_vectors():
    """The vectors of the turns and of the facts."""
    return random_vectors(TURNS, seed=2), random_vectors(FACTS, seed=3)


@pytest.fixture(scope="module")
def document_set(question_vector, document_vectors):
    random = np.random.default_rng(7)
    session = np.sort(random.integers(0, SESSIONS, TURNS))
    session = np.unique(session, return_inverse=True)[1]
    keys = [TurnKey(f"chat{number}", place + 1) for place, number in enumerate(session.tolist())]
    speakers = random.choice(["ana", "ben"], TURNS).tolist()
    return DocumentSet(
        question_words=list(map(stems.word_of_stem, ["word1", "word2", "word3"])),
        turns=random_documents(random, TURNS, keys, session, speakers, document_vectors[0] @ question_vector),
        facts=random_documents(
            random,
            FACTS,
            [UUID(int=place + 1) for place in range(FACTS)],
            np.arange(FACTS),
            [""] * FACTS,
            document_vectors[1] @ question_vector,
        ),
        episodes=random_documents(random, 0, [], np.zeros(0, dtype=np.int64), [], np.zeros(0)),
        # The last five facts rest on no turn.
        evidence=(np.arange(FACTS - 5), random.integers(0, TURNS, FACTS - 5)),
    )


def encode_halfvec(vector):
    return bytes(4) + vector.astype(">f2").tobytes()


def spread_of(vectors):
    spread = Spread()
    spread.add([encode_halfvec(vector) for vector in vectors])
    return spread.pack()


@pytest.fixture(scope="module")
def indexed_documents(document_set):
    standalone_facts = documents.select(document_set.facts, document_set.standalone_facts())
    return documents.concatenate([document_set.turns, standalone_facts])


@pytest.fixture(scope="module")
def index(document_set, indexed_documents, document_vectors):
    built = building.index_columns(document_set, indexed_documents, document_set.standalone_facts(), 1)
    packed = built.pack() | {
        "spread_of_turns": spread_of(document_vectors[0]),
        "spread_of_facts": spread_of(document_vectors[1]),
    }
    return columns.unpack(packed)


@pytest.fixture(scope="module")
def postings(indexed_documents):
    return [
        {"stem": stem, "places": places, "counts": counts}
        for chunk in building.postings(indexed_documents)
        for stem, places, counts in zip(chunk["stems"], chunk["places"], chunk["counts"], strict=True)
    ]


@pytest.fixture
def cell_rows(document_set, index):
    """All cosines in one cell, and an empty sample cell."""
    cosines = np.concatenate([document_set.turns.cosine, document_set.facts.cosine]).astype(">f4")
    places = np.concatenate([np.arange(TURNS), index.document_count + np.arange(FACTS)]).astype(">i4")
    empty_sample = {"cell": SAMPLE_CELL, "places": b"", "cosines": b""}
    return [{"cell": 0, "places": places.tobytes(), "cosines": cosines.tobytes()}, empty_sample]


@pytest.fixture
def features_of(document_set, index, question_vector, postings, cell_rows):
    """A function that returns the features of a question."""

    def compute(question, rows=cell_rows):
        return IndexFeatures(index, question, document_set.question_words, question_vector.tolist(), postings, rows)

    return compute


QUESTIONS = ("word1 word2 word3", "When did Ana word1 word2 word3?", "word1 word2 word3 in June 2022")


@pytest.mark.parametrize("question", QUESTIONS)
def test_the_features_from_an_index_equal_those_from_all_documents(question, document_set, features_of):
    standalone_facts = documents.select(document_set.facts, document_set.standalone_facts())
    all_documents = documents.concatenate([document_set.turns, standalone_facts, document_set.episodes])
    exact = document_features.compute_features(question, document_set.question_words, all_documents)
    index_features = features_of(question)
    from_index = index_features.document_features(all_documents)
    for name, values in exact.items():
        # The index assumes that the cosines of standalone facts have the same scale as those of all facts.
        absolute, relative = (0.15, 0.15) if name.startswith("meaning") else (1e-6, 1e-6)
        np.testing.assert_allclose(from_index[name], values, atol=absolute, rtol=relative, err_msg=name)
    exact_similarities = document_features.standardize(document_set.facts.cosine)
    np.testing.assert_allclose(index_features.fact_similarities(document_set.facts), exact_similarities, atol=0.05)


@pytest.mark.parametrize("question", QUESTIONS)
def test_the_best_results_are_among_the_best_places(question, document_set, index, features_of):
    index_features = features_of(question)
    best_places = index_features.best_places(20, np.arange(index.document_count))
    facts = index_features.facts_of(best_places)
    ranking = Ranking(question, document_set, frozenset({"fact", "turn"}))
    best_keys = [result.key for result in ranking.results()][:5]
    keys = {index.turn_key(place) for place in best_places.tolist() if place < TURNS}
    keys |= {index.fact_id(place) for place in facts.tolist()}
    assert set(best_keys) <= keys


def test_missing_cosines_are_listed_and_can_be_added(index, features_of, cell_rows):
    only_sample = cell_rows[1:]
    index_features = features_of("word1", only_sample)
    turns, facts = index_features.without_cosine(np.array([0, 1, TURNS]), np.array([3]))
    assert (turns.tolist(), facts.tolist()) == ([0, 1], [3])
    row = {
        "items": [index.turn_key(0).item, str(index.fact_id(3))],
        "cosines": np.array([0.5, 0.25], ">f8").tobytes(),
    }
    index_features.add_cosines([row], turns, facts)
    turns, facts = index_features.without_cosine(np.array([0, 1]), np.array([3]))
    assert (turns.tolist(), facts.tolist()) == ([1], [])


def test_a_new_document_is_scored_like_a_document_of_the_index(document_set, indexed_documents, index, postings):
    words = WordFeatures(index, document_set.question_words, postings)
    document = documents.select(indexed_documents, np.array([7]))
    assert len(document) == 1
    as_new = words.document_features(document, np.array([-1]))
    as_indexed = words.indexed_features(np.array([7]))
    assert as_new["words"] == pytest.approx(as_indexed["words"], abs=0.15)
    assert as_new["coverage"] == pytest.approx(as_indexed["coverage"], abs=1e-6)


def test_a_word_that_only_a_new_document_contains_is_the_rarest(document_set, index, postings):
    codes = np.full(len(document_set.turns.codes), stems.code("zebra"), dtype=np.uint32)
    turns = replace(document_set.turns, codes=codes)
    words = WordFeatures(index, list(map(stems.word_of_stem, ["zebra", "word1"])), postings)
    features = words.document_features(documents.select(turns, np.array([0, 1])), np.array([-1, 1]))
    assert features["words"][0] > 1 > features["words"][1]
    assert features["coverage"][0] > features["coverage"][1]


def test_places_and_keys_convert_into_each_other(document_set, index):
    turn_keys, fact_ids = document_set.turns.keys, document_set.facts.keys
    assert [index.place_of(key) for key in [*turn_keys, *fact_ids[-5:]]] == list(range(TURNS + 5))
    assert index.place_of(TurnKey("chat0", 10_000)) == -1
    assert index.place_of(TurnKey("unknown", 1)) == -1
    assert index.place_of(UUID(int=1)) == -1  # its evidence is a turn
    assert index.turn_key(TURNS - 1) == turn_keys[-1]
    assert [index.fact_item(place) for place in range(FACTS)] == [str(fact_id) for fact_id in fact_ids]
    assert index.last_position(0) == max(key.position for key in turn_keys if key.session_id == "chat0")


def test_the_spread_of_vectors_gives_mean_and_deviation_of_the_cosines(question_vector, document_vectors):
    scale = cells.cosine_scale(spread_of(document_vectors[0]), question_vector.tolist())
    cosines = document_vectors[0] @ question_vector
    assert (scale.mean, scale.deviation) == (
        pytest.approx(cosines.mean(), abs=0.01),
        pytest.approx(cosines.std(), abs=0.01),
    )
    assert cells.cosine_scale(b"", question_vector.tolist()).standardize(np.array([1.0])).tolist() == [0]


def test_vectors_of_different_groups_are_in_different_cells():
    vectors = (
        np.repeat(np.eye(4, DIMENSION), 10, axis=0) + np.random.default_rng(5).standard_normal((40, DIMENSION)) * 0.01
    )
    embeddings = [encode_halfvec(vector) for vector in vectors]
    cell_of_vector = cells.nearest_centres(cells.find_centres(embeddings, 20), embeddings)
    for group in range(4):
        of_group = set(cell_of_vector[10 * group : 10 * group + 10])
        assert not of_group & set(cell_of_vector[: 10 * group] + cell_of_vector[10 * group + 10 :])


def test_the_sample_contains_stretches_of_sessions(index):
    assert cells.sample_turns(index) == list(range(TURNS))


def test_scales_of_parts_combine_into_the_scale_of_all_values():
    values = np.random.default_rng(5).standard_normal(50)
    parts = [values[:20], values[20:]]
    combined = scales.combine(*((float(len(part)), scales.measure(part)) for part in parts))
    assert (combined.mean, combined.deviation) == (pytest.approx(values.mean()), pytest.approx(values.std()))
    assert scales.measure(np.array([np.nan])).standardize(np.array([3.0])).tolist() == [0]
    assert scales.measure_weighted(np.array([1.0, 4.0]), np.array([2.0, 1.0])).mean == 2
