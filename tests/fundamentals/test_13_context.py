"""Context: memory for the next call of a model, within a budget, in an order that providers can cache."""

from afterturn import tokens
from afterturn.context import counting
from afterturn.context.providers import ClockProvider
from afterturn.context.strategies import LastTurns
from api_shim import MemoryClient

CANARY = "Zanzibar"


def write_earlier_session(settings, pipeline):
    """Write and process an earlier conversation of Ana's."""
    earlier = MemoryClient("ana", "earlier", settings=settings)
    earlier.write("user", "I live in Porto.", name="Ana")
    earlier.write("user", "My sister Rita works at Acme.", name="Ana")
    pipeline.settle()


def text_of(context):
    return "\n".join(str(message["content"]) for message in context.messages)


def test_the_memory_comes_before_the_conversation(settings, pipeline, memory):
    write_earlier_session(settings, pipeline)
    memory.write("user", "Hello!", name="Ana")
    memory.write("assistant", "Hi, how can I help?")
    memory.write("user", "Where do I live?", name="Ana")
    context = memory.context("Where do I live?", 1_000)
    first, *rest = context.messages
    assert first["role"] == "system"
    assert "Ana lives in Porto." in first["content"]
    assert rest == [
        {"role": "user", "content": "Hello!", "name": "Ana"},
        {"role": "assistant", "content": "Hi, how can I help?"},
        {"role": "user", "content": "Where do I live?", "name": "Ana"},
    ]
    assert context.tokens == counting.count_messages(context.messages, tokens.estimate) <= 1_000
    assert {str(fact.fact_id) for fact in memory.facts()} <= set(context.memory_ids)
    assert all(label in first["content"] for label in context.labels)


def test_memory_ids_can_be_written_with_the_next_turn(settings, pipeline, memory):
    write_earlier_session(settings, pipeline)
    context = memory.context("Where do I live?", 1_000)
    memory.write("assistant", "You live in Porto.", memories_shown=context.memory_ids)
    assert memory.history(1)[0].memories_shown == context.memory_ids


def test_the_stable_parts_are_the_same_for_every_question(settings, pipeline, memory):
    write_earlier_session(settings, pipeline)
    memory.write("user", "I adopted a dog called Rex.", name="Ana")
    pipeline.settle()
    texts = []
    for question in ("Where do I live?", "Who is Rex?"):
        memory.write("user", question)
        providers = [ClockProvider("Europe/Lisbon")]
        texts.append(memory.context(question, 1_500, providers=providers).messages[0]["content"])
    fixed = [text.partition("About the question:")[0] for text in texts]
    assert fixed[0] == fixed[1]
    assert "Ana lives in Porto." in fixed[0]
    assert "This conversation so far:" in fixed[0]
    assert "Europe/Lisbon" in texts[0].rpartition("Right now:")[2]


def test_a_pinned_fact_is_shown_once_for_every_question(settings, pipeline, memory):
    write_earlier_session(settings, pipeline)
    fact_id = memory.add_fact("Ana is allergic to peanuts.", pinned=True)
    pipeline.settle()
    context = memory.context("Is Ana allergic to peanuts?", 1_000)
    assert text_of(context).count("allergic to peanuts") == 1
    assert str(fact_id) in context.memory_ids
    assert {part.name: part.shown for part in context.parts}["pinned"] == 1
    assert "allergic" in text_of(memory.context(None, 160))


def test_a_memory_of_a_visible_turn_is_not_shown_again(pipeline, memory, database):
    memory.write("user", "The parrot of my aunt is called Captain Flint.", name="Ana")
    pipeline.settle()
    database.execute("DELETE FROM profiles")  # a profile repeats it, so that the prompt's beginning does not change
    assert text_of(memory.context("parrot", 1_000, history=LastTurns(5))).count("Captain Flint") == 1
    assert "About the question:" in text_of(memory.context("parrot", 1_000, history=LastTurns(0)))


def test_current_facts_come_before_superseded_ones(settings, pipeline, memory, database):
    memory.write("user", "I live in Porto.", name="Ana")
    pipeline.settle()
    memory.write("user", "I live in Lisbon now.", name="Ana")
    pipeline.settle()
    elsewhere = MemoryClient("ana", "elsewhere", settings=settings)
    database.execute("DELETE FROM profiles")
    text = text_of(elsewhere.context("Where does Ana live?", 2_000))
    assert "Ana lives in Lisbon now. (formerly: Ana lives in Porto.)" in text


def test_a_removed_turn_is_never_shown(settings, pipeline, memory):
    turn_id = memory.write("user", f"I live in {CANARY}.", name="Ana")
    memory.write("user", "I work at Acme.", name="Ana")
    pipeline.settle()
    fact_id = next(fact.fact_id for fact in memory.facts() if CANARY in fact.text)
    memory.pin_fact(fact_id)
    pipeline.settle()
    elsewhere = MemoryClient("ana", "elsewhere", settings=settings)
    assert CANARY in text_of(memory.context("x", 1_000))
    assert CANARY in text_of(elsewhere.context(None, 1_000))
    memory.remove(turn_id)
    for _ in range(2):
        for reader in (memory, elsewhere):
            for question in (None, f"Where is {CANARY}?"):
                assert CANARY not in text_of(reader.context(question, 1_000))
        assert "Acme" in text_of(elsewhere.context(None, 1_000))
        pipeline.settle()


def test_another_user_and_another_tenant_see_nothing(settings, pipeline, memory):
    write_earlier_session(settings, pipeline)
    memory.add_fact("Ana is allergic to peanuts.", pinned=True)
    memory.write("user", "Hello!")
    pipeline.settle()
    for stranger in (
        MemoryClient("ben", "chat", settings=settings),
        MemoryClient("ana", "chat", tenant_id="other", settings=settings),
    ):
        context = stranger.context("Where does Ana live?", 1_000)
        assert (context.messages, context.tokens, context.memory_ids) == ([], 0, ())


def test_a_context_without_a_question_makes_one_round_trip_to_redis(memory, hot_store):
    memory.context(None, 1_000)
    before = hot_store.info("commandstats")["cmdstat_exec"]["calls"]
    memory.context(None, 1_000)
    assert hot_store.info("commandstats")["cmdstat_exec"]["calls"] == before + 1
