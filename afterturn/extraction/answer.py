"""The answer to an extraction call: candidates for facts, and one episode.

All extractors (an LLM or the offline rules) answer in this form, so the later stages do not depend on the extractor.
The LLM is asked for JSON that fits the schema of `Answer`.
"""

from __future__ import annotations

from datetime import UTC, tzinfo

from pydantic.json_schema import SkipJsonSchema

from afterturn.candidate import AnswerPart, Candidate, EpisodeDraft
from afterturn.errors import AnswerMalformed
from afterturn.extraction import answer_reading
from afterturn.llm import answer_text


class Answer(AnswerPart):
    """The whole answer to one extraction call."""

    facts: tuple[Candidate, ...] = ()
    episode: EpisodeDraft | None = None
    #: Why other parts of the answer could not be read, one reason for each. It is not part of the schema.
    malformed: SkipJsonSchema[tuple[str, ...]] = ()


def parse(text: str, zone: tzinfo = UTC) -> Answer:
    """Parse an answer: a JSON object, with or without text around it. `malformed` has the reasons of unreadable parts.

    Dates and times without an offset are read in the timezone `zone`. Raises AnswerMalformed if it is no JSON, or if
    nothing can be read in it.
    """
    found = answer_text.find_object(text, Answer)
    if found is None:
        raise AnswerMalformed("the answer contains no JSON object of the form asked for")
    try:
        reading = answer_reading.read_answer(found, zone)
    except answer_reading.Unreadable as unreadable:
        raise AnswerMalformed(f"the answer does not fit the schema: {unreadable}") from None
    return Answer(facts=reading.facts, episode=reading.episode, malformed=reading.malformed)
