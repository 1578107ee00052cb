"""`afterturn write`, `history`, `recall`, `context` and `chat`: the memory of a user, on the command line."""

from __future__ import annotations

import io
import sys
import threading

import pytest

from api_shim import MemoryClient
from harness.llm_server import LLMServer, answers, prompt
from harness.pipeline import Pipeline


@pytest.fixture
def memory(settings, pipeline):
    memory = MemoryClient("ana", "chat", settings=settings)
    memory.write("user", "I live in Porto.", name="Ana")
    pipeline.settle()
    return memory


def test_a_written_turn_is_in_the_history(command, settings, pipeline):
    turn_id = command("write", "ana", "I", "live in [Porto].", "--name", "Ana", "--at", "2024-05-01T12:00Z").out.strip()
    assert command.json("write", "ana", "Noted.", "--role", "assistant", "--metadata", '{"page": 3}')["turn_id"]
    first, second = command.json("history", "ana")
    assert (first["turn_id"], first["content"], first["name"]) == (turn_id, "I live in [Porto].", "Ana")
    assert first["occurred_at"].startswith("2024-05-01T12:00")
    assert (second["role"], second["metadata"]) == ("assistant", {"page": 3})
    shown = command("history", "--user", "ana").out
    assert shown.index("Ana 2024-05-01") < shown.index("I live in [Porto].") < shown.index("Noted.")
    assert "not archived yet" in shown
    pipeline.settle()
    assert "not archived yet" not in command("history", "ana").out
    assert command("history", "eve").out == "no turns\n"
    assert command("history", "ana", "--session", "other").out == "no turns\n"


def test_the_same_turn_id_is_written_once(command, settings, hot_store):
    for _ in range(2):
        assert command("write", "--user", "ana", "I sing.", "--turn-id", "t1").out == "t1\n"
    assert len(command.json("history", "ana")) == 1
    refused = command("write", "ana", "I paint.", "--turn-id", "t1")
    assert (refused.code, "turn_id" in refused.error) == (2, True)


def test_a_long_text_comes_from_standard_input(command, settings, hot_store, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO("A long\ntext."))
    assert command("write", "ana", "-").code == 0
    assert command.json("history", "ana")[0]["content"] == "A long\ntext."


def test_recall_shows_memories_with_their_evidence(memory, command):
    found = command.json("recall", "ana", "Where does Ana live?")
    assert found[0]["text"] == "Ana lives in Porto."
    shown = command("recall", "ana", "Where does Ana live?", "--kind", "fact").out
    assert shown.splitlines()[0] == "Ana lives in Porto."
    assert "I live in Porto." in shown
    assert "score" in shown
    assert [one["kind"] for one in command.json("recall", "--user", "ana")] == ["turn"]
    assert command("recall", "eve", "Where?").out == "no memories\n"
    explained = command.json("recall", "ana", "Where does Ana live?", "--explain")
    assert explained[0]["score_parts"]
    assert command.json("recall", "ana", "Porto", "--until", "2001-01-01") == []


def test_context_shows_the_messages_of_a_prompt(memory, command):
    shown = command("context", "ana", "Where does Ana live?", "--session", "chat").out
    assert "<memory>" in shown
    assert "Ana lives in Porto." in shown
    assert "tokens" in shown.splitlines()[-1]
    context = command.json("context", "ana", "Where?", "--session", "chat", "--tokens", "500")
    assert context["tokens"] <= 500
    assert context["messages"][-1]["content"] == "I live in Porto."


def test_users_and_their_sessions_are_listed(memory, command):
    command("write", "ben", "Hello.")
    [ana] = command.json("users")
    assert (ana["user_id"], ana["sessions"], ana["current_facts"]) == ("ana", 1, 1)
    assert "ana" in command("users", "--prefix", "an").out
    assert command("users", "--prefix", "x").out == "no users\n"
    assert f"--cursor {ana['cursor']}" in command("users", "--limit", "1").out
    assert command.json("users", "--limit", "1", "--cursor", ana["cursor"]) == []
    [chat] = command.json("sessions", "ana")
    assert chat["session_id"] == "chat"
    assert "chat" in command("sessions", "--user", "ana").out
    assert [one["session_id"] for one in command.json("sessions", "ben")] == ["default"]
    assert command("sessions", "eve").out == "no sessions\n"


@pytest.mark.parametrize(
    ("arguments", "wrong"),
    [
        (("write",), "the user is missing"),
        (("write", "ana"), "the text is missing"),
        (("write", "ana", "Hi.", "--metadata", "[1]"), "--metadata"),
        (("write", "ana", "Hi.", "--at", "yesterday"), "--at"),
        (("write", "ana", "Hi.", "--role", "robot"), "role"),
        (("history",), "the user is missing"),
        (("history", "ana", "--user", "eve"), "two users"),
        (("recall", "ana", "x", "--since", "noon"), "--since"),
        (("recall", "--limit", "5"), "the user is missing"),
        (("facts",), "the user is missing"),
        (("flush", "ana", "one", "two"), "one session"),
        (("export", "ana", "--user", "eve"), "two users"),
        (("forget", "--yes"), "the user is missing"),
        (("consolidate",), "the user is missing"),
        (("chat",), "the user is missing"),
        (("chat", "ana"), "AFTERTURN_LLM"),
    ],
)
def test_what_is_wrong_is_named(command, settings, hot_store, arguments, wrong):
    ended = command(*arguments)
    assert ended.code == 2
    assert wrong in ended.error


@pytest.mark.parametrize("style", [("ana",), ("--user", "ana"), ("-u", "ana")])
def test_the_user_is_named_alike_in_all_commands(memory, command, style):
    assert [fact["text"] for fact in command.json("facts", *style)] == ["Ana lives in Porto."]
    assert command.json("history", *style, "--session", "chat")
    assert command.json("recall", *style, "Porto")
    assert command.json("context", *style, "Porto")["tokens"]
    assert command.json("sessions", *style)
    assert command.json("costs", *style)["costs"] is not None
    for name in ("flush", "export", "consolidate"):
        assert command(name, *style).code == 0
    assert command("forget", *style, "--yes").code == 0
    assert command.json("facts", *style) == []


class Typed(io.StringIO):
    """Lines on standard input; before the second one, the workers have done their work."""

    def __init__(self, pipeline, *lines):
        super().__init__()
        self._pipeline, self._lines = pipeline, list(lines)

    def readline(self, *_):
        self._pipeline.settle()
        return self._lines.pop(0) + "\n" if self._lines else ""


def chat(command, monkeypatch, pipeline, session, *lines):
    """Type these lines into `afterturn chat`, with workers that work between them and after the last one."""
    typed = Typed(pipeline, *lines)
    working, stop = threading.Event(), threading.Event()

    def work():
        while not stop.wait(0.1):
            if working.is_set():
                pipeline.settle()

    def read_line(*_):
        line = typed.readline()
        if not line:
            working.set()
            raise EOFError
        return line.rstrip("\n")

    monkeypatch.setattr("builtins.input", read_line)
    thread = threading.Thread(target=work)
    thread.start()
    try:
        return command("chat", "ana", "--session", session)
    finally:
        stop.set()
        thread.join()


def test_a_chat_remembers_and_shows_what_it_remembers_and_learns(settings, hot_store, command, monkeypatch):
    spoken = iter(["Hello Ana!", "A fine instrument.", "You play the cello."])

    def script(request):
        if request.get("stream"):
            return next(spoken)
        said = [turn for turn in prompt.shown_turns(request) if turn.content.startswith("I ")]
        return {"facts": [answers.fact(turn.content, [(turn.number, turn.content)]) for turn in said], "episode": None}

    with LLMServer(answer=script) as server:
        given = {"llm_base_url": server.base_url, "llm_api_key": "sk-test"}
        own = type(settings)(**settings.model_dump(exclude_unset=True) | given)
        command.use(own)
        with Pipeline(own) as pipeline:
            first = chat(command, monkeypatch, pipeline, "first", "I play the cello.", "It is old.")
            second = chat(command, monkeypatch, pipeline, "second", "What do I play?")
    assert (first.code, second.code) == (0, 0)
    assert [line.strip() for line in first.out.splitlines()] == [
        "model Hello Ana!",
        "learnt: I play the cello.",
        "model A fine instrument.",
    ]
    spoken_line, *remembered = second.out.splitlines()
    assert spoken_line == "model You play the cello."
    assert any(line.startswith("  remembered: ") and "I play the cello." in line for line in remembered)
    history = MemoryClient("ana", "second", settings=settings).history()
    assert [(turn.role, turn.content) for turn in history] == [
        ("user", "What do I play?"),
        ("assistant", "You play the cello."),
    ]
    assert history[-1].memories_shown
