"""The built-in embedder: stable vectors of length 1, similar for similar spellings."""

import itertools
import math
import subprocess
import sys
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from afterturn.embedding import hashing
from afterturn.embedding.hashing import HashingEmbedder
from harness.growth import assert_time_is_proportional

SENTENCE = (
    "Yesterday I moved from the old apartment in Lisbon to a much bigger house near the beautiful river, and my sister "
    "Maria helped me to carry all the heavy boxes there"
)

WORDS = ("Ana", "moves", "moved", "the", "Ação", "9", "x", "houses,", "她住在里斯本", "Lisbõa's", "...", "a" * 40)


def cosine(one: str, other: str) -> float:
    first, second = HashingEmbedder().embed([one, other])
    return sum(a * b for a, b in zip(first, second, strict=True))


@given(st.lists(st.text(), max_size=5), st.sampled_from([8, 64, 512]))
def test_any_text_has_a_vector_of_length_one(texts: list[str], dimension: int):
    vectors = HashingEmbedder(dimension).embed(texts)

    assert len(vectors) == len(texts)
    for vector in vectors:
        assert len(vector) == dimension
        assert math.hypot(*vector) == pytest.approx(1)


@given(st.text())
def test_the_same_text_always_has_the_same_vector(text: str):
    assert HashingEmbedder().embed([text]) == HashingEmbedder().embed(["other", text])[1:]


def test_vectors_are_the_same_in_every_process():
    code = "from afterturn.embedding.hashing import HashingEmbedder as H; print(H(64).embed(['Ana lives in Lisbõa']))"
    runs = {
        subprocess.run(
            [sys.executable, "-c", code], env={"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        ).stdout
        for seed in ("1", "2")
    }

    assert runs == {f"{HashingEmbedder(64).embed(['Ana lives in Lisbõa'])}\n"}


def test_vectors_are_the_same_in_every_release():
    # Stored vectors depend on these numbers: a change of them needs a new MODEL.
    vector = HashingEmbedder(8).embed(["Ana moved to Lisbon"])[0]

    expected = [
        0.5550508639,
        -0.1827821115,
        -0.0527644684,
        -0.3855179777,
        0.5149118455,
        -0.0772221446,
        0.4778287193,
        0.0876543478,
    ]
    assert vector == pytest.approx(expected, abs=1e-9)


def plain_vector(text: str, dimension: int) -> list[float]:
    """The definition, one feature after the other: every form must add the same numbers in the same order."""
    vector = [0.0] * dimension
    words = hashing._WORDS.findall(hashing._fold_case_and_accents(text))
    weighted: list[tuple[float, list[int]]] = []
    for word, count in Counter(words).items():
        weighted += [(weight * (1.0 + math.log(count)), found) for weight, found in hashing._word_features(word)]
    stems = [hashing._stem(word).encode() for word in words if word not in hashing._STOP_WORDS]
    for (first, second), count in Counter(itertools.pairwise(stems)).items():
        pair = hashing._hash(hashing._PAIR_SEED, first + b" " + second)
        weighted.append((hashing._PAIR_WEIGHT * (1.0 + math.log(count)), [pair]))
    for weight, hashes in weighted:
        for hashed in hashes:
            vector[(hashed & 0x7FFFFFFF) % dimension] += weight if hashed & 0x80000000 else -weight
    length = math.hypot(*vector)
    return [1.0] + [0.0] * (dimension - 1) if length < 1e-9 else [number / length for number in vector]


@given(st.lists(st.lists(st.sampled_from(WORDS)).map(" ".join), max_size=4), st.sampled_from([8, 512]))
def test_vectors_are_exactly_those_of_the_definition(texts: list[str], dimension: int):
    assert HashingEmbedder(dimension).embed(texts) == [plain_vector(text, dimension) for text in texts]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ana lives in Lisbon", "ANA LIVES IN LISBON!"),
        ("Acao em São Paulo", "ação em sao paulo"),
        ("Ana lives in Lisbon", "Ana lives in Lisbonn"),
        ("moved houses", "moving house"),
        ("她住在里斯本", "她以前住在里斯本"),
    ],
)
def test_similar_spellings_have_near_vectors(one: str, other: str):
    assert cosine(one, other) > 0.7


@pytest.mark.parametrize(
    ("question", "answer", "distractor"),
    [
        ("Where does Ana live?", "Ana lives in Lisbon", "Where does the time go?"),
        ("What is Bob's favourite colour?", "Bob likes the color green", "What is it that you do?"),
        ("Is she allergic to peanuts?", "Ana has a peanut allergy", "She is going to the gym"),
    ],
)
def test_shared_content_words_count_more_than_shared_stop_words(question: str, answer: str, distractor: str):
    assert cosine(question, answer) > cosine(question, distractor)


def test_different_texts_have_distant_vectors():
    assert abs(cosine("Ana lives in Lisbon", "quarterly tax report")) < 0.2


def test_the_weight_of_a_repeated_word_grows_sublinearly():
    assert cosine("chess " * 50 + "tennis", "chess tennis") > 0.7


def test_all_texts_without_words_have_one_vector_far_from_others():
    assert cosine("", " …!") == pytest.approx(1)
    assert abs(cosine("", "Ana lives in Lisbon")) < 0.3


def test_a_dimension_that_is_too_small_is_refused():
    with pytest.raises(ValueError, match="at least 8"):
        HashingEmbedder(4)


def test_the_time_of_a_text_grows_with_its_length():
    embedder = HashingEmbedder()
    assert_time_is_proportional(lambda text: embedder.embed([text]), lambda size: (SENTENCE * 4_000)[:size], 100_000)
