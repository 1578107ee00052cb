"""Ranking without a server."""

from uuid import UUID

import numpy as np

from afterturn.recall import lexical, stems
from afterturn.recall.document_features import NEIGHBOUR_STEMS, add_neighbours, neighbour_shares, standardize
from afterturn.recall.document_keys import TurnKey
from afterturn.recall.documents import Documents, DocumentSet
from afterturn.recall.ranking import FURTHER_FACT, PRIORS, WEIGHTS, Ranking, weights_for

BOTH = frozenset({"fact", "turn"})


def documents(*texts, keys, speakers=None, cosines=None, superseded=(), by_rules=(), said_at=0.0):
    words = [text.lower().split() for text in texts]
    count = len(texts)
    return Documents(
        keys=keys,
        session=np.zeros(count, dtype=np.int64),
        speaker=speakers or [""] * count,
        is_user=np.ones(count),
        said_at=np.full(count, said_at),
        cosine=np.array(cosines or [np.nan] * count, dtype=float),
        lengths=np.array([len(text) for text in words], dtype=np.int64),
        codes=np.array([stems.code(word) for text in words for word in text], dtype=np.uint32),
        passes=np.ones(count, dtype=np.bool_),
        importance=np.zeros(count),
        is_superseded=np.array([place in superseded for place in range(count)], dtype=np.bool_),
        is_chosen=np.array([place not in by_rules for place in range(count)], dtype=np.bool_),
    )


def turns(*texts, **columns):
    return documents(*texts, keys=[TurnKey("chat", place) for place in range(1, len(texts) + 1)], **columns)


def facts(*texts, **columns):
    return documents(*texts, keys=[UUID(int=place) for place in range(1, len(texts) + 1)], **columns)


def rank(question, turn_documents, fact_documents=None, evidence=(), kinds=BOTH):
    pairs = np.array(evidence, dtype=np.int64).reshape(-1, 2)
    document_set = DocumentSet(
        question_words=list(map(stems.word_of_stem, question.lower().strip("?").split())),
        turns=turn_documents,
        facts=facts() if fact_documents is None else fact_documents,
        episodes=facts(),
        evidence=(pairs[:, 0], pairs[:, 1]),
    )
    return list(Ranking(question, document_set, kinds).results())


def weights_of(words):
    return weights_for(list(map(stems.word_of_stem, words)))


def keys_of(results):
    return [result.key for result in results]


def parts_by_position(results):
    return {result.key.position: result.parts for result in results}


def positions(results):
    return [result.key.position for result in results]


def test_documents_with_the_words_of_the_question_come_first_and_rare_words_count_more():
    said_turns = turns("the cat sleeps", "the cat eats fish", "the cat plays", "a storm is near")
    assert positions(rank("cat fish", said_turns))[0] == 2
    assert positions(rank("storm", said_turns))[0] == 4


def test_every_document_is_a_result_even_without_a_common_word():
    assert len(rank("zebra", turns("one", "two", "three"))) == 3
    assert rank("zebra", turns()) == []


def test_turns_of_the_speaker_whom_the_question_names_come_first():
    said_turns = turns("i paint", "i paint", speakers=["ben", "ana"])
    assert positions(rank("what does Ana paint", said_turns))[0] == 2


def test_the_speaker_feature_is_zero_if_one_person_said_everything():
    parts = rank("what does Ana paint", turns("i paint", "i rest", speakers=["ana", "ana"]))[0].parts
    assert parts["speaker"] == 0


def test_the_words_of_neighbouring_turns_count():
    said_turns = turns("where was the party", "in the garden", "ok", "no idea", "fine", "well")
    assert positions(rank("party", said_turns))[:2] == [1, 2]


def test_a_near_vector_comes_first_without_a_common_word():
    assert positions(rank("zebra", turns("one", "two", "three", cosines=[0.1, 0.9, 0.2])))[0] == 2


def test_a_missing_vector_counts_as_average():
    parts = {
        result.key.position: result.parts for result in rank("zebra", turns("a", "b", "c", cosines=[0.1, np.nan, 0.9]))
    }
    assert parts[1]["meaning"] < parts[2]["meaning"] == 0 < parts[3]["meaning"]


def test_a_fact_and_its_turn_are_one_result_which_is_the_fact_unless_the_turn_is_much_nearer():
    said_turns = turns("i moved to porto", "hello", "well", cosines=[0.9, 0.1, 0.1])
    near = facts("ana lives in porto", "ben likes tea", cosines=[0.8, 0.1])
    far = facts("ana lives in porto", "ben likes tea", cosines=[0.1, 0.8])
    fact, turn = UUID(int=1), TurnKey("chat", 1)
    keys = keys_of(rank("porto", said_turns, near, [(0, 0), (1, 1)]))
    assert fact in keys and turn not in keys
    keys = keys_of(rank("porto", said_turns, far, [(0, 0), (1, 1)]))
    assert turn in keys and fact not in keys


def test_a_fact_represents_all_its_turns():
    said_turns = turns("i moved to porto", "yes porto it is", cosines=[0.5, 0.4])
    known_facts = facts("ana lives in porto", cosines=[0.8])
    assert keys_of(rank("porto", said_turns, known_facts, [(0, 0), (0, 1)])) == [UUID(int=1)]


def test_two_facts_of_one_turn_are_two_results():
    known_facts = facts("ana lives in porto", "ana has a dog", cosines=[0.8, 0.7])
    found = rank("porto", turns("i live in porto with a dog", cosines=[0.5]), known_facts, [(0, 0), (1, 0)])
    assert keys_of(found) == [UUID(int=1), UUID(int=2)]


def test_a_fact_without_a_turn_is_a_document():
    assert rank("porto", turns("hello"), facts("ana lives in porto"))[0].key == UUID(int=1)


def test_superseded_facts_come_last_even_if_they_are_nearest():
    known_facts = facts("ana lives in porto", "ben likes tea", cosines=[0.9, 0.1], superseded=[0])
    assert keys_of(rank("porto", turns(), known_facts)) == [UUID(int=2), UUID(int=1)]


def test_only_the_given_kinds_are_results():
    said_turns, known_facts = turns("porto", cosines=[0.9]), facts("porto", cosines=[0.1])
    assert keys_of(rank("porto", said_turns, known_facts, [(0, 0)], frozenset({"fact"}))) == [UUID(int=1)]
    assert keys_of(rank("porto", said_turns, known_facts, [(0, 0)], frozenset({"turn"}))) == [TurnKey("chat", 1)]


def test_the_parts_of_a_score_add_up_to_the_score():
    known_facts = facts("ana lives in porto", "ben likes tea", cosines=[0.8, 0.2])
    for result in rank("When did Ana move to Porto in 1970?", turns("i moved", cosines=[0.4]), known_facts, [(0, 0)]):
        assert set(result.parts) <= set(WEIGHTS)
        assert abs(sum(result.parts.values()) - result.score) < 1e-9


def test_the_parts_of_a_further_fact_contain_its_deduction():
    known_facts = facts("ana lives in porto", "ana has a dog", cosines=[0.8, 0.7])
    first, second = rank("porto", turns("i live in porto with a dog", cosines=[0.5]), known_facts, [(0, 0), (1, 0)])
    assert "further_fact" not in first.parts
    assert second.parts["further_fact"] == -FURTHER_FACT
    assert abs(sum(second.parts.values()) - second.score) < 1e-9


MESSAGE = "so my sister came and we thought about that garden again maybe roses along every fence would suit it best"


def test_the_more_words_a_question_has_the_more_count_what_was_learnt_and_what_comes_early():
    weights = [weights_of(["rose"] * count) for count in (4, 8, 16, 1_000)]
    for name in PRIORS:
        assert [weight[name] / WEIGHTS[name] for weight in weights] == [0.25, 0.5, 1.0, 1.0]
    others = WEIGHTS.keys() - {*PRIORS, "changed"}
    assert all(weight[name] == WEIGHTS[name] for weight in weights for name in others)
    assert [weight["changed"] / WEIGHTS["changed"] for weight in weights] == [0.75, 0.5, 0.0, 0.0]
    # Question words are no words of its topic.
    assert weights_of(["what", "who"] * 20)["early"] == 0


def test_a_message_prefers_turns_with_facts_and_early_ones():
    said_turns = turns("now about the new garden", "hello", "a garden it is", "well", "garden")
    known_facts = facts("there will be a garden")
    assert set(positions(rank(MESSAGE, said_turns, known_facts, [(0, 2)], frozenset({"turn"})))[:2]) == {1, 3}


def test_a_greeting_is_not_early():
    parts = parts_by_position(rank(MESSAGE, turns("hello you", "how are you all today", "very well and you then")))
    assert parts[1]["early"] == 0 < parts[3]["early"] < parts[2]["early"]


def test_standing_instructions_of_a_user_count():
    # The documents of these tests are stems: "alway" is that of "always".
    said_turns = turns("alway use metric units", "i used metric units")
    parts = parts_by_position(rank("how far is it", said_turns))
    assert parts[1]["standing"] > 0 == parts[2]["standing"]


def test_a_short_turn_is_not_found_by_all_the_words_of_the_long_answers_beside_it():
    filler = " ".join(f"word{number}" for number in range(200))
    long_neighbour = rank("sprint", turns("thanks", f"sprint {filler}", "other", "else"))
    short_neighbour = rank("sprint", turns("thanks", "sprint ends", "other", "else"))
    assert parts_by_position(long_neighbour)[1]["words_around"] < parts_by_position(short_neighbour)[1]["words_around"]


def test_length_has_a_limit():
    said_turns = turns("one two", "one " * 15, "one " * 200)
    short, full, long = (part["length"] for _, part in sorted(parts_by_position(rank("zebra", said_turns)).items()))
    assert short < full == long


def test_a_superseded_fact_does_not_count_as_learnt():
    known_facts = facts("there will be a garden", superseded=[0])
    [turn] = rank(MESSAGE, turns("a garden it is"), known_facts, [(0, 0)], frozenset({"turn"}))
    assert turn.parts["learnt"] == 0


def test_a_fact_of_the_offline_rules_does_not_count_as_learnt():
    said_turns, evidence, only = turns("a garden it is", "a garden then"), [(0, 0), (1, 1)], frozenset({"turn"})
    known_facts = facts("there will be a garden", "a garden will be there", by_rules=[0])
    learnt = {
        result.key.position: result.parts["learnt"] for result in rank(MESSAGE, said_turns, known_facts, evidence, only)
    }
    assert learnt[1] == 0 < learnt[2]


def test_stems_are_counted_and_scored_by_bm25():
    two_turns = turns("a a b", "b")
    counts = lexical.count_words(two_turns, list(map(stems.word_of_stem, "bac")))
    assert counts.tolist() == [[1, 2, 0], [1, 0, 0]]
    score = lexical.bm25(counts, two_turns.lengths.astype(float))
    assert score[0, 1] > score[1, 0] > score[0, 0] > 0 == score[:, 2].sum()


def test_neighbours_belong_to_the_same_session():
    assert add_neighbours(np.array([1.0, 2.0, 4.0]), np.array([0, 0, 1]), np.ones(3)).tolist() == [3, 3, 4]


def test_a_part_of_a_long_neighbour_counts():
    values = np.array([1.0, 80.0, 4.0])
    shares = neighbour_shares(values)
    assert shares.tolist() == [1, NEIGHBOUR_STEMS / 80, 1]
    assert add_neighbours(values, np.array([0, 0, 0]), shares).tolist() == [21, 85, 24]


def test_standardized_values_have_mean_zero_and_deviation_one():
    assert standardize(np.array([1.0, 3.0, np.nan])).tolist() == [-1, 1, 0]
    assert standardize(np.array([5.0, 5.0])).tolist() == [0, 0]
    assert standardize(np.array([np.nan])).tolist() == [0]
    assert standardize(np.array([])).tolist() == []
