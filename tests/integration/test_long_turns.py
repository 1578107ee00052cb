"""One message that is larger than the model's context is asked for in overlapping pieces."""

from __future__ import annotations

import time

import pytest

from afterturn.extraction import turn_pieces
from api_shim import MemoryClient
from harness.llm_server import LLMServer, answers, prompt
from harness.pipeline import Pipeline
from tests.old_turns import line

TOLD = {"boat": "I own a boat.", "cat": "I own a grey cat.", "tea": "I like green tea."}


def _long(*told, characters=30_000):
    """Return a text in which these sentences stand at even distances."""
    filler = "The weather was as it was the day before, and nobody had anything to say about it. "
    gap = filler * (characters // (len(filler) * (len(told) + 1)))
    return gap + "".join(f"{sentence} {gap}" for sentence in told)


def _answer(request):
    turns = prompt.shown_turns(request)
    facts = [
        answers.fact(f"Ana said: {sentence}", [(turn.number, sentence)])
        for turn in turns
        for sentence in TOLD.values()
        if sentence in turn.content
    ]
    return {"facts": facts, "episode": {"title": "Talk", "summary": "They talked.", "outcome": "none"}}


@pytest.fixture
def llm():
    server = LLMServer(answer=_answer)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def narrow(settings, llm, hot_store):
    """A pipeline whose model reads little at a time."""
    given = settings.model_dump(exclude_unset=True) | {"llm_base_url": llm.base_url, "judge": "rules", "attempts": 3}
    with Pipeline(type(settings)(**given)) as pipeline:
        yield pipeline


def _limit(llm, request_characters):
    """Refuse chat calls whose turns have more characters than this, as a model with a small context does."""
    healthy = llm.model._chat

    def chat(asked, kind, fault):
        from harness.llm_server import replies
        from harness.llm_server.faults import Fault

        if kind == "extract" and sum(len(turn.content) for turn in prompt.shown_turns(asked)) > request_characters:
            return replies.failure(Fault(what="context_length"))
        return healthy(asked, kind, fault)

    llm.model._chat = chat


def _say(pipeline, *texts):
    memory = MemoryClient("ana", settings=pipeline.settings)
    memory.write_many({"role": "user", "content": text} for text in texts)
    memory.flush()
    pipeline.settle()


def _facts(database):
    return database.execute(
        "SELECT f.text, t.position, position(e.quote IN t.content) > 0, f.times_seen FROM facts AS f "
        "JOIN evidence AS e USING (fact_id) JOIN turns AS t ON t.position = e.position ORDER BY f.text"
    ).fetchall()


def test_a_turn_larger_than_the_context_is_asked_for_in_pieces(narrow, llm, database):
    _limit(llm, 3_000)
    _say(narrow, "Hello there, my friend.", _long(*TOLD.values()), "I own a boat.")
    assert set(database.execute("SELECT state, reason FROM batches").fetchall()) == {("applied", None)}
    assert {(text, said) for text, _, said, _ in _facts(database)} == {
        (f"Ana said: {sentence}", True) for sentence in TOLD.values()
    }
    # The quotes are of the whole turn, and what stands in two pieces is one statement.
    assert {position for text, position, _, _ in _facts(database) if "cat" in text} == {2}
    assert all(seen == 1 for text, _, _, seen in _facts(database) if "boat" not in text)
    # Pieces as large as one that was too long are not tried.
    refused = database.execute("SELECT count(*) FROM answer_pieces WHERE answer IS NULL").fetchone()[0]
    answered = database.execute("SELECT count(*) FROM answer_pieces WHERE answer IS NOT NULL").fetchone()[0]
    assert answered == refused + 1
    assert len(llm.calls("extract")) <= answered + 12


def test_pieces_that_are_answered_are_not_paid_for_again(narrow, llm, database):
    _limit(llm, 3_000)
    llm.fail("status", status=500, on="extract", after=12)
    _say(narrow, _long(*TOLD.values()))
    before = database.execute("SELECT count(*) FROM answer_pieces WHERE answer IS NOT NULL").fetchone()[0]
    assert before
    llm.heal()
    llm.forget()
    database.execute("UPDATE batches SET paused_until = NULL, hinted_at = NULL")
    narrow.runtime.redis.delete("at:breaker:llm")
    narrow.settle()
    assert database.execute("SELECT state FROM batches").fetchall() == [("applied",)]
    after = database.execute("SELECT count(*) FROM answer_pieces WHERE answer IS NOT NULL").fetchone()[0]
    answered_now = [call for call in llm.calls("extract") if not call.faults]
    assert len(_facts(database)) == 3
    assert len(answered_now) <= (after - before) + 12


def test_where_even_the_smallest_piece_fails_the_reason_says_so(narrow, llm, database):
    _limit(llm, 100)
    _say(narrow, _long(*TOLD.values()))
    deadline = time.monotonic() + 60
    # It is dead when it is refused again while others succeed: the check of the endpoint is one of these.
    while database.execute("SELECT state FROM batches").fetchone() != ("dead",) and time.monotonic() < deadline:
        narrow.settle()
        time.sleep(0.05)
    [(state, reason)] = database.execute("SELECT state, reason FROM batches").fetchall()
    assert state == "dead" and reason.startswith("input_too_long: ")
    assert "weather" not in reason


def _chat(exchanges):
    """Return messages of Ana and of an assistant whose answers have some 2,500 tokens and end with an undertaking."""
    for number in range(exchanges):
        yield {"role": "user", "content": f"I own a boat, and today is sail number {number}."}
        yield {
            "role": "assistant",
            "content": f"{_long('The xebec anchors.')} I'll remind you of sail number {number}.",
        }


def test_long_answers_fill_a_batch_with_what_is_shown_of_them(narrow, llm, database):
    memory = MemoryClient("ana", settings=narrow.settings)
    memory.write_many(_chat(8))
    memory.flush()
    narrow.settle()

    [(state, first, last)] = database.execute("SELECT state, first_position, last_position FROM batches").fetchall()
    assert (state, last - first) == ("applied", 15)
    [call] = llm.calls("extract")
    for turn in prompt.shown_turns(call.json)[1::2]:
        assert "[...]" in turn.content and "I'll remind you of sail number" in turn.pieces[-1]
    # A turn has all its tokens, and recall finds the words that were not shown.
    assert database.execute("SELECT min(tokens) > 2000 FROM turns WHERE role = 'assistant'").fetchone() == (True,)
    assert "xebec" not in prompt.user_text(call.json)
    assert any("xebec" in found.text for found in memory.recall("Where does the xebec anchor?"))


def test_imported_long_answers_fill_a_batch_with_what_is_shown_of_them(narrow, llm, database, command, write_file):
    said = [line(message["content"], role=message["role"]) for message in _chat(8)]
    assert command("import", write_file(*said)).code == 0
    narrow.settle()
    database.execute("UPDATE imported_runs SET grown_at = now() - interval '1 day'")
    narrow.settle()
    assert database.execute("SELECT state, last_position - first_position FROM batches").fetchall() == [("applied", 15)]
    assert database.execute("SELECT count(*) FROM imported_runs").fetchone() == (0,)


def test_a_quote_of_what_is_shown_is_evidence_and_one_across_a_gap_is_not(narrow, llm, database):
    quotes = ["I'll remind you of sail number 0.", "anybody had anything [...] I'll remind you", "The xebec anchors."]
    facts = [answers.fact(f"Fact {place} of a boat.", [(2, quote)]) for place, quote in enumerate(quotes)]
    llm.queue({"facts": facts, "episode": None}, on="extract")
    memory = MemoryClient("ana", settings=narrow.settings)
    memory.write_many(_chat(1))
    memory.flush()
    narrow.settle()
    # What was not shown and is quoted all the same stands in the turn.
    assert {text for text, *_ in _facts(database)} == {"Fact 0 of a boat.", "Fact 2 of a boat."}


@pytest.mark.parametrize("length", [800, 801, 1_600, 5_000, 262_144])
def test_pieces_cover_the_whole_turn_and_overlap(length):
    content = "".join(f"{number:06d} " for number in range(length // 7 + 1))[:length]

    def leaves(path):
        text = turn_pieces.text_of(content, path)
        if not turn_pieces.can_halve(text):
            return [text]
        first, second = turn_pieces.halves_of(path)
        return leaves(first) + leaves(second)

    pieces = leaves("")
    starts = [content.index(piece) for piece in pieces]
    ends = [start + len(piece) for start, piece in zip(starts, pieces, strict=True)]
    assert (starts[0], ends[-1]) == (0, length)
    assert all(start <= end - 100 for start, end in zip(starts[1:], ends, strict=False))
    assert min(map(len, pieces)) >= turn_pieces.MIN_CHARACTERS // 2
