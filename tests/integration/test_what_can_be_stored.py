"""What a door accepts can be stored: ids of the largest size, long quotes, long texts, strange JSON."""

from __future__ import annotations

import json
import random

import pytest

from afterturn.errors import InvalidId, InvalidInput
from afterturn.importing.lines import LineDefaults, LineProblem, LineReader
from api_shim import MemoryClient
from tests.fundamentals.scripted import Scripted, fact


def _id(seed, characters, first=0x4E00, last=0x9FFF):
    """Return an id of different characters: Postgres compresses repeated ones."""
    source = random.Random(seed)
    return "".join(chr(source.randint(first, last)) for _ in range(characters))


def _texts(seed, characters):
    return _id(seed, characters)


WIDEST = (200, 0x4E00, 0x9FFF)
EMOJI = (150, 0x1F300, 0x1F5FF)


@pytest.mark.parametrize("form", [WIDEST, EMOJI], ids=["200 characters of three bytes", "150 of four bytes"])
def test_the_widest_ids_pass_through_every_stage(settings, pipeline, database, form):
    tenant, user, session, turn, agent, name, edit = (_id(seed, *form) for seed in range(7))
    memory = MemoryClient(user, session, agent, tenant_id=tenant, settings=settings)
    memory.write("user", "I live in Porto.", turn_id=turn, name=name, memories_shown=[turn])
    # The id of an edit leaves room for a number.
    memory.add_fact("Ana owns a boat.", subject=_id(7, *form), attribute=_id(8, *form), edit_id=edit[:-4])
    memory.flush()
    pipeline.settle()
    assert database.execute("SELECT DISTINCT state FROM batches").fetchall() == [("applied",)]
    assert database.execute("SELECT turn_id FROM turns WHERE role = 'user'").fetchall() == [(turn,)]
    assert database.execute("SELECT count(*) FROM vectors WHERE kind = 'turn'").fetchone() == (1,)
    assert {found.text for found in memory.facts()} >= {"Ana owns a boat."}
    memory.remove(turn)
    pipeline.settle()
    assert database.execute("SELECT count(*) FROM dead_entries").fetchone() == (0,)


@pytest.mark.parametrize("wide", [_id(1, 151, 0x1F300, 0x1F5FF), _id(1, 200, 0x10000, 0x10FFF), "x" * 201])
def test_ids_that_no_index_can_contain_are_refused_at_every_door(settings, hot_store, wide):
    for arguments in ({"user_id": wide}, {"user_id": "ana", "session_id": wide}, {"user_id": "ana", "agent_id": wide}):
        with pytest.raises(InvalidId):
            MemoryClient(**arguments, settings=settings)
    with pytest.raises(InvalidId):
        MemoryClient("ana", tenant_id=wide, settings=settings)
    memory = MemoryClient("ana", settings=settings)
    for arguments in ({"turn_id": wide}, {"name": wide}, {"memories_shown": [wide]}):
        with pytest.raises(InvalidId):
            memory.write("user", "hello", **arguments)
        with pytest.raises(InvalidId):
            memory.write_many([{"role": "user", "content": "hello", **arguments}])
    with pytest.raises(InvalidId):
        memory.add_fact("Ana owns a boat.", edit_id=wide)
    with pytest.raises(InvalidId):
        memory.remove(wide)
    line = {"role": "user", "content": "x", "at": "2020-01-01T00:00:00Z"}
    for name in ("tenant", "user", "session", "id", "name", "agent"):
        reader = LineReader(LineDefaults(tenant_id="default", user_id="ana", session_id="s"), limit_bytes=10_000)
        [problem] = reader.read_lines([json.dumps(line | {name: wide}).encode()])
        assert isinstance(problem, LineProblem) and problem.code == "invalid_id"
    assert hot_store.dbsize() == 0


def test_the_http_api_refuses_ids_that_no_index_can_contain(api):
    wide = _id(1, 151, 0x1F300, 0x1F5FF)
    turn = {"role": "user", "content": "x"}
    for path, sent in (
        (f"/v1/users/{wide}/sessions/s/turns", {"turns": [turn]}),
        (f"/v1/users/ana/sessions/{wide}/turns", {"turns": [turn]}),
        ("/v1/users/ana/sessions/s/turns", {"turns": [turn | {"turn_id": wide}]}),
    ):
        answer = api.post(path, json=sent)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_id")


#: Metadata as JSON text -> whether it is accepted.
METADATA = {
    '{"a": 1e400}': False,
    '{"a": NaN}': False,
    '{"a": -Infinity}': False,
    '{"a": ' + "9" * 400 + "}": True,
    '{"a": -1' + "0" * 4_000 + "}": True,
    '{"a": ' + "9" * 5_000 + "}": False,
    '{"a": ' + "[" * 10_000 + "]" * 10_000 + "}": False,
    '{"a": ' + "[" * 200 + "]" * 200 + "}": True,
    '{"\\ud800": "\\udfff \\u0000"}': True,
    '{"a": "\\u0000", "": null}': True,
    '{"a": 1e-400, "b": 1.7976931348623157e308, "c": -0.0}': True,
}


@pytest.mark.parametrize("text", METADATA, ids=[text[:24] for text in METADATA])
def test_metadata_is_refused_or_stored(settings, pipeline, database, api, write_file, command, text):
    is_accepted = METADATA[text]
    body = f'{{"turns": [{{"role": "user", "content": "by http", "metadata": {text}}}]}}'
    answer = api.post("/v1/users/ana/sessions/s/turns", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == (201 if is_accepted else 422), answer.text[:300]
    line = '{"user": "ana", "session": "i", "role": "user", "content": "by import", "at": "2020-01-01T00:00:00Z", ' + (
        f'"metadata": {text}}}'
    )
    reader = LineReader(LineDefaults(tenant_id="default"), limit_bytes=settings.turn_limit_bytes)
    [read] = reader.read_lines([line.encode()])
    assert isinstance(read, LineProblem) is not is_accepted
    memory = MemoryClient("ana", settings=settings)
    try:
        metadata = json.loads(text)
    except (ValueError, RecursionError):
        metadata = None
    if is_accepted:
        memory.write("user", "by write", metadata=metadata)
    elif metadata is not None:
        with pytest.raises(InvalidInput):
            memory.write("user", "by write", metadata=metadata)
    MemoryClient("ben", settings=settings).write("user", "I like tea.")
    pipeline.settle()
    assert database.execute("SELECT count(*) FROM dead_entries").fetchone() == (0,)
    stored = database.execute("SELECT content FROM turns WHERE user_id = 'ana' ORDER BY content").fetchall()
    assert stored == ([("by http",), ("by write",)] if is_accepted else [])
    # What is stored can be read.
    assert [turn.content for turn in memory.history()] == (["by write"] if is_accepted else [])
    assert api.get("/v1/users/ana/sessions/s/turns").status_code == 200


@pytest.mark.parametrize("length", [1_547, 2_000])
def test_a_fact_of_the_documented_length_is_added_in_every_script(settings, pipeline, database, length):
    memory = MemoryClient("ana", settings=settings)
    fact_id = memory.add_fact(_texts(1, length))
    memory.add_fact("Ana owns a boat.")
    corrected = memory.correct_fact(fact_id, _texts(2, length))
    memory.write("user", "I live in Porto.")
    pipeline.settle()
    assert database.execute("SELECT DISTINCT state FROM batches").fetchall() == [("applied",)]
    assert {fact.text for fact in memory.facts()} >= {"Ana owns a boat.", _texts(2, length)}
    assert corrected in {fact.fact_id for fact in memory.facts()}


@pytest.mark.parametrize("length", [5_000, 60_000])
def test_a_quote_may_be_as_long_as_its_turn(settings, pipeline, database, length):
    source = random.Random(1)
    said = " ".join("".join(source.choice("abcdefghijklmnop") for _ in range(7)) for _ in range(length // 8))
    quoted = fact("Ana told a story.", quote=said) | {"evidence": [{"turn": 1, "quote": said}] * 2}
    pipeline.runtime.__dict__["extractor"] = Scripted([quoted], [fact("Ana owns a boat.", quote="boat")])
    memory = MemoryClient("ana", settings=settings)
    memory.write("user", said)
    memory.flush()
    pipeline.settle()
    memory.write("user", "I own a boat.")
    pipeline.settle()
    assert database.execute("SELECT state, reason FROM batches").fetchall() == [("applied", None)] * 2
    assert database.execute("SELECT length(quote) FROM evidence ORDER BY 1 DESC LIMIT 1").fetchone() == (len(said),)


@pytest.mark.parametrize("name", ["text", "subject", "attribute", "value", "category", "topics"])
def test_long_texts_of_a_model_are_dropped_and_do_not_cost_the_others(settings, pipeline, database, name):
    long = _texts(1, 900_000) if name == "text" else _texts(1, 5_000)
    bad = fact("Ana owns a cat.", quote="cat", subject="Ana", attribute="owns", value="cat")
    bad[name] = [long] if name == "topics" else long
    pipeline.runtime.__dict__["extractor"] = Scripted([bad, fact("Ana owns a boat.", quote="boat")])
    memory = MemoryClient("ana", settings=settings)
    memory.write("user", "I own a boat and a cat.")
    pipeline.settle()
    assert database.execute("SELECT state, reason FROM batches").fetchall() == [("applied", None)]
    assert "Ana owns a boat." in {fact.text for fact in memory.facts()}
    assert max(len(fact.text) for fact in memory.facts()) < 2_001


def test_an_episode_without_end_does_not_cost_the_facts(settings, pipeline, database):
    answer = {"facts": [fact("Ana owns a boat.", quote="boat")]}
    answer["episode"] = {"title": _texts(1, 300_000), "summary": _texts(2, 900_000), "participants": [_texts(3, 9_000)]}
    pipeline.runtime.__dict__["extractor"] = Scripted(json.dumps(answer))
    MemoryClient("ana", settings=settings).write("user", "I own a boat.")
    pipeline.settle()
    assert database.execute("SELECT state, reason FROM batches").fetchall() == [("applied", None)]
    assert database.execute("SELECT length(title) <= 200, length(summary) <= 20000 FROM episodes").fetchone() == (
        True,
        True,
    )
