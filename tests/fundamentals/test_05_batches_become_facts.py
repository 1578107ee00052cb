"""Extraction, verification, application: facts with their evidence, once, in order."""

import json
from datetime import UTC, datetime
from uuid import UUID

import pytest

from afterturn.extraction.extractor import RawAnswer
from afterturn.scopes import UserScope
from api_shim import MemoryClient
from tests.fundamentals.scripted import Scripted, fact

ANA = UserScope("default", "ana")


def facts(database):
    return database.execute("SELECT text, status FROM facts ORDER BY recorded_at, text").fetchall()


def test_a_statement_becomes_a_fact_with_its_evidence(settings, pipeline):
    memory = MemoryClient("ana", "chat", settings=settings)
    said_at = datetime(2023, 5, 8, 13, 56, tzinfo=UTC)
    turn_id = memory.write("user", "I live in Porto. The weather is fine.", name="Ana", occurred_at=said_at)
    pipeline.settle()
    found = next(memory for memory in memory.recall("Where does Ana live?") if memory.kind == "fact")
    assert found.text == "Ana lives in Porto."
    [evidence] = found.evidence
    assert (evidence.turn_id, evidence.speaker, evidence.said_at) == (turn_id, "Ana", said_at)
    assert evidence.quote in "I live in Porto. The weather is fine."


def test_no_fact_without_evidence(settings, pipeline, database):
    said = "I live in Porto with \u201cRex\u201d."
    answer = [
        fact("Ana lives in Porto.", quote='I  LIVE in Porto with "Rex"'),
        fact("Ana lives in Rome.", quote="I live in Rome"),
        fact("Ana has a cat.", turn=2, quote="I have a cat"),
        fact("Ana is tall.", turn=0),
        {"text": "Ana is kind.", "evidence": []},
        fact("  ", quote="I live in Porto"),
        fact("Ana likes nothing.", quote=" "),
    ]
    # The repaired answer has the same fault: its valid candidates are accepted.
    pipeline.runtime.__dict__["extractor"] = Scripted(answer, answer)
    MemoryClient("ana", settings=settings).write("user", said)
    pipeline.settle()
    assert facts(database) == [("Ana lives in Porto.", "current")]
    rejected = database.execute("SELECT candidate_index, reason FROM rejections ORDER BY candidate_index").fetchall()
    assert rejected == [
        (1, "quote_not_found"),
        (2, "unknown_turn"),
        (3, "unknown_turn"),
        (4, "no_evidence"),
        (5, "empty_text"),
        (6, "quote_not_found"),
    ]


def test_every_stage_done_twice_changes_nothing(settings, pipeline, database):
    MemoryClient("ana", settings=settings).write("user", "I live in Porto and I work at Acme.")
    done = []
    for _ in range(2):
        pipeline.sweep()
        while pipeline.hints.waiting:
            done.append(pipeline.hints.waiting[0])
            pipeline.step()
    pipeline.settle()
    before = facts(database)
    assert before
    for stage, arguments in done * 2:
        pipeline.do(stage, *arguments)
    pipeline.settle()
    assert facts(database) == before
    assert database.execute("SELECT max(times_seen) FROM facts").fetchone() == (1,)


def test_a_stored_answer_is_never_asked_for_again(settings, pipeline, database):
    extractor = Scripted([fact("Ana lives in Porto.", quote="I live in Porto")])
    pipeline.runtime.__dict__["extractor"] = extractor
    MemoryClient("ana", settings=settings).write("user", "I live in Porto")
    pipeline.settle()
    [(batch_id,)] = database.execute("SELECT batch_id FROM batches").fetchall()
    for _ in range(3):
        assert pipeline.do("extract", "default", "ana", str(batch_id)) is False
    assert extractor.calls == 1


def test_a_batch_is_not_applied_before_the_ones_before_it(settings, pipeline, database):
    memory = MemoryClient("ana", settings=settings)
    pipeline.runtime.__dict__["extractor"] = Scripted([fact("Two.", quote="two")], [fact("One.", quote="one")])
    for text in ("one", "two"):
        memory.write("user", text)
        memory.flush()
        pipeline.do("archive", [["default", "ana", "default"]])
    pipeline.hints.waiting.clear()
    first, second = (row[0] for row in database.execute("SELECT batch_id FROM batches ORDER BY user_seq").fetchall())
    for stage in ("extract", "embed", "consolidate"):
        pipeline.do(stage, "default", "ana", str(second))
    assert facts(database) == []
    for stage in ("extract", "embed", "consolidate"):
        pipeline.do(stage, "default", "ana", str(first))
    # Whoever applied the first goes on with the second.
    order = database.execute("SELECT text FROM facts ORDER BY recorded_at").fetchall()
    assert order == [("One.",), ("Two.",)]
    assert ("consolidate", ("default", "ana", str(second))) not in pipeline.hints.waiting


@pytest.mark.parametrize("answer", ["not json", "", '{"facts": 7}', '{"facts": [{"text": "cut of', "null"])
def test_an_answer_that_stays_malformed_makes_the_batch_dead_and_blocks_nothing(settings, pipeline, database, answer):
    extractor = Scripted(answer, answer, [fact("Ana lives in Porto.", quote="Porto")])
    pipeline.runtime.__dict__["extractor"] = extractor
    memory = MemoryClient("ana", settings=settings)
    memory.write("user", "first")
    pipeline.settle()
    # The model is asked once, and again with the reason.
    assert extractor.calls == 2
    memory.write("user", "I live in Porto")
    pipeline.settle()
    states = database.execute("SELECT state, reason FROM batches ORDER BY user_seq").fetchall()
    assert [state for state, _ in states] == ["dead", "applied"]
    assert states[0][1].startswith("answer_malformed")
    assert facts(database) == [("Ana lives in Porto.", "current")]


@pytest.mark.parametrize("bad", ["not json", [fact("Ana is tall.", turn=9)]])
def test_an_answer_that_cannot_be_used_is_repaired_once(settings, pipeline, database, bad):
    extractor = Scripted(bad, [fact("Ana lives in Porto.", quote="Porto")])
    pipeline.runtime.__dict__["extractor"] = extractor
    MemoryClient("ana", settings=settings).write("user", "I live in Porto")
    pipeline.settle()
    assert extractor.calls == 2
    assert facts(database) == [("Ana lives in Porto.", "current")]


def test_a_batch_that_is_too_long_is_split_in_halves(settings, pipeline, database):
    from afterturn.errors import AnswerTruncated

    class Small(Scripted):
        def extract(self, request):
            self.calls += 1
            if len(request.turns) > 2:
                raise AnswerTruncated()
            found = [
                fact(f"Fact {turn.content}.", number, turn.content) for number, turn in enumerate(request.turns, 1)
            ]
            return RawAnswer(text=json.dumps({"facts": found}), prompt_version="test-1", model="scripted")

    extractor = pipeline.runtime.__dict__["extractor"] = Small()
    MemoryClient("ana", settings=settings).write_many({"role": "user", "content": f"{n}"} for n in "abcde")
    pipeline.settle()
    assert facts(database) == [(f"Fact {letter}.", "current") for letter in "abcde"]
    # 5 -> 3 and 2; 3 -> 2 and 1.
    assert extractor.calls == 5
    rows = database.execute(
        "SELECT f.text, t.content FROM facts f JOIN evidence e USING (fact_id) "
        "JOIN turns t ON t.position = e.position ORDER BY 1"
    ).fetchall()
    assert rows == [(f"Fact {letter}.", letter) for letter in "abcde"]


def test_ids_of_facts_follow_from_the_answer(settings, pipeline, database):
    from afterturn import ids

    pipeline.runtime.__dict__["extractor"] = Scripted([fact("One.", quote="one"), fact("Two.", quote="one")])
    MemoryClient("ana", settings=settings).write("user", "one")
    pipeline.settle()
    [(batch_id,)] = database.execute("SELECT batch_id FROM batches").fetchall()
    stored = {row[0] for row in database.execute("SELECT fact_id FROM facts").fetchall()}
    assert stored == {ids.derive_fact_id(UUID(str(batch_id)), "test-1", "scripted", index) for index in range(2)}
