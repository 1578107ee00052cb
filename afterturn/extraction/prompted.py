"""Extraction by an LLM: one call per batch.

The prompt starts with the instructions, which never change, so that providers can cache them. The batch follows as
data (`turn_lines.py`): long answers and pasted text are shown in excerpts.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from datetime import tzinfo
from functools import lru_cache
from importlib import resources

from afterturn import categories as categories_module
from afterturn.extraction import timezones, turn_lines
from afterturn.extraction.answer_form import AnswerForm
from afterturn.extraction.extractor import ExtractionRequest, KnownStatement, RawAnswer
from afterturn.llm.client import LLM

#: The name of the file of the instructions. It is stored with each answer. A changed prompt gets a new version.
PROMPT_VERSION = "extract-4"
#: Earlier versions whose stored answers are still used: an answer is not paid for twice because of an upgrade.
EARLIER_VERSIONS = ("extract-3",)

#: The maximum length of a known statement.
KNOWN_CHARACTERS = 300
_CUT = " [cut]"


class PromptedExtractor:
    """Extracts the facts of a batch with an LLM."""

    prompt_version = PROMPT_VERSION
    earlier_versions: Sequence[str] = EARLIER_VERSIONS
    uses_known = True

    def __init__(
        self,
        llm: LLM,
        *,
        categories: Sequence[str] = (*categories_module.DEFAULT, categories_module.OTHER),
        max_answer_tokens: int | None = None,
    ) -> None:
        self.model = llm.model
        self._instructions = instructions(tuple(categories))
        self._llm = llm
        # The answer to a batch of 2,000 tokens takes 500 to 1,500 tokens. Only those are paid for.
        self._max_answer_tokens = max_answer_tokens or llm.answer_tokens
        #: The text of the request whose expected tokens this thread was asked for; its call comes next.
        self._expected = threading.local()

    def extract(self, request: ExtractionRequest) -> RawAnswer:
        """Return the LLM's answer for one batch. Raises ModelUnavailable, ModelRefused or AnswerTruncated."""
        completion = self._llm.complete(
            system=self._instructions,
            user=self._take_text(request),
            schema=AnswerForm,
            max_tokens=self._max_answer_tokens,
        )
        return RawAnswer(
            text=completion.text,
            prompt_version=self.prompt_version,
            model=self.model,
            prompt_tokens=completion.prompt_tokens,
            completion_tokens=completion.completion_tokens,
            cached_tokens=completion.cached_tokens,
        )

    def expected_tokens(self, request: ExtractionRequest) -> int:
        """Return the most tokens that the call for one batch may use."""
        text = format_request(request)
        self._expected.request, self._expected.text = request, text
        return self._llm.expected_tokens(
            system=self._instructions,
            user=text,
            schema=AnswerForm,
            max_tokens=self._max_answer_tokens,
        )

    def _take_text(self, request: ExtractionRequest) -> str:
        """Return the text of a request, and keep it no longer."""
        expected = getattr(self._expected, "request", None)
        text: str = self._expected.text if expected is request else format_request(request)
        self._expected.request = self._expected.text = None
        return text


@lru_cache(maxsize=8)
def instructions(categories: tuple[str, ...] = (*categories_module.DEFAULT, categories_module.OTHER)) -> str:
    """Return the fixed part of the prompt, which is the same for every call with these categories."""
    path = resources.files("afterturn.extraction").joinpath("prompts", f"{PROMPT_VERSION}.md")
    listed = f"{', '.join(categories[:-1])} or {categories[-1]}"
    return path.read_text("utf-8").replace("{categories}", listed)


def format_request(request: ExtractionRequest) -> str:
    """Return the variable part of the prompt: user, timezone, context and numbered turns with their days."""
    zone = timezones.timezone_of(request.timezone)
    return "\n".join(_lines(request, zone))


def _lines(request: ExtractionRequest, zone: tzinfo) -> Iterator[str]:
    yield f"User: {turn_lines.on_one_line(request.user_name) if request.user_name else 'not named'}"
    yield f"Timezone: {zone}"
    if request.known:
        yield ""
        yield "Known:"
        yield from _known_lines(request.known)
    if request.context:
        yield ""
        yield "Context (extract nothing from it):"
        yield from turn_lines.context_lines(request, zone)
    yield ""
    yield "Turns:"
    yield from turn_lines.turn_lines(request, zone)
    if request.problem:
        yield ""
        yield f"An earlier answer could not be used: {request.problem}. Answer again, in the form asked for."


def _known_lines(known: Sequence[KnownStatement]) -> Iterator[str]:
    """Yield one line per statement, with the day on which it was said if that differs from the line before."""
    day = None
    for number, statement in enumerate(known, start=1):
        dated = "" if statement.said_on == day else f" ({statement.said_on.isoformat()})"
        day = statement.said_on
        text = statement.text
        if len(text) > KNOWN_CHARACTERS:
            text = text[:KNOWN_CHARACTERS].rstrip() + _CUT
        yield f"K{number}{dated}: {turn_lines.on_one_line(text)}"
