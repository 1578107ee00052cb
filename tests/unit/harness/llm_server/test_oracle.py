"""Judging with gold pairs: only what a call shows is answered."""

from datetime import UTC, datetime
from uuid import uuid4

from afterturn.consolidation import judgement
from afterturn.consolidation.judgement import ShownFact
from harness.llm_server import LLMServer, Replay
from harness.llm_server.oracle import Oracle, in_turn

JUDGEMENT = {"type": "json_schema", "json_schema": {"name": "Judgement", "schema": {"type": "object"}}}


def request(known: list[str], new: list[str]) -> dict:
    lines = ["Known:", *(f"K{number} (2023-05-07): {text}" for number, text in enumerate(known, 1))]
    lines += ["", "New:", *(f"N{number} (2024-01-02): {text}" for number, text in enumerate(new, 1))]
    return {"messages": [{"role": "user", "content": "\n".join(lines)}], "response_format": JUDGEMENT}


def verdicts(oracle: Oracle, known: list[str], new: list[str]) -> list[tuple[str, str, str]]:
    return [_as_pair(text) for text in oracle(request(known, new))["pairs"]]


def _as_pair(text: str) -> tuple[str, str, str]:
    first, verdict, second = text.split()
    return first, second, verdict


def test_a_pair_that_is_shown_is_answered_and_no_other():
    oracle = Oracle([("Ana lives in Lisbon.", "Ana lives in Porto."), ("Ana owns a cat.", "Ana's cat died.")])

    shown = verdicts(oracle, ["Ana likes tea.", "ana  lives in LISBON."], ["Ana lives in Porto.", "Ana's cat died."])

    assert shown == [("N1", "K2", "replaces")]
    assert len(oracle.seen) == 1


def test_a_pair_among_the_new_ones_is_answered():
    oracle = Oracle([("Ana lives in Lisbon.", "Ana lives in Porto.")])

    assert verdicts(oracle, [], ["Ana lives in Lisbon.", "Ana lives in Porto."]) == [("N2", "N1", "replaces")]
    assert verdicts(oracle, [], ["Ana lives in Porto.", "Ana lives in Lisbon."]) == [("N2", "N1", "replaces")]


def test_the_older_value_may_be_the_new_one():
    oracle = Oracle([("Ana lives in Lisbon.", "Ana lives in Porto.")])

    assert verdicts(oracle, ["Ana lives in Porto."], ["Ana lives in Lisbon."]) == [("N1", "K1", "replaces")]


def test_one_text_twice_is_the_same():
    assert verdicts(Oracle(), ["Ana likes tea."], ["ana likes  tea."]) == [("N1", "K1", "same")]


def test_what_replaces_the_successor_replaces_the_predecessor():
    oracle = Oracle([("one", "two"), ("two", "three"), ("uno", "two")])

    assert verdicts(oracle, ["one", "uno"], ["three"]) == [("N1", "K1", "replaces"), ("N1", "K2", "replaces")]
    # Both were replaced by one, and hold side by side until then.
    assert verdicts(oracle, ["one"], ["uno"]) == []


def test_a_statement_that_is_shown_in_part_is_known_by_its_beginning():
    long = "Ana said that " + "she would rather live by the sea, " * 10
    oracle = Oracle([(long, "Ana lives in Porto."), ("Ana", "Bo")])

    assert verdicts(oracle, [long[:150] + " [...]"], ["Ana lives in Porto."]) == [("N1", "K1", "replaces")]
    assert verdicts(oracle, [long[:150]], ["Ana lives in Porto."]) == []


def test_what_was_put_is_counted():
    oracle = Oracle()
    oracle(request(["a", "b", "c"], ["d", "e"]))
    oracle(request(["a"], ["d"]))

    assert [call.pairs for call in oracle.judging_calls] == [7, 1]


def test_other_calls_are_left_to_others():
    replay = Replay()
    script = in_turn(replay, Oracle())
    turns = {"messages": [{"role": "user", "content": "[1] Ana (2023-06-08T14:56:00Z): Hi"}]}

    assert Oracle()(turns) is None
    assert "episode" in script(turns)
    assert script(request(["a"], ["a"])) == {"pairs": ["N1 same K1"]}
    assert script({"messages": [{"role": "user", "content": "Hello"}]}) is None


def test_the_pipelines_own_question_is_understood():
    oracle = Oracle([("Ana lives\nin Lisbon.", "Ana lives in Porto.")])
    said = datetime(2024, 1, 2, tzinfo=UTC)
    known = ShownFact(fact_id=uuid4(), text="Ana lives\nin Lisbon.", said_at=said)
    new = ShownFact(fact_id=uuid4(), text="Ana lives in Porto.", said_at=said)
    question = judgement.make_question([known], [new])

    with LLMServer(answer=oracle) as server:
        asked = {"messages": [{"role": "user", "content": question.text()}], "response_format": JUDGEMENT}
        text = server.model._text(asked, "judge")

    verdicts = judgement.to_verdicts(question, judgement.parse_judgement(text))
    assert list(verdicts) == [(new.fact_id, known.fact_id)]
