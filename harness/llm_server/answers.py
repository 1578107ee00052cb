"""A deterministic model: the same request always gets the same answer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.llm_server import prompt
from harness.llm_server.prompt import ShownEntry, ShownFact, ShownTurn

#: Long enough that a test can find the shown text in the answer.
_DIGEST_CHARACTERS = 1_200
_FACT_CHARACTERS = 400


@dataclass(frozen=True, slots=True)
class ToolCall:
    """An answer of a script that calls a tool."""

    name: str
    #: JSON.
    arguments: str


def default(request: Mapping[str, Any]) -> str:
    """Return the answer to a chat call: facts of the shown turns, an object of the requested schema, or a digest."""
    turns = prompt.shown_turns(request)
    if turns:
        return as_json(extraction(turns))
    if prompt.kind_of(request) == "summarize" and (entries := prompt.shown_entries(request)):
        return as_json(summary(entries))
    if prompt.kind_of(request) == "thread":
        return as_json(threads(prompt.shown_facts(request)))
    schema = prompt.form_schema(request)
    digest = _digest(prompt.user_text(request))
    return digest if schema is None else as_json(_filled(schema, "", digest))


def extraction(turns: list[ShownTurn]) -> dict[str, Any]:
    """Return one fact per turn that is not empty, with its text as the quote."""
    spoken = [turn for turn in turns if turn.content.strip()]
    facts = [
        fact(f"{turn.speaker} said: {_shortened(turn.content, _FACT_CHARACTERS)}", [(turn.number, quote(turn))])
        for turn in spoken
    ]
    return {"facts": facts, "episode": episode(turns)}


def summary(entries: list[ShownEntry]) -> dict[str, Any]:
    """Return up to four entries, the newest first, unchanged."""
    kept = list(reversed(entries))[:4]
    return {
        "statements": [{"text": _shortened(entry.text, _FACT_CHARACTERS), "entries": [entry.number]} for entry in kept]
    }


def threads(facts: list[ShownFact]) -> dict[str, Any]:
    """Return a thread for each matter: its facts unchanged, the newest current one as the present state."""
    matters: dict[int, list[ShownFact]] = {}
    for shown in facts:
        matters.setdefault(shown.matter, []).append(shown)
    return {"threads": [_thread(number, shown) for number, shown in matters.items()]}


def _thread(number: int, facts: list[ShownFact]) -> dict[str, Any]:
    now = next((fact for fact in reversed(facts) if fact.is_current), None)
    steps = [{"text": fact.text, "facts": [fact.number]} for fact in facts if fact is not now][:8]
    state = None if now is None else {"text": now.text, "facts": [now.number]}
    return {"matter": number, "title": f"Matter {number}", "steps": steps, "state": state}


def fact(text: str, quotes: list[tuple[int, str]], **fields: Any) -> dict[str, Any]:
    """Return a candidate with all fields that the pipeline requires."""
    blank: dict[str, Any] = {"category": "other", "topics": [], "subject": None, "attribute": None, "value": None}
    evidence = [{"turn": number, "quote": quote} for number, quote in quotes]
    times = {"importance": 0.5, "valid_from": None, "valid_to": None}
    return {"text": text, **blank, **times, **fields, "evidence": evidence}


def judgement(*pairs: tuple[str, str, str]) -> dict[str, Any]:
    """Return a judge's answer with these pairs of (label, label, verdict): what the first is to the second."""
    return {"pairs": [f"{first} {verdict} {second}" for first, second, verdict in pairs]}


def quote(turn: ShownTurn) -> str:
    """Return the turn's words: all of them, or the longest line of what is shown. What looks like a line break may have
    been written as `\\n` by the speaker, so that a quote across it might not be verbatim."""
    return max((line for piece in turn.pieces for line in piece.split("\n")), key=len, default=turn.content)


def episode(turns: list[ShownTurn]) -> dict[str, Any]:
    first, last = turns[0], turns[-1]
    summary = f"{len(turns)} turns, from {_shortened(first.content, 200)} to {_shortened(last.content, 200)}"
    return {"title": _shortened(first.content, 60) or "Untitled", "summary": summary, "outcome": "none"}


def as_json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _filled(schema: Mapping[str, Any], name: str, digest: str) -> Any:
    """Return a value of this schema: the digest or its beginning for strings, empty lists, the least other values."""
    if "enum" in schema:
        return schema["enum"][0]
    if "anyOf" in schema:
        return _filled(schema["anyOf"][0], name, digest)
    match schema.get("type"):
        case "object":
            return {key: _filled(value, key, digest) for key, value in schema.get("properties", {}).items()}
        case "string":
            return _shortened(digest, 60) if name in ("title", "name", "key", "reason") else digest
        case "array":
            return []
        case "integer" | "number":
            return 0
        case "boolean":
            return False
    return None


def _digest(text: str) -> str:
    """Return the end of the shown text, without its headings."""
    lines = [line for line in text.split("\n") if not line.endswith(":") and line != "(none)"]
    return " ".join(" ".join(lines).split())[-_DIGEST_CHARACTERS:] or "Nothing."


def _shortened(text: str, characters: int) -> str:
    return " ".join(text.split())[:characters].rstrip()
