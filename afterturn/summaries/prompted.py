"""A digest written by an LLM, whose statements name what they rest on."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files

from pydantic import BaseModel, Field, ValidationError

from afterturn.errors import AnswerMalformed
from afterturn.llm.client import LLM
from afterturn.summaries.summarizer import STATEMENTS_LIMIT, DigestDraft
from afterturn.summaries.summary import SummaryStatement
from afterturn.turns import make_storable

#: Room for six statements of 40 words and the JSON around them.
_ANSWER_TOKENS = 800


class SummarizedStatement(BaseModel):
    """One statement of the LLM's answer."""

    text: str = Field(description="One sentence that stands alone.")
    entries: list[int] = Field(description="Numbers of the entries that it rests on, as shown after the E.")


class SummaryAnswer(BaseModel):
    """The form of the LLM's answer."""

    statements: list[SummarizedStatement] = Field(description="The most important one first.")


class PromptedSummarizer:
    """Asks an LLM to say in few statements what was said in many."""

    prompt_version = "summarize-2"

    def __init__(self, llm: LLM) -> None:
        self._llm = llm
        self.model = llm.model
        self._prompt = (
            files("afterturn.summaries").joinpath("prompts", f"{self.prompt_version}.md").read_text(encoding="utf-8")
        )

    def summarize(self, sources: Sequence[SummaryStatement]) -> DigestDraft:
        """Return the digest of these statements; one call. Raises ModelUnavailable or ModelRefused."""
        completion = self._llm.complete(
            system=self._prompt, user=shown(sources), schema=SummaryAnswer, max_tokens=_ANSWER_TOKENS
        )
        spent = {"prompt_tokens": completion.prompt_tokens, "completion_tokens": completion.completion_tokens}
        try:
            said = SummaryAnswer.model_validate_json(completion.text).statements
        except ValidationError:
            # Not chained: the validator's error repeats what was said.
            raise AnswerMalformed("the summary does not fit the schema", **spent) from None
        traced = [statement for statement in (_traced(one, sources) for one in said) if statement is not None]
        if not traced:
            raise AnswerMalformed("no statement of the summary names what it rests on", **spent)
        return DigestDraft(
            statements=tuple(traced[:STATEMENTS_LIMIT]),
            prompt_version=self.prompt_version,
            model=self.model,
            dropped=len(said) - len(traced),
            cached_tokens=completion.cached_tokens,
            **spent,
        )

    def expected_tokens(self, sources: Sequence[SummaryStatement]) -> int:
        """Return the most tokens that the call may take."""
        return self._llm.expected_tokens(
            system=self._prompt, user=shown(sources), schema=SummaryAnswer, max_tokens=_ANSWER_TOKENS
        )


def shown(sources: Sequence[SummaryStatement]) -> str:
    """Return the variable part of the prompt: the entries, numbered, each on one line."""
    return "\n".join(f"E{number}: {' '.join(source.text.split())}" for number, source in enumerate(sources, start=1))


def _traced(said: SummarizedStatement, sources: Sequence[SummaryStatement]) -> SummaryStatement | None:
    """Return the statement with the episodes behind the entries that it names; None where it names none there is."""
    named = sorted({number for number in said.entries if 1 <= number <= len(sources)})
    episode_ids = dict.fromkeys(episode_id for number in named for episode_id in sources[number - 1].episode_ids)
    text = " ".join(make_storable(said.text).split())
    return SummaryStatement(text=text, episode_ids=tuple(episode_ids)) if text and episode_ids else None
