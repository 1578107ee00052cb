"""Episodes and statements for the tests of summaries."""

from datetime import UTC, datetime, timedelta

from afterturn.summaries.summary import SummaryStatement
from afterturn.summaries.tree import Digest, SummaryEpisode


def episode(number: int, summary: str | None = None, title: str | None = None) -> SummaryEpisode:
    return SummaryEpisode(
        episode_id=f"e{number}",
        user_seq=number,
        title=f"Day {number}" if title is None else title,
        summary=f"Ana walked for {number} hours and then told the assistant about it." if summary is None else summary,
        started_at=datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=number),
    )


def statement(text: str, *numbers: int) -> SummaryStatement:
    return SummaryStatement(text=text, episode_ids=tuple(f"e{number}" for number in numbers))


def digest(level: int, first: int, last: int, *texts: str) -> Digest:
    statements = tuple(statement(text, first) for text in texts)
    return Digest(level=level, first_user_seq=first, last_user_seq=last, statements=statements)
