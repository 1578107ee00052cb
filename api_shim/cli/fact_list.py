"""The output of `afterturn facts` and its commands."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.markup import escape

from afterturn import lives
from afterturn.facts.fact import Contradiction, Fact
from api_shim.cli import times


def print_facts(facts: Sequence[Fact], *, as_json: bool) -> None:
    """Print the facts with their evidence, as text or as a JSON list."""
    if as_json:
        print(json.dumps([_as_object(fact) for fact in facts], ensure_ascii=False, default=datetime.isoformat))
        return
    console = Console(highlight=False)
    if not facts:
        console.print("no facts")
    _print_facts(console, facts)


def print_contradictions(contradictions: Sequence[Contradiction], *, as_json: bool) -> None:
    """Print pairs of facts that cannot both be true, as text or as a JSON list."""
    if as_json:
        listed = [{"facts": list(map(_as_object, pair.facts)), "found_at": pair.found_at} for pair in contradictions]
        print(json.dumps(listed, ensure_ascii=False, default=datetime.isoformat))
        return
    console = Console(highlight=False)
    if not contradictions:
        console.print("no contradictions")
    for pair in contradictions:
        console.print(f"[dim]found {escape(times.show(pair.found_at))}[/]")
        _print_facts(console, pair.facts)


def _as_object(fact: Fact) -> dict[str, Any]:
    return {name: value for name, value in asdict(fact).items() if name != "cursor"}


def _print_facts(console: Console, facts: Sequence[Fact]) -> None:
    for fact in facts:
        console.print(f"[bold]{escape(fact.text)}[/]  [dim]{fact.fact_id}[/]", soft_wrap=True)
        console.print("  " + escape(" · ".join(_notes(fact))), soft_wrap=True)
        for evidence in fact.evidence:
            source = f"{evidence.speaker}, {times.show(evidence.said_at)}, {evidence.session_id} {evidence.position}"
            console.print(f"  [dim]{escape(source)}:[/] {escape(evidence.quote)}", soft_wrap=True)


def _notes(fact: Fact) -> list[str]:
    """Return short notes on the fact: its category, origin, times and status."""
    notes = [fact.category, *fact.topics]
    if fact.is_pinned:
        notes.append("pinned")
    if fact.origin == "person":
        notes.append("entered by a person")
    if fact.said_by != "user":
        notes.append(f"said by {fact.said_by}")
    if fact.valid_from is not None:
        notes.append(f"since {times.show(fact.valid_from)}")
    if fact.valid_to is not None:
        notes.append(f"until {times.show(fact.valid_to)}")
    if fact.life is not None:
        notes.append(fact.life)
    if fact.is_outcome_unknown:
        notes.append(lives.describe_past_plan(fact.valid_from, fact.valid_to, None))
    if fact.fades_at is not None:
        notes.append(f"fades {times.show(fact.fades_at)}")
    if fact.status != "current":
        notes.append(f"{fact.status}: {(fact.ended_because or 'unknown').replace('_', ' ')}")
    if fact.superseded_by is not None:
        notes.append(f"by {fact.superseded_by}")
    return notes
