"""Ranking, without any server: numbers in, an order out."""

from uuid import UUID

import numpy as np

from afterturn.recall import lexical, stems
from afterturn.recall.document_keys import TurnKey
from afterturn.recall.documents import Documents, Memory
from afterturn.recall.ranking import FURTHER_FACT, OF_MESSAGES, WEIGHTS, Ranking, around, standardized, weights_for

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
        sizes=np.array([len(said) for said in words], dtype=np.int64),
        codes=np.array([stems.code(word) for said in words for word in said], dtype=np.uint32),
        passes=np.ones(count, dtype=np.bool_),
        importance=np.zeros(count),
        is_superseded=np.array([place in superseded for place in range(count)], dtype=np.bool_),
        is_chosen=np.array([place not in by_rules for place in range(count)], dtype=np.bool_),
    )


def turns(*texts, **columns):
    return documents(*texts, keys=[TurnKey("chat", place) for place in range(1, len(texts) + 1)], **columns)


def facts(*texts, **columns):
    return documents(*texts, keys=[UUID(int=place) for place in range(1, len(texts) + 1)], **columns)


def ranked(question, said, known=None, evidence=(), kinds=BOTH):
    pairs = np.array(evidence, dtype=np.int64).reshape(-1, 2)
    memory = Memory(
        question_stems=question.lower().strip("?").split(),
        turns=said,
        facts=facts() if known is None else known,
        episodes=facts(),
        evidence=(pairs[:, 0], pairs[:, 1]),
    )
    return list(Ranking(question, memory, kinds).results())


def positions(results):
    return [one.key.position for one in results]


def test_shared_words_win_and_rare_ones_more():
    said = turns("the cat sleeps", "the cat eats fish", "the cat plays", "a storm is near")
    assert positions(ranked("cat fish", said))[0] == 2
    assert positions(ranked("storm", said))[0] == 4


def test_everything_is_a_result_also_what_shares_nothing():
    assert len(ranked("zebra", turns("one", "two", "three"))) == 3
    assert ranked("zebra", turns()) == []


def test_the_one_whom_the_question_names_is_the_one_who_said_it():
    said = turns("i paint", "i paint", speakers=["ben", "ana"])
    assert positions(ranked("what does Ana paint", said))[0] == 2


def test_nobody_is_preferred_where_one_speaks_alone():
    parts = ranked("what does Ana paint", turns("i paint", "i rest", speakers=["ana", "ana"]))[0].parts
    assert parts["speaker"] == 0


def test_a_neighbour_lends_its_words():
    said = turns("where was the party", "in the garden", "ok", "no idea", "fine", "well")
    assert positions(ranked("party", said))[:2] == [1, 2]


def test_the_vector_finds_what_no_word_does():
    assert positions(ranked("zebra", turns("one", "two", "three", cosines=[0.1, 0.9, 0.2])))[0] == 2


def test_a_vector_that_is_missing_is_no_bad_vector():
    parts = {one.key.position: one.parts for one in ranked("zebra", turns("a", "b", "c", cosines=[0.1, np.nan, 0.9]))}
    assert parts[1]["meaning"] < parts[2]["meaning"] == 0 < parts[3]["meaning"]


def test_a_fact_and_its_turn_are_one_result_the_fact_unless_the_turn_is_much_nearer():
    said = turns("i moved to porto", "hello", "well", cosines=[0.9, 0.1, 0.1])
    near = facts("ana lives in porto", "ben likes tea", cosines=[0.8, 0.1])
    far = facts("ana lives in porto", "ben likes tea", cosines=[0.1, 0.8])
    fact, turn = UUID(int=1), TurnKey("chat", 1)
    keys = [one.key for one in ranked("porto", said, near, [(0, 0), (1, 1)])]
    assert fact in keys and turn not in keys
    keys = [one.key for one in ranked("porto", said, far, [(0, 0), (1, 1)])]
    assert turn in keys and fact not in keys


def test_a_fact_of_two_turns_stands_for_both():
    said = turns("i moved to porto", "yes porto it is", cosines=[0.5, 0.4])
    known = facts("ana lives in porto", cosines=[0.8])
    assert [one.key for one in ranked("porto", said, known, [(0, 0), (0, 1)])] == [UUID(int=1)]


def test_two_facts_of_one_turn_are_two_results():
    known = facts("ana lives in porto", "ana has a dog", cosines=[0.8, 0.7])
    found = ranked("porto", turns("i live in porto with a dog", cosines=[0.5]), known, [(0, 0), (1, 0)])
    assert [one.key for one in found] == [UUID(int=1), UUID(int=2)]


def test_a_fact_without_a_turn_is_found_by_itself():
    assert ranked("porto", turns("hello"), facts("ana lives in porto"))[0].key == UUID(int=1)


def test_superseded_facts_come_last_however_near():
    known = facts("ana lives in porto", "ben likes tea", cosines=[0.9, 0.1], superseded=[0])
    assert [one.key for one in ranked("porto", turns(), known)] == [UUID(int=2), UUID(int=1)]


def test_only_the_wanted_kinds_are_results():
    said, known = turns("porto", cosines=[0.9]), facts("porto", cosines=[0.1])
    assert [one.key for one in ranked("porto", said, known, [(0, 0)], frozenset({"fact"}))] == [UUID(int=1)]
    assert [one.key for one in ranked("porto", said, known, [(0, 0)], frozenset({"turn"}))] == [TurnKey("chat", 1)]


def test_the_parts_of_a_score_add_up_to_it():
    known = facts("ana lives in porto", "ben likes tea", cosines=[0.8, 0.2])
    for one in ranked("When did Ana move to Porto in 1970?", turns("i moved", cosines=[0.4]), known, [(0, 0)]):
        assert set(one.parts) <= set(WEIGHTS)
        assert abs(sum(one.parts.values()) - one.score) < 1e-9


def test_a_further_fact_of_a_turn_says_what_it_is_marked_down_by():
    known = facts("ana lives in porto", "ana has a dog", cosines=[0.8, 0.7])
    first, second = ranked("porto", turns("i live in porto with a dog", cosines=[0.5]), known, [(0, 0), (1, 0)])
    assert "further_fact" not in first.parts
    assert second.parts["further_fact"] == -FURTHER_FACT
    assert abs(sum(second.parts.values()) - second.score) < 1e-9


MESSAGE = "so my sister came and we thought about that garden again maybe roses along every fence would suit it best"


def test_the_longer_a_question_is_the_more_it_is_a_message():
    short, long = weights_for(["rose"] * 8), weights_for(["rose"] * 16)
    assert short == WEIGHTS
    assert all(abs(long[name] - WEIGHTS[name] - more) < 1e-9 for name, more in OF_MESSAGES.items())
    assert WEIGHTS["opening"] < weights_for(["rose"] * 12)["opening"] < long["opening"]
    assert weights_for(["what", "who"] * 20) == WEIGHTS
    assert weights_for(["rose"] * 1_000) == long


def test_a_message_wants_what_was_learnt_and_how_a_conversation_began():
    said = turns("now about the new garden", "hello", "a garden it is", "well", "garden")
    known = facts("there will be a garden")
    assert positions(ranked(MESSAGE, said, known, [(0, 2)], frozenset({"turn"})))[:2] == [3, 1]
    assert {one.parts["learnt"] for one in ranked("garden", said, known, [(0, 2)])} == {0.0}


def test_a_greeting_opens_nothing():
    [greeting, other] = ranked(MESSAGE, turns("hello you", "how are you all today"))
    assert greeting.parts["opening"] == other.parts["opening"] == 0


def test_a_fact_that_was_replaced_is_nothing_that_was_learnt():
    known = facts("there will be a garden", superseded=[0])
    [turn] = ranked(MESSAGE, turns("a garden it is"), known, [(0, 0)], frozenset({"turn"}))
    assert turn.parts["learnt"] == 0


def test_what_rules_found_is_not_what_mattered():
    said, evidence, only = turns("a garden it is", "a garden then"), [(0, 0), (1, 1)], frozenset({"turn"})
    known = facts("there will be a garden", "a garden will be there", by_rules=[0])
    learnt = {one.key.position: one.parts["learnt"] for one in ranked(MESSAGE, said, known, evidence, only)}
    assert learnt[1] == 0 < learnt[2]


def test_counts_and_bm25():
    held = turns("a a b", "b")
    found = lexical.counts(held, [stems.code("b"), stems.code("a"), stems.code("c")])
    assert found.tolist() == [[1, 2, 0], [1, 0, 0]]
    score = lexical.bm25(found, held.sizes.astype(float))
    assert score[0, 1] > score[1, 0] > score[0, 0] > 0 == score[:, 2].sum()


def test_neighbours_are_of_the_same_session():
    assert around(np.array([1.0, 2.0, 4.0]), np.array([0, 0, 1])).tolist() == [3, 3, 4]


def test_standardized_values():
    assert standardized(np.array([1.0, 3.0, np.nan])).tolist() == [-1, 1, 0]
    assert standardized(np.array([5.0, 5.0])).tolist() == [0, 0]
    assert standardized(np.array([np.nan])).tolist() == [0]
    assert standardized(np.array([])).tolist() == []
