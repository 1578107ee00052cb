"""The answer to an extraction call: candidates for facts, and one episode.

All extractors (an LLM or the offline rules) answer in this form, so the later stages do not depend on the extractor.
The LLM is asked for JSON that fits the schema of `Answer`.
"""

from __future__ import annotations

from datetime import UTC, tzinfo

from pydantic import ValidationError

from afterturn.candidate import AnswerPart, Candidate, EpisodeDraft
from afterturn.errors import AnswerMalformed
from afterturn.llm import answer_text


class Answer(AnswerPart):
    """The whole answer to one extraction call."""

    facts: tuple[Candidate, ...] = ()
    episode: EpisodeDraft | None = None


def parse(text: str, zone: tzinfo = UTC) -> Answer:
    """Parse an answer: a JSON object, however the model wraps it. Raises AnswerMalformed.

    Dates and times without an offset are read in the timezone `zone`.
    """
    found = answer_text.find_object(text, Answer)
    if found is None:
        raise AnswerMalformed("the answer contains no JSON object of the form asked for")
    try:
        return Answer.model_validate(found, context={"zone": zone})
    except ValidationError as error:
        kinds = sorted({problem["type"] for problem in error.errors(include_input=False, include_url=False)})
        raise AnswerMalformed(f"the answer does not fit the schema: {', '.join(kinds)}") from None
