"""Items come back as they went in, wherever they are."""

import asyncio
import copy
import json
import math
import pickle
import threading

import pytest
from agents.memory import Session, SessionSettings

from afterturn import MemoryClient
from afterturn.errors import InvalidId, InvalidInput, ItemNotJson, PendingLimitReached, TurnTooLarge
from afterturn.hot import keys
from api_shim.adapters.openai_agents import AfterturnSession
from tests.integration.openai_agents.conftest import SCOPE, message, run

STRANGE_ITEMS = [
    {"role": "user", "content": "I live in Porto.", "b": 1, "a": 2},
    {"z": 1, "role": "user", "content": "z first"},
    {"content": "NUL \x00, lone \ud83d and \udc00, pair \U0001f600, é", "role": "user"},
    {
        "role": "user",
        "content": [{"type": "input_text", "text": "parts \x00"}, {"type": "input_image", "image_url": "u"}],
    },
    {"type": "function_call", "call_id": "c", "name": "f\x00", "arguments": '{"x": "\\u0000"}', "id": "fc"},
    {"type": "function_call_output", "call_id": "c", "output": "42"},
    {"type": "function_call_output", "call_id": "c", "output": [{"type": "input_text", "text": "42"}]},
    {"type": "reasoning", "id": "r", "summary": [], "encrypted_content": "gAAA"},
    {"type": "compaction", "encrypted_content": "x"},
    {"__enc__": 1, "v": 1, "kid": "hkdf-v1", "payload": "token"},
    {},
    {"role": "critic", "content": "not a role of ours"},
    {"role": "assistant", "content": "", "arguments": "beside a role"},
    {"role": None, "content": None},
    {"role": ["user"], "content": {"a": 1}},
    {"type": 7, "call_id": {}, "name": ["x"] * 300, "output": None},
    {"role": "user", "content": "", "name": "a name\nthat is not valid"},
    {"number": 1e300, "int": 2**70, "inf": math.inf, "none": None, "bools": [True, False], "": ""},
    {"deep": [[[[[["deep"]]]]]], "role": "tool", "tool_call_id": "t", "content": "x"},
    {"role": "user", "content": '"mark":"clear"}'},
    {"kind": "state", "v": 9, "mark": "clear", "given": True, "~item": "{}"},
    {"metadata": {"mark": "clear"}},
]


def test_any_item_comes_back_exactly(session, move):
    run(session.add_items(STRANGE_ITEMS))
    move()
    found = run(session.get_items())
    assert [json.dumps(item) for item in found] == [json.dumps(item) for item in STRANGE_ITEMS]
    for expected in reversed(STRANGE_ITEMS):
        assert json.dumps(run(session.pop_item())) == json.dumps(expected)
    assert run(session.get_items()) == [] and run(session.pop_item()) is None


@pytest.mark.parametrize("limit", [None, 0, 1, 2, 3, 7, 100, -1])
def test_the_last_items_up_to_the_limit(session, move, limit):
    items = [message("user", str(number)) for number in range(7)]
    run(session.add_items(items))
    move()
    expected = items if limit is None or limit < 0 else items[len(items) - limit :] if limit < 7 else items
    assert run(session.get_items(limit)) == expected


def test_an_explicit_limit_beats_the_settings(make_session):
    session = make_session(session_settings=SessionSettings(limit=2))
    items = [message("user", str(number)) for number in range(5)]
    run(session.add_items(items))
    assert run(session.get_items()) == items[-2:]
    assert run(session.get_items(limit=4)) == items[-4:]
    assert run(session.get_items(0)) == []
    assert run(make_session(session_settings={"limit": 1}).get_items()) == items[-1:]
    assert make_session().session_settings.limit is None


def test_2500_items_and_batches_over_1000(session, pipeline, hot_store):
    items = [message("user" if number % 2 else "assistant", f"item {number}") for number in range(2_500)]
    run(session.add_items(items))
    assert run(session.get_items()) == items
    pipeline.settle()
    assert run(session.get_items()) == items
    assert run(session.get_items(1_200)) == items[-1_200:]
    run(session.add_items(items[:3]))
    assert run(session.get_items()) == items + items[:3]
    assert run(session.get_items(4)) == [items[-1], *items[:3]]
    assert 0 < hot_store.llen(keys.recent(SCOPE)) <= 500


@pytest.mark.parametrize("text", ["x" * 4_000_000, "\x00" * 700_000, "中" * 1_300_000, 'a"\\' * 1_000_000])
def test_an_item_of_4_mb_is_kept_whole_and_read_shortened(session, settings, move, text):
    item = {"type": "function_call_output", "call_id": "c", "output": text}
    run(session.add_items([message("user", "Read it."), item, message("assistant", "Done.")]))
    move()
    assert run(session.get_items())[1] == item
    [turn] = [turn for turn in MemoryClient("ana", "chat", settings=settings).history() if turn.role == "tool"]
    assert len(turn.content) < settings.turn_limit_bytes / 4 + 100 and "characters omitted" in turn.content
    assert run(session.get_items(1)) == [message("assistant", "Done.")]


def test_large_items_do_not_stay_in_redis_and_leave_no_gap(session, pipeline, hot_store):
    """Redis keeps the turns around a large one: it must not pass for the whole session."""
    items = [message("user", "first"), message("user", "y" * 1_000_000), message("user", "last")]
    assert run(session.get_items()) == []
    run(session.add_items(items[:1]))
    assert run(session.get_items()) == items[:1]
    run(session.add_items(items[1:]))
    pipeline.settle()
    assert hot_store.llen(keys.recent(SCOPE)) == 2
    assert run(session.get_items()) == items
    assert run(session.get_items()) == items


def test_what_redis_may_hold_bounds_an_item(make_session, settings):
    small = type(settings)(**settings.model_dump(exclude_unset=True) | {"pending_limit_bytes_per_shard": 400_000})
    session = make_session(settings=small)
    with pytest.raises(TurnTooLarge, match="AFTERTURN_PENDING_LIMIT_BYTES_PER_SHARD"):
        run(session.add_items([message("user", "kept"), message("user", "x" * 250_000)]))
    with pytest.raises(PendingLimitReached):
        run(session.add_items([message("user", "x" * 100_000)] * 5))
    assert run(session.get_items()) == []


def test_what_is_not_json_is_refused_with_the_whole_batch(session):
    deep = []
    for _ in range(100_000):
        deep = [deep]
    for wrong in ({"a": object()}, {"a": {1, 2}}, {"a": b"x"}, {"a": deep}, {(1, 2): 3}):
        with pytest.raises(TypeError) as raised:
            run(session.add_items([message("user", "kept?"), wrong]))
        assert isinstance(raised.value, ItemNotJson) and raised.value.code == "item_not_json"
    assert run(session.get_items()) == []
    run(session.add_items([]))


def test_redis_alone_answers_once_it_has_all(session, settings, pipeline, database):
    items = [message("user", str(number)) for number in range(120)]
    run(session.get_items())
    run(session.add_items(items))
    run(session.get_items())
    pipeline.settle()
    database.execute("UPDATE turns SET metadata = '{}', content = 'read from Postgres'")
    assert run(session.get_items()) == items
    run(session.pop_item())
    assert run(session.get_items()) == items[:-1]


def test_turns_of_other_doors_are_messages(session, settings, move):
    memory = MemoryClient("ana", "chat", settings=settings)
    memory.write("user", "I live in Porto.", turn_id="given")
    run(session.add_items([message("assistant", "Nice.")]))
    memory.write("User: Hi | Assistant: Hello")
    memory.write({"role": "assistant", "content": None, "tool_calls": [{"id": "1", "function": {"name": "f"}}]})
    memory.write("tool", "42", metadata={"~item": {"not": "text"}})
    move()
    assert run(session.get_items()) == [
        message("user", "I live in Porto."),
        message("assistant", "Nice."),
        message("user", "User: Hi | Assistant: Hello"),
        message("assistant", "42"),
    ]
    assert run(session.get_items(2)) == run(session.get_items())[-2:]
    assert run(session.pop_item()) == message("assistant", "42")
    assert run(session.pop_item()) == message("user", "User: Hi | Assistant: Hello")
    memory.remove("given")
    assert run(session.get_items()) == [message("assistant", "Nice.")]
    move()
    assert run(session.get_items()) == [message("assistant", "Nice.")]


def test_the_readable_turns(session, settings):
    run(
        session.add_items(
            [
                {"role": "user", "content": [{"type": "input_text", "text": "I live in Porto."}]},
                {"type": "function_call", "call_id": "c", "name": "find", "arguments": "{}"},
                {"type": "function_call_output", "call_id": "c", "output": "A table."},
                {
                    "type": "message",
                    "id": "m",
                    "role": "assistant",
                    "status": "completed",
                    "provider_data": {"a": 1},
                    "content": [{"type": "output_text", "text": "Found one.", "annotations": []}],
                },
                {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hidden"}]},
                {"role": "user", "content": 7},
            ]
        )
    )
    turns = MemoryClient("ana", "chat", settings=settings).history()
    assert [(turn.role, turn.content) for turn in turns] == [
        ("user", "I live in Porto."),
        ("assistant", ""),
        ("tool", "A table."),
        ("assistant", "Found one."),
        ("assistant", ""),
        ("user", ""),
    ]
    assert turns[1].metadata["tool_calls"][0]["function"]["name"] == "find"
    assert turns[2].metadata["tool_call_id"] == "c"


def test_sessions_and_users_are_apart(make_session):
    run(make_session("one").add_items([message("user", "one")]))
    run(make_session("one", user_id="ben").add_items([message("user", "ben's")]))
    assert run(make_session("two").get_items()) == []
    assert run(make_session("one", user_id="ben").get_items()) == [message("user", "ben's")]
    assert run(make_session("one").get_items()) == [message("user", "one")]
    assert run(make_session("one", user_id=None).get_items()) == []


def test_a_session_without_a_user_has_a_memory_of_its_own(make_session, settings):
    session = make_session("one", user_id=None)
    run(session.add_items([message("user", "nobody's")]))
    assert run(make_session("one", user_id=None).get_items()) == [message("user", "nobody's")]
    assert [turn.content for turn in MemoryClient(session_id="one", settings=settings).history()] == ["nobody's"]
    with pytest.raises(InvalidId):
        make_session(user_id="~session:one")
    with pytest.raises(InvalidInput):
        make_session("")


def test_any_thread_and_any_loop(session):
    """Loops are closed between the calls, and threads share the session."""

    def write(number: int) -> None:
        for step in range(3):
            run(session.add_items([message("user", f"{number}.{step}")]))

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = [item["content"] for item in run(session.get_items())]
    assert sorted(found) == sorted(f"{number}.{step}" for number in range(8) for step in range(3))
    for number in range(8):
        assert [text for text in found if text.startswith(f"{number}.")] == [f"{number}.{step}" for step in range(3)]


def test_a_batch_stays_together_among_others(session):
    async def write():
        await asyncio.gather(
            *(session.add_items([message("user", f"{number}.{part}") for part in range(20)]) for number in range(10))
        )

    run(write())
    found = [item["content"].split(".")[0] for item in run(session.get_items())]
    assert [found[start : start + 20] for start in range(0, 200, 20)] == [
        [found[start]] * 20 for start in range(0, 200, 20)
    ]


@pytest.mark.parametrize("patience", [0.0, 0.0005, 0.002, 0.01])
def test_a_cancelled_call_has_its_whole_effect_or_none(session, patience):
    batch = [message("user", str(number)) for number in range(300)]

    async def write_and_cancel():
        task = asyncio.create_task(session.add_items(batch))
        await asyncio.sleep(patience)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
            raise asyncio.CancelledError
        return await session.get_items()

    assert run(write_and_cancel()) in ([], batch)

    async def pop_and_cancel():
        await session.add_items(batch)
        before = await session.get_items()
        task = asyncio.create_task(session.pop_item())
        await asyncio.sleep(patience)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return before, await session.get_items()

    before, after = run(pop_and_cancel())
    assert after in (before, before[:-1])


def test_it_is_a_session_of_the_sdk(session):
    assert isinstance(session, Session)
    assert session.session_id == "chat"
    assert AfterturnSession.__name__ in repr(session)


def test_metadata_of_other_doors_that_looks_like_an_item_is_none(session, settings):
    memory = MemoryClient("ana", session.session_id, settings=settings)
    for metadata in ({"a": {"~item": "x"}, "b": "c"}, {"a": {"~item": "x"}}, {"a": ['"~item":"x"'], "b": "c"}):
        memory.write("user", "Hello", metadata=metadata)
    assert run(session.get_items()) == [{"role": "user", "content": "Hello"}] * 3


@pytest.mark.parametrize("items", ["Hi.", b"Hi.", message("user", "Hi.")])
def test_one_item_in_place_of_a_list_is_refused(session, items):
    """Its characters or keys would be items."""
    with pytest.raises(InvalidInput, match="a list of items"):
        run(session.add_items(items))
    assert run(session.get_items()) == []


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda session: pickle.loads(pickle.dumps(session))])
def test_a_copy_of_a_session_that_was_used_opens_its_own_connections(session, copied):
    run(session.add_items([message("user", "Hi.")]))
    other = copied(session)
    run(other.add_items([message("user", "Hi again.")]))
    assert [item["content"] for item in run(session.get_items())] == ["Hi.", "Hi again."]
    assert run(other.get_items()) == run(session.get_items())
