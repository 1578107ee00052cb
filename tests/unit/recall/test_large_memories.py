"""The index of a large memory, without any server: it says of documents what ranking says that has read them all."""

from dataclasses import replace
from uuid import UUID

import numpy as np
import pytest

from afterturn.recall import stems
from afterturn.recall.documents import Documents, Memory, TurnKey, chosen
from afterturn.recall.ranking import Ranking
from afterturn.recall.vector_index import building, cells, columns, scales
from afterturn.recall.vector_index.cells import Spread
from afterturn.recall.vector_index.index_features import SAMPLE, Question
from afterturn.recall.vector_index.words import Words

VOCABULARY = [f"word{number}" for number in range(60)] + ["yesterday"]
SESSIONS, TURNS, FACTS = 5, 60, 40
DIMENSION = 8


def vectors(drawn, count):
    found = drawn.standard_normal((count, DIMENSION)) + 0.5
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def documents(drawn, count, keys, session, speakers, cosine):
    texts = [drawn.choice(VOCABULARY, drawn.integers(1, 9)) for _ in range(count)]
    return Documents(
        keys=keys,
        session=session,
        speaker=speakers,
        is_user=np.array([name != "ben" for name in speakers], dtype=float),
        said_at=drawn.integers(1_600_000_000, 1_700_000_000, count).astype(float),
        cosine=cosine,
        sizes=np.array([len(text) for text in texts], dtype=np.int64),
        codes=np.array([stems.code(word) for text in texts for word in text], dtype=np.uint32),
        passes=np.ones(count, dtype=np.bool_),
        importance=np.zeros(count),
        is_superseded=np.zeros(count, dtype=np.bool_),
        is_chosen=np.ones(count, dtype=np.bool_),
    )


@pytest.fixture(scope="module")
def drawn():
    """What is drawn from it below, is drawn in this order, whichever test comes first."""
    return np.random.default_rng(7)


@pytest.fixture(scope="module")
def asked(drawn):
    return vectors(drawn, 1)[0]


@pytest.fixture(scope="module")
def embedded(drawn, asked):
    return vectors(drawn, TURNS), vectors(drawn, FACTS)


@pytest.fixture(scope="module")
def memory(drawn, asked, embedded):
    session = np.sort(drawn.integers(0, SESSIONS, TURNS))
    session = np.unique(session, return_inverse=True)[1]
    keys = [TurnKey(f"chat{number}", place + 1) for place, number in enumerate(session.tolist())]
    speakers = drawn.choice(["ana", "ben"], TURNS).tolist()
    return Memory(
        question_stems=["word1", "word2", "word3"],
        turns=documents(drawn, TURNS, keys, session, speakers, embedded[0] @ asked),
        facts=documents(
            drawn,
            FACTS,
            [UUID(int=place + 1) for place in range(FACTS)],
            np.arange(FACTS),
            [""] * FACTS,
            embedded[1] @ asked,
        ),
        episodes=documents(drawn, 0, [], np.zeros(0, dtype=np.int64), [], np.zeros(0)),
        # The last five facts rest on no turn.
        evidence=(np.arange(FACTS - 5), drawn.integers(0, TURNS, FACTS - 5)),
    )


def half(vector):
    return bytes(4) + vector.astype(">f2").tobytes()


def spread_of(found):
    spread = Spread()
    spread.add([half(vector) for vector in found])
    return spread.packed()


@pytest.fixture(scope="module")
def indexed(memory, embedded):
    held, alone = building._documents(memory)
    made = building._columns(memory, held, alone, 1)
    packed = made.packed() | {"spread_of_turns": spread_of(embedded[0]), "spread_of_facts": spread_of(embedded[1])}
    return columns.unpacked(packed)


@pytest.fixture(scope="module")
def postings(memory):
    return [
        {"stem": stem, "places": places, "counts": counts}
        for chunk in building._postings(building._documents(memory)[0])
        for stem, places, counts in zip(chunk["stems"], chunk["places"], chunk["counts"], strict=True)
    ]


@pytest.fixture
def near(memory, indexed):
    """All cosines, as if all cells had been looked into."""
    cosines = np.concatenate([memory.turns.cosine, memory.facts.cosine]).astype(">f4")
    places = np.concatenate([np.arange(TURNS), indexed.documents + np.arange(FACTS)]).astype(">i4")
    nothing = {"cell": SAMPLE, "places": b"", "cosines": b""}
    return [{"cell": 0, "places": places.tobytes(), "cosines": cosines.tobytes()}, nothing]


def question(text, memory, indexed, asked, postings, near):
    return Question(indexed, text, memory.question_stems, asked.tolist(), postings, near)


TEXTS = ("word1 word2 word3", "When did Ana word1 word2 word3?", "word1 word2 word3 in June 2022")


@pytest.mark.parametrize("text", TEXTS)
def test_the_features_of_an_indexed_memory_are_those_of_one_that_is_read(text, memory, indexed, asked, postings, near):
    whole = Ranking(text, memory, frozenset({"fact", "turn"}))
    known = question(text, memory, indexed, asked, postings, near)
    found = known.of_documents(whole._documents)
    for name, values in whole._features(text).items():
        # Facts that rest on no turn are taken to be spread as all facts are.
        absolute, relative = (0.15, 0.15) if name.startswith("meaning") else (1e-6, 1e-6)
        np.testing.assert_allclose(found[name], values, atol=absolute, rtol=relative, err_msg=name)
    np.testing.assert_allclose(known.of_facts(memory.facts), whole._scores_of_facts(), atol=0.05)


@pytest.mark.parametrize("text", TEXTS)
def test_the_best_documents_are_among_the_promising_ones(text, memory, indexed, asked, postings, near):
    known = question(text, memory, indexed, asked, postings, near)
    promising = known.best(20, np.arange(indexed.documents))
    facts = known.resting_on(promising)
    best = [one.key for one in Ranking(text, memory, frozenset({"fact", "turn"})).results()][:5]
    names = {indexed.turn_key(place) for place in promising.tolist() if place < TURNS}
    names |= {indexed.fact_id(place) for place in facts.tolist()}
    assert set(best) <= names


def test_what_is_not_known_is_named_and_learnt(memory, indexed, asked, postings, near):
    known = question("word1", memory, indexed, asked, postings, near[1:])
    turns, facts = known.unknown(np.array([0, 1, TURNS]), np.array([3]))
    assert (turns.tolist(), facts.tolist()) == ([0, 1], [3])
    row = {
        "items": [indexed.turn_key(0).item, str(indexed.fact_id(3))],
        "cosines": np.array([0.5, 0.25], ">f8").tobytes(),
    }
    known.learn([row], turns, facts)
    left = known.unknown(np.array([0, 1]), np.array([3]))
    assert (left[0].tolist(), left[1].tolist()) == ([1], [])


def test_a_document_that_came_later_is_scored_like_one_of_the_index(memory, indexed, postings):
    words = Words(indexed, [stems.code(stem) for stem in memory.question_stems], postings)
    one = chosen(building._documents(memory)[0], np.array([7]))
    assert len(one) == 1
    later = words.of_documents(one, np.array([-1]))
    known = words.estimated(np.array([7]))
    assert later["words"] == pytest.approx(known["words"], abs=0.15)
    assert later["coverage"] == pytest.approx(known["coverage"], abs=1e-6)


def test_a_word_that_was_said_for_the_first_time_is_the_rarest_of_all(memory, indexed, postings):
    turns = replace(memory.turns, codes=np.full(len(memory.turns.codes), stems.code("zebra"), dtype=np.uint32))
    words = Words(indexed, [stems.code("zebra"), stems.code("word1")], postings)
    found = words.of_documents(chosen(turns, np.array([0, 1])), np.array([-1, 1]))
    assert found["words"][0] > 1 > found["words"][1]
    assert found["coverage"][0] > found["coverage"][1]


def test_places_and_names(memory, indexed):
    keys = [*memory.turns.keys, *memory.facts.keys[-5:]]
    assert [indexed.place_of(key) for key in keys] == list(range(TURNS + 5))
    assert indexed.place_of(TurnKey("chat0", 10_000)) == -1
    assert indexed.place_of(TurnKey("unknown", 1)) == -1
    assert indexed.place_of(UUID(int=1)) == -1  # rests on a turn
    assert indexed.turn_key(TURNS - 1) == memory.turns.keys[-1]
    assert [indexed.fact_name(place) for place in range(FACTS)] == [str(key) for key in memory.facts.keys]
    assert indexed.last_position(0) == max(key.position for key in memory.turns.keys if key.session_id == "chat0")


def test_the_spread_of_vectors_tells_mean_and_deviation_of_the_cosines(asked, embedded):
    told = cells.scale(spread_of(embedded[0]), asked.tolist())
    cosines = embedded[0] @ asked
    assert (told.mean, told.deviation) == (
        pytest.approx(cosines.mean(), abs=0.01),
        pytest.approx(cosines.std(), abs=0.01),
    )
    assert cells.scale(b"", asked.tolist()).of(np.array([1.0])).tolist() == [0]


def test_vectors_lie_in_the_cell_that_they_are_nearest_to():
    groups = (
        np.repeat(np.eye(4, DIMENSION), 10, axis=0) + np.random.default_rng(8).standard_normal((40, DIMENSION)) * 0.01
    )
    held = [half(vector) for vector in groups]
    found = cells.nearest(cells.centres(held, 20), held)
    for group in range(4):
        of_group = set(found[10 * group : 10 * group + 10])
        assert not of_group & set(found[: 10 * group] + found[10 * group + 10 :])


def test_the_sample_is_made_of_stretches_of_sessions(indexed):
    assert cells.sample(indexed) == list(range(TURNS))


def test_scales_of_parts_unite():
    values = np.random.default_rng(9).standard_normal(50)
    parts = [values[:20], values[20:]]
    united = scales.united(*((float(len(part)), scales.of(part)) for part in parts))
    assert (united.mean, united.deviation) == (pytest.approx(values.mean()), pytest.approx(values.std()))
    assert scales.of(np.array([np.nan])).of(np.array([3.0])).tolist() == [0]
    assert scales.weighted(np.array([1.0, 4.0]), np.array([2.0, 1.0])).mean == 2
