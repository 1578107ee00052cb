"""Taking a turn back: it is hidden at once, wherever it is, and no work in flight brings it back."""

import asyncio
import json

import pytest

from afterturn.database import counters
from afterturn.errors import InvalidId
from afterturn.extraction.extractor import RawAnswer
from afterturn.hot import keys
from afterturn.scopes import SessionScope
from api_shim import AsyncMemoryClient, MemoryClient, close_async_connections
from tests.conftest import undocumented_keys

CHAT = ["default", "ana", "chat"]
SESSION = SessionScope(*CHAT)
#: Said in the turn that is taken back, and nowhere else.
CANARY = "Zanzibar"


class Echo:
    """An extractor that makes one fact and an episode of what it is shown; it may be interrupted in the middle."""

    prompt_version = "test-1"
    model = "echo"

    def __init__(self, interrupt=None):
        self.shown = []
        self.interrupt = interrupt

    def extract(self, request):
        self.shown.append([turn.content for turn in (*request.context, *request.turns)])
        interrupt, self.interrupt = self.interrupt, None
        if interrupt:
            interrupt()
        facts = [
            {"text": f"Fact {turn.content}", "evidence": [{"turn": number, "quote": turn.content}]}
            for number, turn in enumerate(request.turns, 1)
            if turn.content
        ]
        episode = {"title": "What was said", "summary": " ".join(turn.content for turn in request.turns)}
        text = json.dumps({"facts": facts, "episode": episode})
        return RawAnswer(text=text, prompt_version=self.prompt_version, model=self.model)


@pytest.fixture
def memory(settings):
    return MemoryClient("ana", "chat", settings=settings)


def archive(pipeline):
    pipeline.do("archive", [CHAT])


def work_until(pipeline, memory, step):
    """Cut one batch of what was written, and do hint after hint until the next one would be for `step`."""
    memory.flush()
    archive(pipeline)
    while pipeline.hints.waiting[0][0] != step:
        pipeline.step()


def seen(memory):
    """All that a client shows of its user."""
    found = [*memory.recall(), *memory.recall(f"Where is {CANARY}?"), *memory.recall("Fact")]
    return " ".join([*(turn.content for turn in memory.history()), *(f"{memory}" for memory in found)])


def kept(database, hot_store):
    """All that is worked with from now on: in Postgres, and what Redis keeps as recent."""
    queries = (
        "SELECT answer FROM answers",
        "SELECT text FROM facts WHERE status <> 'retracted'",
        "SELECT title || summary FROM episodes",
        "SELECT text FROM summaries",
        "SELECT text FROM profiles",
        "SELECT display_name FROM users",
        "SELECT content FROM turns WHERE removed_at IS NULL",
    )
    rows = [str(row) for query in queries for row in database.execute(query).fetchall()]
    return " ".join([*rows, *map(str, hot_store.lrange(keys.recent(SESSION), 0, -1))])


def test_a_pending_turn_is_hidden_in_one_round_trip(memory, hot_store):
    memory.write("user", "I live in Porto.")
    turn_id = memory.write("user", f"I live in {CANARY}.")
    memory.remove("nobody-knows-it")  # the first call teaches Redis the script
    before = hot_store.info("commandstats")["cmdstat_evalsha"]["calls"]
    memory.remove(turn_id)
    assert hot_store.info("commandstats")["cmdstat_evalsha"]["calls"] == before + 1
    assert [turn.content for turn in memory.history()] == ["I live in Porto."]
    assert CANARY not in seen(memory)


def test_an_archived_turn_is_hidden_before_its_removal_is_archived(settings, pipeline, memory, database, hot_store):
    turn_id = memory.write("user", f"I live in {CANARY}.", name="Ana")
    memory.write("user", "I work at Acme.", name="Ana")
    pipeline.settle()
    assert CANARY in seen(memory)
    memory.remove(turn_id)
    # Redis has it as recent, Postgres as a turn and as a fact's evidence; other sessions would show it as well.
    assert CANARY not in seen(memory)
    elsewhere = MemoryClient("ana", "another chat", settings=settings)
    assert CANARY not in seen(elsewhere)
    assert [turn.content for turn in memory.history()] == ["I work at Acme."]
    hot_store.delete(keys.recent(SESSION))
    assert CANARY not in seen(memory)
    assert [turn.content for turn in memory.history(1)] == ["I work at Acme."]
    pipeline.settle()
    assert CANARY not in seen(memory) + seen(elsewhere) + kept(database, hot_store)
    assert "Acme" in seen(memory)
    assert not hot_store.exists(keys.hidden(SESSION.user))


def test_it_is_no_longer_recent_once_its_removal_is_archived(pipeline, memory, hot_store):
    ids = [memory.write("user", f"turn {number}", turn_id=f'{number}"\\\N{SNOWMAN}') for number in range(5)]
    pipeline.settle()
    memory.remove(ids[2])
    pipeline.settle()
    assert hot_store.llen(keys.recent(SESSION)) == 4
    assert [turn.turn_id for turn in memory.history()] == [*ids[:2], *ids[3:]]


def test_writing_it_again_does_not_bring_it_back(pipeline, memory, database, hot_store):
    for rounds in range(3):
        memory.write("user", f"I live in {CANARY}.", turn_id="t-1")
        if rounds == 0:
            memory.remove("t-1")
            memory.write("user", f"I live in {CANARY}.", turn_id="t-1")
            assert memory.history() == []
        pipeline.settle()
        assert CANARY not in seen(memory) + kept(database, hot_store)
    assert database.execute("SELECT count(*) FROM turns").fetchone() == (1,)


def test_what_is_unknown_or_gone_already_is_no_error(pipeline, memory, database):
    turn_id = memory.write("user", "I live in Porto.")
    memory.remove("nobody-knows-it")
    memory.write("user", "A turn whose id was named too early.", turn_id="t-1")
    pipeline.settle()
    memory.remove(turn_id)
    pipeline.settle()

    def everything():
        return [database.execute(f"SELECT * FROM {name} ORDER BY 1, 2, 3").fetchall() for name in ("users", "turns")]

    before = everything()
    memory.remove(turn_id)
    memory.remove("nobody-knows-it")
    pipeline.settle()
    assert everything() == before
    assert [turn.content for turn in memory.history()] == ["A turn whose id was named too early."]


def test_a_removal_knows_only_the_turns_before_it(pipeline, memory):
    memory.remove("t-1")
    memory.write("user", "later", turn_id="t-1")
    pipeline.settle()
    assert [turn.content for turn in memory.history()] == ["later"]


@pytest.mark.parametrize("bad", ["", "a\x00b", "x" * 201, None, 7])
def test_the_id_is_checked_at_the_door(memory, hot_store, bad):
    with pytest.raises(InvalidId, match="turn_id"):
        memory.remove(bad)
    assert hot_store.dbsize() == 0


def test_pop_takes_back_the_newest_turn(pipeline, memory):
    ids = [memory.write("user", f"turn {number}") for number in range(4)]
    assert memory.pop().turn_id == ids[3]
    pipeline.settle()
    assert memory.pop().content == "turn 2"
    memory.write("user", "turn 4")
    assert memory.pop().content == "turn 4"
    assert memory.pop().content == "turn 1"
    pipeline.settle()
    assert memory.pop().turn_id == ids[0]
    assert memory.pop() is None


def test_marks_in_the_stream_hide_no_other_turns(memory):
    ids = [memory.write("user", f"turn {number}") for number in range(100)]
    for _ in range(60):
        memory.pop()
        memory.flush()
    assert [turn.turn_id for turn in memory.history(5)] == ids[35:40]


def test_an_uncut_turn_is_never_shown_to_a_model(pipeline, memory, database):
    extractor = pipeline.runtime.__dict__["extractor"] = Echo()
    turn_id = memory.write("user", CANARY)
    archive(pipeline)
    memory.remove(turn_id)
    pipeline.settle()
    # Nothing is left of the batch: nobody is asked.
    assert database.execute("SELECT state FROM batches").fetchall() == [("applied",)]
    assert extractor.shown == []


@pytest.mark.parametrize("step", ["extract", "embed", "consolidate"])
def test_a_batch_that_is_not_applied_begins_again_without_it(pipeline, memory, database, hot_store, step):
    extractor = pipeline.runtime.__dict__["extractor"] = Echo()
    memory.write("user", "before")
    turn_id = memory.write("user", CANARY)
    work_until(pipeline, memory, step)
    memory.remove(turn_id)
    archive(pipeline)
    assert database.execute("SELECT state, embedded_at FROM batches").fetchall() == [("pending", None)]
    assert database.execute("SELECT count(*) FROM answers").fetchone() == (0,)
    assert database.execute("SELECT count(*) FROM vectors WHERE kind <> 'turn'").fetchone() == (0,)
    pipeline.settle()
    assert extractor.shown[-1] == ["before", ""]
    assert database.execute("SELECT text, status FROM facts").fetchall() == [("Fact before", "current")]
    assert CANARY not in seen(memory) + kept(database, hot_store)


def test_while_the_model_is_being_asked(pipeline, memory, database, hot_store):
    def take_back():
        memory.remove(turn_id)
        archive(pipeline)

    extractor = pipeline.runtime.__dict__["extractor"] = Echo(interrupt=take_back)
    memory.write("user", "before")
    turn_id = memory.write("user", CANARY)
    work_until(pipeline, memory, "extract")
    pipeline.step()
    assert database.execute("SELECT count(*) FROM answers").fetchone() == (0,)
    refused = database.execute("SELECT count FROM counters WHERE name = %s", (counters.STALE_WRITES_REFUSED,))
    assert refused.fetchone() == (1,)
    pipeline.settle()
    assert extractor.shown == [["before", CANARY], ["before", ""]]
    assert CANARY not in seen(memory) + kept(database, hot_store)


def test_while_the_next_batch_is_asked_with_it_as_context(pipeline, memory, database, hot_store):
    def take_back():
        memory.remove(turn_id)
        archive(pipeline)

    turn_id = memory.write("user", CANARY)
    pipeline.settle()
    extractor = pipeline.runtime.__dict__["extractor"] = Echo(interrupt=take_back)
    memory.write("user", "after")
    pipeline.settle()
    assert extractor.shown == [[CANARY, "after"], ["", "after"]]
    assert CANARY not in seen(memory) + kept(database, hot_store)


@pytest.mark.parametrize("reached", ["embed", "consolidate"])
def test_while_a_later_stage_is_at_work(pipeline, memory, database, hot_store, monkeypatch, reached):
    from afterturn.consolidation import plan
    from afterturn.embedding import items

    module, name = {"embed": (items, "find_missing_items"), "consolidate": (plan, "make_plan")}[reached]
    original = getattr(module, name)

    def interrupted(*arguments, **named):
        monkeypatch.setattr(module, name, original)
        done = original(*arguments, **named)
        memory.remove(turn_id)
        archive(pipeline)
        return done

    extractor = pipeline.runtime.__dict__["extractor"] = Echo()
    memory.write("user", "before")
    turn_id = memory.write("user", CANARY)
    monkeypatch.setattr(module, name, interrupted)
    pipeline.settle()
    assert extractor.shown == [["before", CANARY], ["before", ""]]
    assert database.execute("SELECT text, status FROM facts").fetchall() == [("Fact before", "current")]
    names = {row[0] for row in database.execute("SELECT item FROM vectors WHERE kind = 'fact'").fetchall()}
    assert names == {str(row[0]) for row in database.execute("SELECT fact_id FROM facts").fetchall()}
    assert CANARY not in seen(memory) + kept(database, hot_store)


def test_the_async_client_does_the_same(settings, pipeline, memory, hot_store):
    async def talk():
        ours = AsyncMemoryClient("ana", "chat", settings=settings)
        first = await ours.write("user", "I live in Porto.")
        await ours.write("user", f"I live in {CANARY}.")
        popped = await ours.pop()
        await ours.remove(first)
        left = await ours.history(), await ours.recall(), await ours.recall("Porto"), await ours.pop()
        await close_async_connections()
        return popped, left

    popped, left = asyncio.run(talk())
    assert popped.content == f"I live in {CANARY}."
    assert left == ([], [], [], None)
    pipeline.settle()
    assert memory.history() == memory.recall() == []
    assert undocumented_keys(hot_store) == []
