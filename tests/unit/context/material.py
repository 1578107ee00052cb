"""Memories, turns and rows to put contexts together from."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from afterturn.context import lines
from afterturn.context.assembly import Material
from afterturn.context.context_queries import Kept
from afterturn.memories import Evidence, Memory
from afterturn.turns import Turn

DAY = datetime(2024, 5, 7, 12, tzinfo=UTC)
UTC_ZONE = ZoneInfo("UTC")
SPACE = UUID(int=7)


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
        memory_id=memory_id or str(uuid5(SPACE, text)),
        text=text,
        score=score,
        said_at=DAY,
        session_id=session_id,
        evidence=(evidence,),
        **more,
    )


def fact_lines(*texts):
    rows = [{"fact_id": uuid5(SPACE, text), "text": text, "said_at": DAY} for text in texts]
    return [lines.of_fact(row, UTC_ZONE) for row in rows]


def summary_lines(*texts):
    return [
        lines.of_summary({"episode_ids": [str(uuid5(SPACE, text))], "text": text, "ended_at": DAY}, UTC_ZONE)
        for text in texts
    ]


def material(*, pinned=(), profile=(), summary=(), turns=(), found=(), outside=()):
    kept = Kept(
        zone=UTC_ZONE,
        pinned=fact_lines(*pinned),
        profile=fact_lines(*profile),
        summary=summary_lines(*summary),
    )
    return Material(kept=kept, turns=turns, session_id="chat", found=found, outside=outside)
