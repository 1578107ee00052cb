"""`search` and `fetch`, in the form that ChatGPT (connectors, deep research, company knowledge) requires.

`search(query)` returns `{"results": [{"id", "title", "url"}]}`, `fetch(id)` returns `{"id", "title", "text", "url",
"metadata"}`: as structured content, and as exactly one text with the same JSON. A result is cited only if it has a url.
"""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from mcp.server.mcpserver import Context
from pydantic import Field

from afterturn.errors import InvalidId
from afterturn.facts.fact import Fact
from afterturn.memories import Memory
from afterturn.principal import Right
from afterturn.recall import memory_queries
from api_shim.mcp import callers
from api_shim.mcp.arguments import Id, Query
from api_shim.mcp.callers import McpCaller
from api_shim.mcp.memory_ids import ID_LIMIT_CHARACTERS, TurnId, parse
from api_shim.mcp.results import Document, SearchResult, SearchResults, name_memory
from api_shim.mcp.tool_errors import NotFound

RESULTS = 10
TITLE_CHARACTERS = 80


async def search(ctx: Context, query: Query) -> SearchResults:
    """Search the user's memory: facts, and what was said in earlier conversations. fetch returns each result whole."""
    caller = callers.of(ctx)
    memories = await caller.open(Right.READ).recall(query, RESULTS, kinds=("fact", "turn"))
    return SearchResults(results=[_show(caller, memory) for memory in memories])


async def fetch(
    ctx: Context,
    id: Annotated[
        Id, Field(min_length=1, max_length=ID_LIMIT_CHARACTERS, description="The id of a result of search or recall.")
    ],
) -> Document:
    """Return one memory whole: a fact with its evidence, or what was said, with speaker, time and conversation."""
    caller = callers.of(ctx)
    target = parse(id)
    document = None
    if isinstance(target, UUID):
        document = await _fetch_fact(caller, target)
    elif isinstance(target, TurnId):
        document = await _fetch_turn(caller, target)
    if document is None:
        raise NotFound
    return document


async def _fetch_fact(caller: McpCaller, fact_id: UUID) -> Document | None:
    versions = await caller.open(Right.READ).fact_history(fact_id)
    fact = next((version for version in versions if str(version.fact_id) == str(fact_id)), None)
    if fact is None:
        return None
    return Document(
        id=str(fact_id),
        title=_title(fact.text),
        text="\n".join((fact.text, *_evidence_lines(fact))),
        url=_fact_link(caller, str(fact_id)),
        metadata={
            "kind": "fact",
            "status": str(fact.status),
            "category": fact.category,
            "topics": ", ".join(fact.topics),
            "said_at": fact.said_at.isoformat(),
        },
    )


def _evidence_lines(fact: Fact) -> list[str]:
    return [f"{each.speaker}, {each.said_at.isoformat()}: “{each.quote}”" for each in fact.evidence]


async def _fetch_turn(caller: McpCaller, target: TurnId) -> Document | None:
    try:
        turn = await caller.find_turn(target.session_id, target.turn_id)
    except InvalidId:
        return None
    if turn is None:
        return None
    memory = memory_queries.turn_as_memory(turn, target.session_id, 0.0)
    return Document(
        id=str(target),
        title=_title(memory.text),
        text=memory.text,
        url=_turn_link(caller, target),
        metadata={
            "kind": "turn",
            "speaker": turn.speaker,
            "said_at": turn.occurred_at.isoformat(),
            "session_id": target.session_id,
        },
    )


def _show(caller: McpCaller, memory: Memory) -> SearchResult:
    is_fact = memory.kind == "fact"
    url = (
        _fact_link(caller, memory.memory_id)
        if is_fact
        else _turn_link(caller, TurnId(memory.session_id, memory.memory_id))
    )
    return SearchResult(id=name_memory(memory), title=_title(memory.text), url=url)


def _fact_link(caller: McpCaller, fact_id: str) -> str:
    return caller.link("facts", fact_id, "history")


def _turn_link(caller: McpCaller, turn: TurnId) -> str:
    return caller.link("sessions", turn.session_id, "turns", fragment=turn.turn_id)


def _title(text: str) -> str:
    """Return the beginning of a text, on one line."""
    line = " ".join(text[: 4 * TITLE_CHARACTERS].split())
    return f"{line[:TITLE_CHARACTERS]}…" if len(line) > TITLE_CHARACTERS else line or "(empty)"
