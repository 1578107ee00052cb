"""Memories, turns and rows from which the tests assemble contexts."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from afterturn.context import lines
from afterturn.context.assembly import ContextInput
from afterturn.context.context_queries import StoredContext
from afterturn.memories import Evidence, Memory
from afterturn.turns import Turn

DAY = datetime(2024, 5, 7, 12, tzinfo=UTC)
UTC_ZONE = ZoneInfo("UTC")
NAMESPACE = UUID(int=7)


def turn(number, content="", role="user", **more):
    return Turn(
        turn_id=f"t-{number}",
        role=role,
        content=content or f"turn {number}",
        occurred_at=DAY + timedelta(minutes=number),
        **more,
    )


def fact(text, *, said_in=("earlier", "t-1"), score=1.0, kind="fact", memory_id=None, **more):
    session_id, turn_id = said_in
    evidence = Evidence(
        session_id=session_id, turn_id=turn_id, position=1, speaker="Ana", said_at=DAY, quote=text or "x"
    )
    return Memory(
        kind=kind,
        memory_id=memory_id or str(uuid5(NAMESPACE, text)),
        text=text,
        score=score,
        said_at=DAY,
        session_id=session_id,
        evidence=(evidence,),
        **more,
    )


def fact_lines(*texts):
    rows = [
        {"fact_id": uuid5(NAMESPACE, text), "text": text, "said_at": DAY, "contradicting_texts": ()} for text in texts
    ]
    return lines.fact_lines(rows, UTC_ZONE)


def summary_lines(*texts):
    return [
        lines.summary_line({"episode_ids": [str(uuid5(NAMESPACE, text))], "text": text, "ended_at": DAY}, UTC_ZONE)
        for text in texts
    ]


def context_input(*, pinned=(), profile=(), summary=(), turns=(), memories=(), provider_lines=()):
    stored = StoredContext(
        zone=UTC_ZONE,
        pinned=fact_lines(*pinned),
        profile=fact_lines(*profile),
        summary=summary_lines(*summary),
    )
    return ContextInput(stored=stored, turns=turns, session_id="chat", memories=memories, provider_lines=provider_lines)
