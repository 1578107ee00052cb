"""Sessions under the SDK's own Runner, its encryption and its compaction."""

import asyncio
from dataclasses import dataclass

import pytest
from agents import Agent, RunContextWrapper, Runner, set_tracing_disabled
from agents.extensions.memory import EncryptedSession
from agents.memory import OpenAIResponsesCompactionSession
from cryptography.fernet import Fernet

from afterturn import MemoryClient
from afterturn.errors import InvalidInput
from afterturn.hot import keys
from api_shim.adapters.openai_agents import memory_instructions
from harness import waiting
from tests.integration.openai_agents.conftest import SCOPE, message, run
from tests.integration.openai_agents.fake_model import CompactingClient, FakeModel

set_tracing_disabled(True)


@dataclass
class Customer:
    user_id: str


def agent_with(model, **options):
    return Agent(name="Concierge", model=model, **options)


def said(items):
    """Return who said what, without ids and forms."""
    return [
        (item.get("role"), item["content"] if isinstance(item["content"], str) else item["content"][0]["text"])
        for item in items
    ]


def test_two_turns(session, move):
    model = FakeModel("Lisbon is lovely.", "You live in Lisbon.")
    agent = agent_with(model)
    run(Runner.run(agent, "I live in Lisbon.", session=session))
    move()
    result = run(Runner.run(agent, "Where do I live?", session=session))
    assert result.final_output == "You live in Lisbon."
    assert said(model.inputs[1]) == [
        ("user", "I live in Lisbon."),
        ("assistant", "Lisbon is lovely."),
        ("user", "Where do I live?"),
    ]
    assert said(run(session.get_items())) == [*said(model.inputs[1]), ("assistant", "You live in Lisbon.")]


def test_a_correction_by_two_pops(session, move):
    model = FakeModel("Porto is lovely.", "Lisbon is lovely.")
    agent = agent_with(model)
    run(Runner.run(agent, "I live in Porto.", session=session))
    move()
    assert said([run(session.pop_item())]) == [("assistant", "Porto is lovely.")]
    assert said([run(session.pop_item())]) == [("user", "I live in Porto.")]
    run(Runner.run(agent, "I live in Lisbon.", session=session))
    assert said(run(session.get_items())) == [("user", "I live in Lisbon."), ("assistant", "Lisbon is lovely.")]
    assert said(model.inputs[1]) == [("user", "I live in Lisbon.")]


def test_run_sync_in_threads(session):
    """Each `run_sync` of a thread has a loop of its own."""
    agent = agent_with(FakeModel())

    def converse(number):
        Runner.run_sync(agent, f"message {number}", session=session)

    async def all_of_them():
        await asyncio.gather(*(asyncio.to_thread(converse, number) for number in range(4)))

    for number in range(2):
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        converse(number)
        asyncio.set_event_loop(None)
        if not loop.is_closed():
            loop.close()
    assert len(run(session.get_items())) == 4


def test_a_model_that_fails_leaves_the_message(session):
    agent = agent_with(FakeModel(RuntimeError("away"), "Hello."))
    with pytest.raises(RuntimeError):
        run(Runner.run(agent, "Hi.", session=session))
    before = said(run(session.get_items()))
    run(Runner.run(agent, "Hi again.", session=session))
    assert said(run(session.get_items())) == [*before, ("user", "Hi again."), ("assistant", "Hello.")]


def test_a_user_from_the_context_of_the_run(make_session, settings):
    session, agent = make_session(user_id=None), agent_with(FakeModel("Hello Ben.", "Hello Cleo."))
    run(Runner.run(agent, "I am Ben.", session=session, context=Customer("ben")))
    run(Runner.run(agent, "I am Cleo.", session=session, context={"user_id": "cleo"}))
    assert said(run(make_session(user_id="ben").get_items())) == [("user", "I am Ben."), ("assistant", "Hello Ben.")]
    cleo = RunContextWrapper(context=Customer("cleo"))
    assert said(run(session.get_items(wrapper=cleo))) == [("user", "I am Cleo."), ("assistant", "Hello Cleo.")]
    assert run(session.get_items()) == []
    assert said([run(session.pop_item(wrapper=cleo))]) == [("assistant", "Hello Cleo.")]
    run(session.clear_session(wrapper=cleo))
    assert run(session.get_items(wrapper=cleo)) == []
    assert len(run(session.get_items(wrapper=RunContextWrapper(context=Customer("ben"))))) == 2
    # The session's own user comes first.
    assert run(make_session(user_id="ana").get_items(wrapper=cleo)) == []
    with pytest.raises(InvalidInput):
        run(session.get_items(wrapper=RunContextWrapper(context=Customer(7))))


@pytest.mark.parametrize("is_named", [True, False])
def test_encrypted_items_are_decrypted_and_teach_nothing(make_session, move, pipeline, settings, hot_store, is_named):
    key = Fernet.generate_key().decode()
    session = EncryptedSession("chat", make_session(user_id="ana" if is_named else None), key)
    agent, options = agent_with(FakeModel("Nice.")), {"context": None if is_named else Customer("ana")}
    run(Runner.run(agent, "I live in Zanzibar.", session=session, **options))
    move()
    wrapper = RunContextWrapper(context=options["context"])
    found = run(session.get_items(wrapper=wrapper))
    assert said(found) == [("user", "I live in Zanzibar."), ("assistant", "Nice.")]
    assert run(session.get_items(1, wrapper=wrapper)) == found[-1:]
    memory = MemoryClient("ana", "chat", settings=settings)
    assert [turn.content for turn in memory.history()] == ["", ""]
    assert run(session.pop_item(wrapper=wrapper)) == found[-1]
    pipeline.settle()
    assert memory.facts() == []
    run(session.clear_session(wrapper=wrapper))
    assert run(session.get_items(wrapper=wrapper)) == []


def compacted(underlying, client, **options):
    options = {"compaction_mode": "input", "should_trigger_compaction": lambda context: True} | options
    return OpenAIResponsesCompactionSession("chat", underlying, client=client, **options)


def test_compaction_keeps_facts(session, move, pipeline, settings, hot_store):
    client = CompactingClient()
    compacting = compacted(session, client)
    run(compacting.add_items([message("user", "I live in Porto.") | {"name": "Ana"}, message("assistant", "Nice.")]))
    move()
    run(compacting.run_compaction({"force": True}))
    expected = [message("user", "I live in Porto."), {"type": "compaction", "encrypted_content": "gAAA"}]
    found = run(session.get_items())
    assert [item | {"name": None} for item in found] == [item | {"name": None} for item in expected]
    move()
    pipeline.settle()
    hot_store.delete(keys.recent(SCOPE), keys.items(SCOPE))
    assert run(compacting.get_items()) == found
    memory = MemoryClient("ana", "chat", settings=settings)
    assert [fact.text for fact in memory.facts()] == ["Ana lives in Porto."]


def test_the_runner_compacts_after_its_turns(session):
    client = CompactingClient()
    compacting, agent = compacted(session, client), agent_with(FakeModel("one", "two"))
    run(Runner.run(agent, "first", session=compacting))
    run(Runner.run(agent, "second", session=compacting))
    assert client.calls
    assert run(session.get_items())[-1] == {"type": "compaction", "encrypted_content": "gAAA"}


@pytest.mark.parametrize("patience", [0.0, 0.001, 0.003, 0.01])
def test_a_cancelled_compaction_leaves_the_old_or_the_new_history(session, patience):
    items = [message("user", "first"), message("assistant", "answer")]
    run(session.add_items(items))
    compacting = compacted(session, CompactingClient())

    async def cancel():
        task = asyncio.create_task(compacting.run_compaction({"force": True}))
        await asyncio.sleep(patience)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return await session.get_items()

    assert run(cancel()) in (items, [items[0], {"type": "compaction", "encrypted_content": "gAAA"}])


def test_encryption_over_compaction(make_session):
    session = make_session()
    encrypted = EncryptedSession("chat", compacted(session, CompactingClient()), Fernet.generate_key().decode())
    agent = agent_with(FakeModel("one", "two"))
    run(Runner.run(agent, "first", session=encrypted))
    run(Runner.run(agent, "second", session=encrypted))
    assert said([item for item in run(encrypted.get_items()) if item.get("role") == "user"])[-1] == ("user", "second")


def test_instructions_have_the_facts(settings, make_session, session, pipeline):
    memory = MemoryClient("ana", "chat", settings=settings)
    run(session.add_items([message("user", "I live in Porto.") | {"name": "Ana"}]))
    pipeline.settle()
    [fact] = memory.facts()
    model = FakeModel("In Porto.")
    give = memory_instructions("ana", instructions="Be brief.", settings=settings)
    other = make_session("another chat")
    run(Runner.run(agent_with(model, instructions=give), "Where do I live?", session=other))
    assert model.instructions[0].startswith("Be brief.\n\n") and "Ana lives in Porto." in model.instructions[0]
    # The answer repeats what it was shown: its turn names the fact, so that it is not learnt again.
    turns = MemoryClient("ana", "another chat", settings=settings).history()
    assert [turn.memories_shown for turn in turns] == [(), (f"{fact.fact_id}",)]
    empty = RunContextWrapper(context=None)
    assert "Ana lives in Porto." in run(give(empty, None))
    assert run(memory_instructions(settings=settings, instructions="x")(empty, None)) == "x"
    ben = RunContextWrapper(context=Customer("ben"))
    assert run(memory_instructions(settings=settings, instructions="x")(ben, None)) == "x"
    ana = RunContextWrapper(context=Customer("ana"))
    assert "Porto" in run(memory_instructions(settings=settings)(ana, None))


def test_ten_concurrent_sessions_with_workers(make_session, workers, database, settings):
    """The pipeline's workers archive and learn meanwhile."""
    sessions = [make_session(f"chat-{number}", user_id=f"user-{number}") for number in range(10)]

    async def converse(number):
        session, agent = sessions[number], agent_with(FakeModel())
        for step in range(6):
            await Runner.run(agent, f"I own {number}-{step} bicycles.", session=session)
            if step == 2:
                await session.pop_item()
                await session.pop_item()
            if step % 2:
                await asyncio.sleep(0.3)
        if number % 2:
            await session.clear_session()
            await Runner.run(agent, "last", session=session)

    async def all_of_them():
        await asyncio.gather(*(converse(number) for number in range(10)))
        return [await session.get_items() for session in sessions]

    def expected(number):
        if number % 2:
            return [("user", "last"), ("assistant", "ok")]
        pairs = [(("user", f"I own {number}-{step} bicycles."), ("assistant", "ok")) for step in (0, 1, 3, 4, 5)]
        return [item for pair in pairs for item in pair]

    assert [said(items) for items in run(all_of_them())] == [expected(number) for number in range(10)]

    def are_archived():
        [(count,)] = database.execute("SELECT count(*) FROM turns").fetchall()
        return count == 10 * 12 + 5 * 2

    waiting.wait_until(are_archived, seconds=60)
    assert [said(run(session.get_items())) for session in sessions] == [expected(number) for number in range(10)]
