"""The writer of threads: an LLM that says how several matters developed, each step with the facts that it rests on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from importlib import resources

from afterturn.errors import AnswerMalformed
from afterturn.llm.client import LLM
from afterturn.sleep import thread_answer
from afterturn.sleep.thread_answer import ThreadsAnswer

#: The name of the file with the instructions. It is part of the key of a stored answer. A changed prompt gets a new
#: version; threads that are written stay until their facts change.
PROMPT_VERSION = "threads-1"

#: Enough for eight threads of eight short steps. Too small: answers are truncated.
MAX_ANSWER_TOKENS = 2_400


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadsCompletion:
    """A valid answer, unparsed, and its tokens."""

    text: str
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0


class ThreadWriter:
    """Ask an LLM how matters developed."""

    prompt_version = PROMPT_VERSION

    def __init__(self, llm: LLM) -> None:
        self.model = llm.model
        self._llm = llm

    @cached_property
    def instructions(self) -> str:
        """The fixed part of the prompt."""
        file = resources.files("afterturn.sleep").joinpath("prompts", f"{self.prompt_version}.md")
        return file.read_text("utf-8")

    def write(self, question_text: str) -> ThreadsCompletion:
        """Call the LLM once and return its answer. Raises AnswerMalformed, ModelUnavailable or ModelRefused."""
        completion = self._llm.complete(
            system=self.instructions, user=question_text, schema=ThreadsAnswer, max_tokens=MAX_ANSWER_TOKENS
        )
        try:
            thread_answer.find_threads(completion.text)
        except AnswerMalformed as error:
            raise AnswerMalformed(
                str(error), prompt_tokens=completion.prompt_tokens, completion_tokens=completion.completion_tokens
            ) from None
        return ThreadsCompletion(
            text=completion.text,
            prompt_tokens=completion.prompt_tokens,
            completion_tokens=completion.completion_tokens,
            cached_tokens=completion.cached_tokens,
        )

    def expected_tokens(self, question_text: str) -> int:
        """Return the maximum number of tokens of the call."""
        return self._llm.expected_tokens(
            system=self.instructions, user=question_text, schema=ThreadsAnswer, max_tokens=MAX_ANSWER_TOKENS
        )
