"""The judge: an LLM that says which relations new statements have to known ones."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from importlib import resources

from afterturn import tokens
from afterturn.consolidation import judgement
from afterturn.consolidation.judgement import Judgement
from afterturn.errors import AnswerMalformed
from afterturn.llm import answer_text, json_schema
from afterturn.llm.client import LLM

#: The name of the file with the instructions. It is stored with each answer. A changed prompt gets a new version.
PROMPT_VERSION = "judge-2"
#: Versions of releases before. Their stored answers are still used.
EARLIER_PROMPT_VERSIONS = ("judge-1",)

#: Enough for a verdict on every candidate of a batch with many. Too small: answers are truncated.
MAX_ANSWER_TOKENS = 1_500


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedAnswer:
    """A valid answer, unparsed, and its tokens."""

    text: str
    #: How many pairs of it could not be read, and stay undecided.
    unreadable: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0


class Judge:
    """Ask an LLM about the pairs that rules cannot decide."""

    prompt_version = PROMPT_VERSION

    def __init__(self, llm: LLM) -> None:
        self.model = llm.model
        self._llm = llm

    @cached_property
    def instructions(self) -> str:
        """The fixed part of the prompt."""
        file = resources.files("afterturn.consolidation").joinpath("prompts", f"{self.prompt_version}.md")
        return file.read_text("utf-8")

    def judge(self, question_text: str) -> JudgedAnswer:
        """Call the LLM once and return its answer. Raises AnswerMalformed, ModelUnavailable or ModelRefused."""
        completion = self._llm.complete(
            system=self.instructions, user=question_text, schema=Judgement, max_tokens=MAX_ANSWER_TOKENS
        )
        try:
            unreadable = judgement.parse_judgement(completion.text).unreadable
        except AnswerMalformed as error:
            raise AnswerMalformed(
                str(error), prompt_tokens=completion.prompt_tokens, completion_tokens=completion.completion_tokens
            ) from None
        return JudgedAnswer(
            text=completion.text,
            unreadable=unreadable,
            prompt_tokens=completion.prompt_tokens,
            completion_tokens=completion.completion_tokens,
            cached_tokens=completion.cached_tokens,
        )

    def prompt_tokens(self, question_text: str) -> int:
        """Return the estimated tokens of the prompt with a question: the fixed part counts in each call."""
        fixed = tokens.estimate(self.instructions) + tokens.estimate(answer_text.as_json(json_schema.strict(Judgement)))
        return fixed + tokens.estimate(question_text)

    def expected_tokens(self, question_text: str) -> int:
        """Return the maximum number of tokens of the call."""
        return self._llm.expected_tokens(
            system=self.instructions, user=question_text, schema=Judgement, max_tokens=MAX_ANSWER_TOKENS
        )
