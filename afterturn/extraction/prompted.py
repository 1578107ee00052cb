"""Extraction by an LLM: one call per batch.

The prompt starts with the instructions, which never change, so that providers can cache them. The batch follows as
data. Each message takes exactly one line, so that no content can imitate another turn.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import tzinfo
from functools import lru_cache
from importlib import resources

from afterturn import categories as categories_module
from afterturn.chat_messages import ROLES
from afterturn.extraction import timezones
from afterturn.extraction.answer_form import AnswerForm
from afterturn.extraction.extractor import ExtractionRequest, KnownStatement, RawAnswer
from afterturn.llm.client import LLM
from afterturn.turns import Turn

#: The name of the file of the instructions. It is stored with each answer. A changed prompt gets a new version.
PROMPT_VERSION = "extract-4"
#: Earlier versions whose stored answers are still used: an answer is not paid for twice because of an upgrade.
EARLIER_VERSIONS = ("extract-3",)

#: The maximum length of a message of the context. The beginning of a message shows its topic.
CONTEXT_CHARACTERS = 400
#: The maximum length of a known statement.
KNOWN_CHARACTERS = 300
_CUT = " [cut]"

#: All characters that end a line for some reader.
_LINE_BREAK = re.compile("\r\n|[\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")

#: The characters that separate the speaker from number, time and content.
_SEPARATORS = re.compile(r"[\[\]():]")

_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


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

    def extract(self, request: ExtractionRequest) -> RawAnswer:
        """Return the LLM's answer for one batch. Raises ModelUnavailable, ModelRefused or AnswerTruncated."""
        completion = self._llm.complete(
            system=self._instructions,
            user=format_request(request),
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
        return self._llm.expected_tokens(
            system=self._instructions,
            user=format_request(request),
            schema=AnswerForm,
            max_tokens=self._max_answer_tokens,
        )


@lru_cache(maxsize=8)
def instructions(categories: tuple[str, ...] = (*categories_module.DEFAULT, categories_module.OTHER)) -> str:
    """Return the fixed part of the prompt, which is the same for every call with these categories."""
    path = resources.files("afterturn.extraction").joinpath("prompts", f"{PROMPT_VERSION}.md")
    listed = f"{', '.join(categories[:-1])} or {categories[-1]}"
    return path.read_text("utf-8").replace("{categories}", listed)


def format_request(request: ExtractionRequest) -> str:
    """Return the variable part of the prompt: user, timezone, dates, context and numbered turns."""
    zone = timezones.timezone_of(request.timezone)
    return "\n".join(_lines(request, zone))


def _lines(request: ExtractionRequest, zone: tzinfo) -> Iterator[str]:
    yield f"User: {_on_one_line(request.user_name) if request.user_name else 'not named'}"
    yield f"Timezone: {zone}"
    yield f"Dates: {', '.join(_dates([*request.context, *request.turns], zone))}"
    if request.known:
        yield ""
        yield "Known:"
        yield from _known_lines(request.known)
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


def _known_lines(known: Sequence[KnownStatement]) -> Iterator[str]:
    """Yield one line per statement, with the day on which it was said if that differs from the line before."""
    day = None
    for number, statement in enumerate(known, start=1):
        dated = "" if statement.said_on == day else f" ({statement.said_on.isoformat()})"
        day = statement.said_on
        text = statement.text
        if len(text) > KNOWN_CHARACTERS:
            text = text[:KNOWN_CHARACTERS].rstrip() + _CUT
        yield f"K{number}{dated}: {_on_one_line(text)}"


def _message(turn: Turn, zone: tzinfo, max_characters: int | None = None) -> str:
    time = turn.occurred_at.astimezone(zone).isoformat(timespec="seconds")
    content = turn.content
    if max_characters is not None and len(content) > max_characters:
        content = content[:max_characters].rstrip() + _CUT
    return f"{_speaker(turn)} ({time}): {_on_one_line(content)}"


def _speaker(turn: Turn) -> str:
    """Return the name of the speaker, cleaned so that it cannot imitate a number, a time or another role."""
    name = " ".join(_SEPARATORS.sub(" ", _on_one_line(turn.name or "")).split())
    return name if name and name.casefold() not in ROLES else turn.role


def _on_one_line(text: str) -> str:
    return _LINE_BREAK.sub(r"\\n", text)


def _dates(turns: Sequence[Turn], zone: tzinfo) -> Iterator[str]:
    """Yield each date with its weekday, because models calculate with dates better than they know weekdays."""
    dates = {turn.occurred_at.astimezone(zone).date() for turn in turns}
    return (f"{date.isoformat()} {_WEEKDAYS[date.weekday()]}" for date in sorted(dates))
