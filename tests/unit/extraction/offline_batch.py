"""Run the offline extractor on batches, for its tests."""

from __future__ import annotations

from datetime import UTC, datetime

from afterturn import turns
from afterturn.extraction import answer
from afterturn.extraction.answer import Answer
from afterturn.extraction.extractor import ExtractionRequest
from afterturn.extraction.offline import OfflineExtractor
from afterturn.turns import Turn

#: A Monday.
SPOKEN_AT = datetime(2023, 5, 8, 13, 56, tzinfo=UTC)


def turn(content: str, *, role: str = "user", name: str | None = None, at: datetime = SPOKEN_AT) -> Turn:
    """Return a turn with a content."""
    return turns.make_turn(role, content, limit_bytes=10_000_000, name=name, occurred_at=at)


def extract(*batch: Turn, user_name: str | None = "Ana", timezone: str = "UTC") -> Answer:
    """Return the answer for a batch, after checks that apply to every answer."""
    request = ExtractionRequest(turns=batch, user_name=user_name, timezone=timezone)
    parsed = answer.parse(OfflineExtractor().extract(request).text)
    for fact in parsed.facts:
        assert fact.evidence
        assert len(fact.topics) <= 3
        for quote in fact.evidence:
            assert quote.quote in batch[quote.turn - 1].content
    return parsed


def texts(*contents: str, user_name: str | None = "Ana") -> list[str]:
    """Return the texts of the facts of a batch of user turns."""
    return [fact.text for fact in extract(*map(turn, contents), user_name=user_name).facts]
