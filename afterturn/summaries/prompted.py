"""A summary written by an LLM."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files

from pydantic import BaseModel, Field, ValidationError

from afterturn.errors import AnswerMalformed
from afterturn.llm.client import LLM
from afterturn.summaries.summarizer import Episode, SummaryDraft
from afterturn.turns import storable

#: Room for 200 words and the JSON around them.
_ANSWER_TOKENS = 600


class SummaryAnswer(BaseModel):
    """The form of the LLM's answer."""

    summary: str = Field(min_length=1, description="The new summary of the whole conversation.")


class PromptedSummarizer:
    """Asks an LLM to fold new episodes into the summary."""

    prompt_version = "summarize-1"

    def __init__(self, llm: LLM) -> None:
        self._llm = llm
        self.model = llm.model
        self._prompt = (
            files("afterturn.summaries").joinpath("prompts", f"{self.prompt_version}.md").read_text(encoding="utf-8")
        )

    def summarize(self, previous: str | None, episodes: Sequence[Episode]) -> SummaryDraft:
        """Return the summary after these episodes; one call. Raises ModelUnavailable or ModelRefused."""
        completion = self._llm.complete(
            system=self._prompt, user=_shown(previous, episodes), schema=SummaryAnswer, max_tokens=_ANSWER_TOKENS
        )
        try:
            answer = SummaryAnswer.model_validate_json(completion.text)
        except ValidationError:
            # Not chained: the validator's error repeats what was said.
            raise AnswerMalformed(
                "the summary does not fit the schema",
                prompt_tokens=completion.prompt_tokens,
                completion_tokens=completion.completion_tokens,
            ) from None
        return SummaryDraft(
            text=storable(answer.summary),
            prompt_version=self.prompt_version,
            model=self.model,
            prompt_tokens=completion.prompt_tokens,
            completion_tokens=completion.completion_tokens,
        )


def _shown(previous: str | None, episodes: Sequence[Episode]) -> str:
    lines = ["Summary so far:", previous or "(none)", "", "Episodes since:"]
    lines += [
        f"- {episode.started_at:%Y-%m-%d} {' '.join(episode.title.split())}: {' '.join(episode.summary.split())}"
        for episode in episodes
    ]
    return "\n".join(lines)
