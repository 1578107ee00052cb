"""Extraction by an LLM: one call per batch.

The instructions stand first and never change, so that providers can cache them; the batch follows as data. A message
takes one line whatever it holds, so that no content can pass itself off as another turn.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import tzinfo
from functools import lru_cache
from importlib import resources

from afterturn import categories as categories_module
from afterturn.extraction import timezones
from afterturn.extraction.answer import Answer
from afterturn.extraction.extractor import ExtractionRequest, RawAnswer
from afterturn.llm.client import LLM
from afterturn.turns import ROLES, Turn

#: Names the file of the instructions, and is stored with each answer. A changed prompt gets a new version.
PROMPT_VERSION = "extract-2"

#: An answer of a 2,000-token batch takes 500 to 1,500. Too small, and dense batches are cut off; it is a limit, not
#: what is paid for.
MAX_ANSWER_TOKENS = 4_096

#: A message of the context is cut to this, in characters: what it was about shows in its beginning.
CONTEXT_CHARACTERS = 400
_CUT = " [cut]"

#: Everything that some reader takes for the end of a line.
_LINE_BREAK = re.compile("\r\n|[\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")

#: What sets the speaker off from number, time and content.
_ADDRESSING = re.compile(r"[\[\]():]")

_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


class PromptedExtractor:
    """Asks an LLM for the facts of a batch."""

    prompt_version = PROMPT_VERSION

    def __init__(
        self,
        llm: LLM,
        *,
        categories: Sequence[str] = (*categories_module.DEFAULT, categories_module.OTHER),
        max_answer_tokens: int = MAX_ANSWER_TOKENS,
    ) -> None:
        self.model = llm.model
        self._instructions = instructions(tuple(categories))
        self._llm = llm
        self._max_answer_tokens = max_answer_tokens

    def extract(self, request: ExtractionRequest) -> RawAnswer:
        """Return the LLM's answer for one batch. Raises ModelUnavailable, ModelRefused or AnswerTruncated."""
        completion = self._llm.complete(
            system=self._instructions, user=shown(request), schema=Answer, max_tokens=self._max_answer_tokens
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
        """Return the most tokens that the call for one batch may take."""
        return self._llm.expected_tokens(
            system=self._instructions, user=shown(request), schema=Answer, max_tokens=self._max_answer_tokens
        )


@lru_cache(maxsize=8)
def instructions(categories: tuple[str, ...] = (*categories_module.DEFAULT, categories_module.OTHER)) -> str:
    """Return the fixed part of the prompt: the same for every call with these categories."""
    path = resources.files("afterturn.extraction").joinpath("prompts", f"{PROMPT_VERSION}.md")
    listed = f"{', '.join(categories[:-1])} or {categories[-1]}"
    return path.read_text("utf-8").replace("{categories}", listed)


def shown(request: ExtractionRequest) -> str:
    """Return the variable part of the prompt: who and when, the context, and the numbered turns."""
    zone = timezones.of(request.timezone)
    return "\n".join(_lines(request, zone))


def _lines(request: ExtractionRequest, zone: tzinfo) -> Iterator[str]:
    yield f"User: {_on_one_line(request.user_name) if request.user_name else 'not named'}"
    yield f"Timezone: {zone}"
    yield f"Dates: {', '.join(_dates([*request.context, *request.turns], zone))}"
    if request.context:
        yield ""
        yield "Context (extract nothing from it):"
        for turn in (turn for turn in request.context if not turn.is_removed):
            yield f"- {_message(turn, zone, CONTEXT_CHARACTERS)}"
    yield ""
    yield "Turns:"
    for number, turn in enumerate(request.turns, start=1):
        yield f"[{number}] {'(taken back)' if turn.is_removed else _message(turn, zone)}"
    if request.problem:
        yield ""
        yield f"An earlier answer could not be used: {request.problem}. Answer again, in the form asked for."


def _message(turn: Turn, zone: tzinfo, longest: int | None = None) -> str:
    moment = turn.occurred_at.astimezone(zone).isoformat(timespec="seconds")
    content = turn.content
    if longest is not None and len(content) > longest:
        content = content[:longest].rstrip() + _CUT
    return f"{_speaker(turn)} ({moment}): {_on_one_line(content)}"


def _speaker(turn: Turn) -> str:
    """The speaker's name, in which nothing can pass for a number, a time or another role."""
    name = " ".join(_ADDRESSING.sub(" ", _on_one_line(turn.name or "")).split())
    return name if name and name.casefold() not in ROLES else turn.role


def _on_one_line(text: str) -> str:
    return _LINE_BREAK.sub(r"\\n", text)


def _dates(turns: Sequence[Turn], zone: tzinfo) -> Iterator[str]:
    """Name the weekday of each date: models count dates better than they know weekdays."""
    dates = {turn.occurred_at.astimezone(zone).date() for turn in turns}
    return (f"{date.isoformat()} {_WEEKDAYS[date.weekday()]}" for date in sorted(dates))
