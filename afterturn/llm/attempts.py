"""The attempts of one call: which dialect and which limit each has, and what all of them cost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TypeVar

from afterturn.endpoints import failures
from afterturn.endpoints.endpoint import CallFailed, ModelEndpoint
from afterturn.endpoints.failures import Failure
from afterturn.endpoints.learned import Memory
from afterturn.errors import AnswerTruncated, ModelError, ModelRefused
from afterturn.llm import answer_text, ladder
from afterturn.llm.completion import SETTING_NAMES, Completion
from afterturn.llm.dialects import Dialect

#: With a lower limit, answers are truncated so often that a smaller input is the better choice.
FEWEST_ANSWER_TOKENS = 1_024

Refused = TypeVar("Refused", bound=ModelRefused)


class Attempts:
    """The attempts of one call. The first has the dialect that is remembered for the endpoint."""

    def __init__(
        self, memory: Memory[Dialect], endpoint: ModelEndpoint, max_tokens: int, *, is_stream: bool = False
    ) -> None:
        """Begin a call.

        Args:
            memory: what is known of the endpoint.
            endpoint: the endpoint, which may have several URLs to try.
            max_tokens: the limit of the answer of a model that does not think.
            is_stream: whether the answer is streamed, without structured output.
        """
        self._memory = memory
        self._endpoint = endpoint
        self._learned = memory.read()
        self.dialect = self._learned.form
        self.max_tokens = max_tokens
        self._tried = {self.dialect}
        self._next = ladder.next_stream_dialect if is_stream else ladder.next_dialect
        self._simpler: Callable[[Dialect], Iterator[Dialect]] = (
            ladder.simpler_stream_dialects if is_stream else ladder.simpler_dialects
        )
        self._walk: Iterator[Dialect] | None = None
        self._prompt_tokens = 0
        self._completion_tokens = 0

    def step_down(self, error: CallFailed, *, has_begun: bool = False) -> None:
        """Choose the next attempt after a failed call. Raises the error of the failure if no attempt is left.

        Args:
            error: the failure.
            has_begun: whether a part of the answer has already been used.
        """
        failure = error.failure
        if has_begun:
            raise self._error(failure) from None
        if self._endpoint.change_url(error) or self._shorten(failure):
            return
        other = self._next(self.dialect, failure, sent_tokens=self.dialect.limit(self.max_tokens))
        if other is None or other in self._tried:
            other = self._next_of_walk(failure)
        if other is None:
            raise self._error(failure) from None
        self._try(other)

    def raise_limit(self, error: AnswerTruncated) -> None:
        """Choose a longer limit after a truncated answer. Raises the error, with all costs, if there is none."""
        self._spend(error.prompt_tokens, error.completion_tokens)
        longer = ladder.with_longer_limit(self.dialect, self.max_tokens)
        if longer is None or longer in self._tried:
            # The endpoint accepts the form. Smaller parts of the input begin with the longest limit.
            self._memory.write(self.dialect, "proven")
            raise self._with_costs(error)
        self._try(longer)

    def try_without_mode(self, answer: Completion) -> bool:
        """Switch to the prompt without a schema after an answer without an object. Return whether to try it.

        Some endpoints ignore a mode that they do not know. One that has given an object in this mode, or the beginning
        of one, does not.
        """
        if self._learned.state is not None or answer_text.is_cut_off(answer.text):
            return False
        if self.dialect.mode == "prompt":
            self._memory.write(self._learned.form, "nothing works")
            return False
        self._spend(answer.prompt_tokens, answer.completion_tokens)
        self._try(replace(self.dialect, mode="prompt"))
        return True

    def accept(self) -> None:
        """Remember that the endpoint answers in the present dialect."""
        self._memory.unexplained = 0
        if not self._learned.is_proven or self._learned.form != self.dialect:
            self._memory.write(self.dialect, "proven")

    def with_total_cost(self, answer: Completion) -> Completion:
        """Return the answer with the cost of all attempts."""
        self._spend(answer.prompt_tokens, answer.completion_tokens)
        return replace(answer, prompt_tokens=self._prompt_tokens, completion_tokens=self._completion_tokens)

    def with_all_costs(self, error: Refused) -> Refused:
        """Return the error with the cost of all attempts."""
        self._spend(error.prompt_tokens, error.completion_tokens)
        return self._with_costs(error)

    def _with_costs(self, error: Refused) -> Refused:
        error.prompt_tokens, error.completion_tokens = self._prompt_tokens, self._completion_tokens
        return error

    def _spend(self, prompt_tokens: int, completion_tokens: int) -> None:
        self._prompt_tokens += prompt_tokens
        self._completion_tokens += completion_tokens

    def _try(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self._tried.add(dialect)

    def _shorten(self, failure: Failure) -> bool:
        """Choose a shorter limit if the input is too long: some servers count the limit as a part of the context."""
        if not failure.is_about_length:
            return False
        sent = self.dialect.limit(self.max_tokens)
        if sent > self.max_tokens:
            self._try(replace(self.dialect, most_tokens=max(sent // 2, self.max_tokens)))
            return True
        if sent <= FEWEST_ANSWER_TOKENS:
            return False
        self.max_tokens = FEWEST_ANSWER_TOKENS
        self.dialect = replace(self.dialect, limit_factor=1)
        return True

    def _next_of_walk(self, failure: Failure) -> Dialect | None:
        """Return the next of all simpler dialects after a refusal without a cause; None if it is about the input."""
        if self._walk is None:
            if not ladder.is_unexplained(failure) or not self._memory.may_walk(self._learned):
                return None
            self._walk = self._simpler(self.dialect)
        other = next((each for each in self._walk if each not in self._tried), None)
        if other is None:
            self._memory.write(self._learned.form, "nothing works")
        return other

    def _error(self, failure: Failure) -> ModelError:
        error = failures.error_for(failure, SETTING_NAMES)
        return self._with_costs(error) if isinstance(error, ModelRefused) else error
