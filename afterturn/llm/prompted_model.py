"""A model that is asked with a fixed prompt, and whose answers are read before they are used."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from typing import ClassVar

from pydantic import BaseModel

from afterturn import tokens
from afterturn.errors import AnswerMalformed
from afterturn.llm import answer_text, json_schema
from afterturn.llm.client import LLM


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidAnswer:
    """A valid answer, unparsed, and its tokens."""

    text: str
    #: How many parts of it could not be read. They are left out.
    unreadable: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0


class PromptedModel:
    """Ask an LLM questions with one fixed prompt."""

    #: The package whose folder `prompts` contains the instructions, in the file `<prompt_version>.md`.
    package: ClassVar[str]
    #: It is stored with each answer, or is part of its key.
    prompt_version: ClassVar[str]
    #: The form of the answer.
    schema: ClassVar[type[BaseModel]]
    max_answer_tokens: ClassVar[int]

    def __init__(self, llm: LLM) -> None:
        self.model = llm.model
        self._llm = llm

    @cached_property
    def instructions(self) -> str:
        """The fixed part of the prompt."""
        return resources.files(self.package).joinpath("prompts", f"{self.prompt_version}.md").read_text("utf-8")

    def ask(self, question_text: str) -> ValidAnswer:
        """Call the LLM once and return its answer. Raises AnswerMalformed, ModelUnavailable or ModelRefused."""
        completion = self._llm.complete(
            system=self.instructions, user=question_text, schema=self.schema, max_tokens=self.max_answer_tokens
        )
        try:
            unreadable = self.check_answer(completion.text)
        except AnswerMalformed as error:
            raise AnswerMalformed(
                str(error), prompt_tokens=completion.prompt_tokens, completion_tokens=completion.completion_tokens
            ) from None
        return ValidAnswer(
            text=completion.text,
            unreadable=unreadable,
            prompt_tokens=completion.prompt_tokens,
            completion_tokens=completion.completion_tokens,
            cached_tokens=completion.cached_tokens,
        )

    def check_answer(self, text: str) -> int:
        """Return how many parts of an answer cannot be read. Raises AnswerMalformed if it is not valid at all."""
        raise NotImplementedError

    def prompt_tokens(self, question_text: str) -> int:
        """Return the estimated tokens of the prompt with a question: the fixed part counts in each call."""
        form = answer_text.as_json(json_schema.strict(self.schema))
        return tokens.estimate(self.instructions) + tokens.estimate(form) + tokens.estimate(question_text)

    def expected_tokens(self, question_text: str) -> int:
        """Return the maximum number of tokens of the call."""
        return self._llm.expected_tokens(
            system=self.instructions, user=question_text, schema=self.schema, max_tokens=self.max_answer_tokens
        )
