"""`afterturn facts`: the facts of a user and the versions of a fact, on the command line."""

import pytest

from api_shim import MemoryClient


@pytest.fixture
def memory(settings, pipeline):
    memory = MemoryClient("ana", "chat", settings=settings)
    memory.write("user", "I live in Porto.", name="Ana")
    pipeline.settle()
    [porto] = memory.facts()
    memory.correct_fact(porto.fact_id, "Ana lives in Braga.", value="Braga")
    memory.add_fact("Rex is [bold]a poodle[/].", subject="Rex", topics=["pets"], pinned=True)
    pipeline.settle()
    return memory


def test_facts_are_listed_with_their_evidence(memory, command):
    ended = command("facts", "--user", "ana")
    assert ended.code == 0
    lines = ended.out.splitlines()
    assert lines[0].startswith("Rex is [bold]a poodle[/].")
    assert "pets · pinned · entered by a person" in lines[1]
    assert "~edits" in lines[2]
    assert any(line.startswith("Ana lives in Braga.") for line in lines)
    assert "Ana lives in Porto." not in ended.out


def test_filters_and_json(memory, command):
    [rex] = command.json("facts", "--user", "ana", "--subject", "rex")
    assert (rex["text"], rex["is_pinned"], rex["topics"]) == ("Rex is [bold]a poodle[/].", True, ["pets"])
    assert command.json("facts", "--user", "ana", "--topic", "pets") == [rex]
    everything = command.json("facts", "--user", "ana", "--superseded")
    assert {fact["text"]: fact["ended_because"] for fact in everything if fact["subject"] == "Ana"} == {
        "Ana lives in Braga.": None,
        "Ana lives in Porto.": "person",
    }
    assert command.json("facts", "--user", "ana", "--as-of", "2019-01-01") == []
    assert command.json("facts", "--user", "ana", "--as-of", "2019-01-01T00:00:00+02:00", "--recorded") == []
    assert command.json("facts", "--user", "eve") == command.json("facts", "--user", "ana", "--tenant", "x") == []
    assert command("facts", "--user", "eve").out == "no facts\n"


def test_all_versions_of_a_fact_are_listed(memory, command):
    [braga] = command.json("facts", "--user", "ana", "--subject", "Ana")
    versions = command.json("facts", "history", braga["fact_id"], "--user", "ana")
    assert [version["text"] for version in versions] == ["Ana lives in Porto.", "Ana lives in Braga."]
    shown = command("facts", "history", versions[0]["fact_id"], "--user", "ana").out
    assert f"superseded: person · by {braga['fact_id']}" in shown
    assert shown.index("Porto") < shown.index("Braga")


@pytest.mark.parametrize(
    ("arguments", "wrong"),
    [
        ((), "--user"),
        (("--user", "ana", "--as-of", "yesterday"), "--as-of"),
        (("history", "x", "--user", "ana"), "UUID"),
        (("--user", "ana", "--as-of", "2024-01-01", "--superseded"), "include_superseded"),
    ],
)
def test_invalid_arguments_are_reported_in_one_line(settings, command, arguments, wrong):
    ended = command("facts", *arguments)
    assert ended.code == 2
    assert ended.error.startswith("error [invalid_input]:") and wrong in ended.error
