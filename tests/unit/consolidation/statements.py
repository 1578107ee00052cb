"""Short functions that make candidates and facts."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid5

from afterturn.candidate import Candidate, Quote
from afterturn.consolidation.decisions import KnownFact
from afterturn.extraction.verification import VerifiedCandidate

_NAMESPACE = UUID(int=1)


def at(day: int) -> datetime:
    return datetime(2026, 1, day, tzinfo=UTC)


def fact_id(text: str, day: int) -> UUID:
    return uuid5(_NAMESPACE, f"{text}/{day}")


def candidate(
    text: str, day: int, *, subject: str | None = "Ana", origin: str = "extracted", **fields: Any
) -> VerifiedCandidate:
    """Return a candidate that was said on a day of January."""
    return VerifiedCandidate(
        fact_id=fact_id(text, day),
        content=Candidate(text=text, subject=subject, evidence=(Quote(turn=1, quote=text),), **fields),
        evidence=((day, text),),
        said_at=at(day),
        origin=origin,
    )


def known(text: str, day: int, *, subject: str | None = "Ana", **fields: Any) -> KnownFact:
    """Return a fact that was said on a day of January; current by default."""
    defaults: dict[str, Any] = {"attribute": None, "value": None}
    return KnownFact(fact_id=fact_id(text, day), text=text, subject=subject, said_at=at(day), **defaults | fields)


def lives(city: str, day: int, **fields: Any) -> VerifiedCandidate:
    return candidate(f"Ana lives in {city}.", day, attribute="lives_in", value=city, **fields)


def lived(city: str, day: int, **fields: Any) -> KnownFact:
    return known(f"Ana lives in {city}.", day, attribute="lives_in", value=city, **fields)
