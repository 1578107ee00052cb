"""The output of `afterturn history`, `recall` and `context`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.markup import escape

from afterturn import lives
from afterturn.context.context import Context
from afterturn.memories import Memory
from afterturn.turns import Turn
from api_shim.cli import times

#: Fields of a turn that only the pipeline needs.
_INTERNAL = ("is_stamped", "has_given_id", "is_imported", "is_removed")


def print_turns(turns: Sequence[Turn], *, as_json: bool) -> None:
    """Print turns, as text or as a JSON list."""
    if as_json:
        _print_json([{name: value for name, value in asdict(turn).items() if name not in _INTERNAL} for turn in turns])
        return
    console = _console()
    if not turns:
        console.print("no turns")
    for turn in turns:
        waits = "" if turn.position is not None else " · not archived yet"
        console.print(f"[bold]{escape(turn.speaker)}[/] [dim]{times.show(turn.occurred_at)} · {turn.turn_id}{waits}[/]")
        text = turn.content if turn.away is None else f"(the text is in the cold archive, which is away: {turn.away})"
        console.print("  " + escape(text), soft_wrap=True)


def print_memories(memories: Sequence[Memory], *, as_json: bool) -> None:
    """Print memories with their evidence, as text or as a JSON list."""
    if as_json:
        _print_json([asdict(memory) for memory in memories])
        return
    console = _console()
    if not memories:
        console.print("no memories")
    for memory in memories:
        console.print(f"[bold]{escape(memory.text)}[/]", soft_wrap=True)
        console.print("  [dim]" + escape(" · ".join(_notes(memory))) + "[/]", soft_wrap=True)
        for evidence in memory.evidence if memory.kind != "turn" else ():
            source = f"{evidence.speaker}, {times.show(evidence.said_at)}, {evidence.session_id}"
            console.print(f"  [dim]{escape(source)}:[/] {escape(evidence.quote)}", soft_wrap=True)
        for name, part in (memory.score_parts or {}).items():
            console.print(f"  [dim]{escape(name)} {part:.3f}[/]")


def print_context(context: Context, *, as_json: bool) -> None:
    """Print the messages of a context, and how many tokens each part takes; or one JSON object."""
    if as_json:
        _print_json(asdict(context))
        return
    console = _console()
    for message in context.messages:
        console.print(f"[bold]{escape(str(message['role']))}[/]")
        console.print(escape(str(message.get("content") or "")), soft_wrap=True)
    parts = ", ".join(f"{part.name} {part.tokens}" for part in context.parts if part.shown)
    console.print(f"[dim]{context.tokens} tokens{': ' + parts if parts else ''}[/]", soft_wrap=True)


def _notes(memory: Memory) -> list[str]:
    """Return short notes on a memory: its kind, time, score and status."""
    notes = [memory.kind, times.show(memory.said_at)]
    if memory.kind == "turn" and memory.evidence:
        notes.insert(1, memory.evidence[0].speaker)
    if memory.score:
        notes.append(f"score {memory.score:.2f}")
    if memory.status != "current":
        notes.append(memory.status)
    if memory.life is not None:
        notes.append(memory.life)
    if memory.is_outcome_unknown:
        notes.append(lives.describe_past_plan(memory.valid_from, memory.valid_to, None))
    notes += [f"formerly: {text}" for text in memory.superseded_texts]
    return [*notes, *(f"but also said: {text}" for text in memory.contradicting_texts), memory.memory_id]


def _console() -> Console:
    return Console(highlight=False)


def _print_json(values: Any) -> None:
    print(json.dumps(values, ensure_ascii=False, default=_encode))


def _encode(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else dict(value)
