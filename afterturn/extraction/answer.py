"""The answer to an extraction call: candidates for facts, and one episode.

All extractors (an LLM or the offline rules) answer in this form, so the later stages do not depend on the extractor.
The LLM is asked for JSON that fits the schema of `Answer`.
"""

from __future__ import annotations

import json
from datetime import UTC, tzinfo
from math import inf

from pydantic.json_schema import SkipJsonSchema

from afterturn.candidate import AnswerPart, Candidate, EpisodeDraft
from afterturn.errors import AnswerMalformed
from afterturn.extraction import answer_reading


class Answer(AnswerPart):
    """The whole answer to one extraction call."""

    facts: tuple[Candidate, ...] = ()
    episode: EpisodeDraft | None = None
    #: Why other parts of the answer could not be read, one reason for each. It is not part of the schema.
    malformed: SkipJsonSchema[tuple[str, ...]] = ()


def parse(text: str, zone: tzinfo = UTC) -> Answer:
    """Parse an answer: JSON, perhaps inside a Markdown fence. What cannot be read of it is counted in `malformed`.

    Dates and times without an offset are read in the timezone `zone`. Raises AnswerMalformed if it is no JSON, or if
    nothing can be read in it.
    """
    body = text.strip()
    if body.startswith("```"):
        body = body.removeprefix("```json").removeprefix("```").removesuffix("```").strip()
    try:
        reading = answer_reading.read_answer(json.loads(body, parse_int=_parse_int), zone)
    except (ValueError, RecursionError):
        raise AnswerMalformed("the answer is not JSON") from None
    except answer_reading.Unreadable as unreadable:
        raise AnswerMalformed(f"the answer does not fit the schema: {unreadable}") from None
    return Answer(facts=reading.facts, episode=reading.episode, malformed=reading.malformed)


def _parse_int(digits: str) -> float:
    """Parse an integer; one of hundreds of digits means nothing here, and is slow to convert."""
    return int(digits) if len(digits) < 20 else inf
