"""What scheduled consolidation costs, counted in calls and tokens, and what it leaves behind."""

from datetime import timedelta
from uuid import UUID

import pytest

from afterturn import tokens
from afterturn.pipeline.stages import sleep
from afterturn.sleep import questions
from harness.llm_server import LLMServer, answers, prompt
from harness.pipeline import Pipeline
from tests.integration.stored_facts import ANA, BEGUN, Memory, store, synthetic


def truthful(memory: Memory):
    """Return a judge that compares the statements of each group by the key."""

    def answer(request):
        if prompt.kind_of(request) != "judge":
            return None
        shown = prompt.shown_statements(request)
        said = [(one.label, memory.key.get(one.text)) for one in shown]
        pairs = [
            (later, earlier, "same")
            for place, (later, meaning) in enumerate(said)
            for earlier, other in said[:place]
            if meaning is not None and meaning == other
        ]
        return answers.judgement(*pairs)

    return answer


@pytest.fixture
def with_judge(settings, hot_store):
    opened = []

    def open_with(memory: Memory):
        server = LLMServer(answer=truthful(memory))
        server.__enter__()
        opened.append(server)
        pipeline = Pipeline(settings.model_copy(update={"llm_base_url": server.base_url}))
        pipeline.__enter__()
        opened.append(pipeline)
        return pipeline, server

    yield open_with
    for one in reversed(opened):
        one.__exit__(None, None, None)


def current_texts(database):
    return [row[0] for row in database.execute("SELECT text FROM facts WHERE status = 'current'").fetchall()]


def prompt_tokens(database):
    return database.execute("SELECT coalesce(sum(prompt_tokens), 0) FROM llm_calls WHERE stage = 'sleep'").fetchone()[0]


def estimated_tokens(server):
    return sum(
        tokens.estimate(prompt.system_text(call.json)) + tokens.estimate(prompt.user_text(call.json))
        for call in server.calls("judge")
    )


def duplicates_left(memory, database):
    meanings = []
    for text in current_texts(database):
        meanings += {memory.key[part.rstrip(".") + "."] for part in text.split("; ")}
    return len(meanings) - len(set(meanings))


@pytest.mark.parametrize(("count", "duplicates"), [(213, 24), (2_000, 40)])
def test_a_night_finds_the_repetitions_for_25_tokens_a_fact(with_judge, database, count, duplicates):
    memory = synthetic(count, duplicates)
    assert memory.repeated == duplicates
    pipeline, server = with_judge(memory)
    store(pipeline, database, memory.texts)
    nights = 0
    while sleep.sleep(pipeline.runtime, ANA) is not None:
        nights += 1
        assert nights < 5
    assert estimated_tokens(server) <= 25 * count
    assert prompt_tokens(database) <= 25 * count
    assert duplicates_left(memory, database) <= 0.01 * len(current_texts(database))
    assert len(server.calls("judge")) <= (3 if count < 1_000 else 20)


def test_an_unchanged_memory_is_free_and_a_new_fact_costs_one_small_call(with_judge, database):
    memory = synthetic(213, 24)
    pipeline, server = with_judge(memory)
    store(pipeline, database, memory.texts)
    while sleep.sleep(pipeline.runtime, ANA) is not None:
        pass
    server.forget()
    assert sleep.sleep(pipeline.runtime, ANA) is None
    assert server.calls("judge") == []

    memory.key["Jon opens a studio for dance."] = next(
        meaning for text, meaning in memory.key.items() if text == "Jon is opening a dance studio."
    )
    store(pipeline, database, ["Jon opens a studio for dance."], begun=BEGUN + timedelta(days=90))
    while sleep.sleep(pipeline.runtime, ANA) is not None:
        pass
    [call] = server.calls("judge")
    shown = prompt.shown_statements(call.json)
    assert 2 <= len(shown) <= 2 * questions.TOKENS_PER_FACT
    assert duplicates_left(memory, database) == 0


def test_what_a_batch_was_compared_with_is_not_asked_again(with_judge, database):
    memory = Memory(["Jon is opening a dance studio.", "Jon is starting a studio for dance."], {})
    pipeline, server = with_judge(memory)
    known_id, new_id = store(pipeline, database, memory.texts)
    batch_id: UUID = database.execute("SELECT batch_id FROM facts WHERE fact_id = %s", (new_id,)).fetchone()[0]
    database.execute("UPDATE facts SET recorded_at = now() + interval '1 second' WHERE fact_id = %s", (new_id,))
    database.execute(
        "INSERT INTO compared_facts (tenant_id, user_id, batch_id, fact_ids) VALUES ('default', 'ana', %s, %s)",
        (batch_id, [known_id]),
    )
    assert sleep.sleep(pipeline.runtime, ANA) is not None
    assert server.calls("judge") == []
    # The run has passed these facts: what they were compared with is not needed any more.
    assert database.execute("SELECT count(*) FROM compared_facts").fetchone() == (0,)


def test_two_new_facts_of_one_batch_are_compared_by_somebody(with_judge, database):
    """Extraction was shown a known fact, and was not asked what its own statements are to each other."""
    texts = ["Jon is opening a dance studio.", "Jon is starting a studio for dance.", "Jon likes the opera."]
    memory = Memory(texts, {texts[0]: "studio", texts[1]: "studio", texts[2]: "opera"})
    pipeline, server = with_judge(memory)
    *pair, known_id = store(pipeline, database, texts)
    batch_id = UUID(int=1)
    database.execute("UPDATE facts SET batch_id = %s WHERE fact_id = ANY(%s)", (batch_id, pair))
    database.execute(
        "INSERT INTO compared_facts (tenant_id, user_id, batch_id, fact_ids) VALUES ('default', 'ana', %s, %s)",
        (batch_id, [known_id]),
    )
    assert sleep.sleep(pipeline.runtime, ANA) is not None
    assert len(server.calls("judge")) == 1
    assert duplicates_left(memory, database) == 0


def test_two_new_facts_that_the_judge_of_their_batch_was_shown_are_not_asked_about_again(with_judge, database):
    texts = ["Jon is opening a dance studio.", "Jon is starting a studio for dance."]
    pipeline, server = with_judge(Memory(texts, {}))
    pair = store(pipeline, database, texts)
    batch_id = UUID(int=1)
    database.execute("UPDATE facts SET batch_id = %s", (batch_id,))
    database.execute(
        "INSERT INTO compared_facts (tenant_id, user_id, batch_id, fact_ids) VALUES ('default', 'ana', %s, %s)",
        (batch_id, pair),
    )
    assert sleep.sleep(pipeline.runtime, ANA) is not None
    assert server.calls("judge") == []
