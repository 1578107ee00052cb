"""What an extraction call answers: candidates for facts, and one episode.

The same form for every extractor (an LLM or the offline rules), so that what follows does not know which it was.
The JSON schema of `Answer` is what the LLM is asked to fill in.
"""

from __future__ import annotations

from datetime import UTC, tzinfo

from pydantic import ValidationError

from afterturn.candidate import AnswerPart, Candidate, EpisodeDraft
from afterturn.errors import AnswerMalformed


class Answer(AnswerPart):
    """The whole answer to one extraction call."""

    facts: tuple[Candidate, ...] = ()
    episode: EpisodeDraft | None = None


def parse(text: str, zone: tzinfo = UTC) -> Answer:
    """Return the answer that `text` (JSON, perhaps inside a Markdown fence) holds. Raises AnswerMalformed.

    A date or a time without an offset is one in `zone`.
    """
    body = text.strip()
    if body.startswith("```"):
        body = body.removeprefix("```json").removeprefix("```").removesuffix("```").strip()
    try:
        return Answer.model_validate_json(body, context={"zone": zone})
    except ValidationError as error:
        kinds = sorted({problem["type"] for problem in error.errors(include_input=False, include_url=False)})
        raise AnswerMalformed(f"the answer does not fit the schema: {', '.join(kinds)}") from None
