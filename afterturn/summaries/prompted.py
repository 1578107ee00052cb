"""Make digests with an LLM, whose statements name the entries that they are made from."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from importlib.resources import files

from pydantic import BaseModel, Field

from afterturn.errors import AnswerMalformed
from afterturn.llm import answer_text
from afterturn.llm.client import LLM
from afterturn.redaction import credentials
from afterturn.summaries.summarizer import STATEMENTS_LIMIT, DigestDraft
from afterturn.summaries.summary import SummaryStatement
from afterturn.turns import make_storable

#: Enough for six statements of 40 words and the JSON around them.
_MAX_ANSWER_TOKENS = 800

#: A longer statement is cut. A digest has six of them, and the next digest is made from eight digests.
STATEMENT_LIMIT_CHARACTERS = 2_000

_NUMBER = re.compile(r"\d{1,6}")


class SummarizedStatement(BaseModel):
    """One statement of the LLM's answer."""

    text: str = Field(description="One sentence that stands alone.")
    entries: list[int] = Field(description="Numbers of the entries that it rests on, as shown after the E.")


class SummaryAnswer(BaseModel):
    """The form of the LLM's answer."""

    statements: list[SummarizedStatement] = Field(description="The most important one first.")


class PromptedSummarizer:
    """Lets an LLM condense many statements into few."""

    prompt_version = "summarize-3"

    def __init__(self, llm: LLM) -> None:
        self._llm = llm
        self.model = llm.model
        self._prompt = (
            files("afterturn.summaries").joinpath("prompts", f"{self.prompt_version}.md").read_text(encoding="utf-8")
        )

    def summarize(self, sources: Sequence[SummaryStatement]) -> DigestDraft:
        """Return the digest of these statements; one LLM call. Raises ModelUnavailable or ModelRefused."""
        completion = self._llm.complete(
            system=self._prompt, user=format_sources(sources), schema=SummaryAnswer, max_tokens=_MAX_ANSWER_TOKENS
        )
        usage = {"prompt_tokens": completion.prompt_tokens, "completion_tokens": completion.completion_tokens}
        answered = _find_statements(answer_text.find_object(completion.text, SummaryAnswer))
        if answered is None:
            raise AnswerMalformed("the summary does not fit the schema", **usage)
        resolved = [_resolve_entries(statement, sources) for statement in answered]
        statements = [statement for statement in resolved if statement is not None]
        if not statements:
            raise AnswerMalformed("no statement of the summary names an entry", **usage)
        return DigestDraft(
            statements=tuple(statements[:STATEMENTS_LIMIT]),
            prompt_version=self.prompt_version,
            model=self.model,
            dropped=len(answered) - len(statements),
            cached_tokens=completion.cached_tokens,
            **usage,
        )

    def expected_tokens(self, sources: Sequence[SummaryStatement]) -> int:
        """Return an upper bound of the tokens of the call."""
        return self._llm.expected_tokens(
            system=self._prompt, user=format_sources(sources), schema=SummaryAnswer, max_tokens=_MAX_ANSWER_TOKENS
        )


def format_sources(sources: Sequence[SummaryStatement]) -> str:
    """Return the variable part of the prompt: the numbered entries, one per line."""
    return "\n".join(f"E{number}: {' '.join(source.text.split())}" for number, source in enumerate(sources, start=1))


def _find_statements(data: object) -> list[object] | None:
    """Return the statements of an answer, as they are; None if it has no place for them."""
    if isinstance(data, dict):
        data = data.get("statements", data)
        data = [data] if isinstance(data, dict) and "text" in data else data
    return data if isinstance(data, list) else None


def _resolve_entries(statement: object, sources: Sequence[SummaryStatement]) -> SummaryStatement | None:
    """Return the statement with the episodes of the entries that it names; None where it names no existing entry."""
    if not isinstance(statement, dict) or not isinstance(statement.get("text"), str):
        return None
    numbers = sorted({number for number in _entry_numbers(statement.get("entries")) if 1 <= number <= len(sources)})
    episode_ids = dict.fromkeys(episode_id for number in numbers for episode_id in sources[number - 1].episode_ids)
    text = credentials.redact(" ".join(make_storable(statement["text"]).split()))[:STATEMENT_LIMIT_CHARACTERS]
    return SummaryStatement(text=text, episode_ids=tuple(episode_ids)) if text and episode_ids else None


def _entry_numbers(value: object) -> Iterator[int]:
    """Yield the numbers in [1, "2", "E3", "[4]"], or in one string with several."""
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, str):
            yield from (int(number) for number in _NUMBER.findall(item))
        elif isinstance(item, int | float) and not isinstance(item, bool) and 0 < item < 1_000_000:
            yield int(item)
