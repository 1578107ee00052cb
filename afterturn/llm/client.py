"""The LLM client: one request, one answer with structured output.

Endpoints differ in how they support structured output. The client first requests a JSON schema; if the endpoint rejects
that, a tool call; then JSON mode; then the prompt alone. It remembers what the endpoint accepts.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Generator, Mapping, Sequence
from contextlib import aclosing, closing
from typing import Any, Self

from pydantic import BaseModel

from afterturn import tokens
from afterturn.endpoints import failures
from afterturn.endpoints.endpoint import OPENAI_BASE_URL, CallFailed, ModelEndpoint
from afterturn.endpoints.failures import Failure
from afterturn.llm import completion, dialects, json_schema
from afterturn.llm.completion import SETTING_NAMES, Completion
from afterturn.llm.dialects import Dialect
from afterturn.llm.streaming import StreamedAnswer, StreamEnd
from afterturn.settings import Settings

#: With a lower limit, answers are truncated so often that a smaller input is the better choice.
FEWEST_ANSWER_TOKENS = 1_024


class LLM:
    """A chat model behind an OpenAI-compatible endpoint. Threads may share it."""

    def __init__(
        self, *, model: str, base_url: str | None = None, api_key: str | None = None, timeout_seconds: float = 60.0
    ) -> None:
        self.model = model
        self._endpoint = ModelEndpoint(
            base_url=base_url, api_key=api_key, timeout_seconds=timeout_seconds, names=SETTING_NAMES
        )
        # Two threads may change it at the same time; both then set the same value.
        self._dialect = Dialect(tokens="max_completion_tokens" if base_url in (None, OPENAI_BASE_URL) else "max_tokens")

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """Return the LLM of the settings without opening a connection. Raises SettingsError when they name none."""
        key = settings.llm_api_key
        return cls(
            model=settings.llm_model,
            base_url=settings.llm_base_url,
            api_key=None if key is None else key.get_secret_value(),
            timeout_seconds=settings.llm_timeout_seconds,
        )

    def complete(self, *, system: str, user: str, schema: type[BaseModel], max_tokens: int) -> Completion:
        """Return an answer in the form of `schema`. Its text may still not fit the schema.

        Raises ModelUnavailable, ModelRefused (InputTooLong where a smaller input may do) or AnswerTruncated.
        """
        form = json_schema.strict(schema)
        dialect = self._dialect
        while True:
            body = dialect.body(
                model=self.model, system=system, user=user, name=schema.__name__, form=form, max_tokens=max_tokens
            )
            try:
                answer = self._endpoint.post("chat", body)
            except CallFailed as error:
                dialect, max_tokens = _next_attempt(dialects.simpler, dialect, max_tokens, error.failure)
                continue
            self._dialect = dialect
            return completion.read_completion(answer, self.model)

    def stream(
        self, messages: Sequence[Mapping[str, Any]], *, max_tokens: int
    ) -> Generator[str | StreamEnd, None, None]:
        """Yield the text of an answer to a conversation piece by piece, and at the end a StreamEnd with the cost.

        Closing the generator early ends the connection. The cost is then unknown; the reserved tokens count.

        Raises the errors of `complete`, also after some of the text. A truncated answer is no error.
        """
        dialect = known = self._dialect
        while True:
            answer = StreamedAnswer(self.model, messages)
            body = dialect.stream_body(model=self.model, messages=messages, max_tokens=max_tokens)
            try:
                with closing(self._endpoint.stream(body)) as events:
                    for event in events:
                        yield from answer.add(event)
            except CallFailed as error:
                dialect, max_tokens = _next_stream_attempt(answer, dialect, max_tokens, error.failure)
                continue
            if dialect is not known:
                self._dialect = dialect
            yield answer.end()
            return

    async def stream_async(
        self, messages: Sequence[Mapping[str, Any]], *, max_tokens: int
    ) -> AsyncGenerator[str | StreamEnd, None]:
        """Do the same as `stream` for asyncio. Use `contextlib.aclosing` to be able to stop before the end."""
        dialect = known = self._dialect
        while True:
            answer = StreamedAnswer(self.model, messages)
            body = dialect.stream_body(model=self.model, messages=messages, max_tokens=max_tokens)
            try:
                async with aclosing(self._endpoint.stream_async(body)) as events:
                    async for event in events:
                        for piece in answer.add(event):
                            yield piece
            except CallFailed as error:
                dialect, max_tokens = _next_stream_attempt(answer, dialect, max_tokens, error.failure)
                continue
            if dialect is not known:
                self._dialect = dialect
            yield answer.end()
            return

    def expected_tokens(self, *, system: str, user: str, schema: type[BaseModel], max_tokens: int) -> int:
        """Return the most tokens that `complete` may use: the prompt, estimated, and the longest answer."""
        form = dialects.as_json(json_schema.strict(schema))
        return sum(map(tokens.estimate, (system, user, form))) + max_tokens

    def close(self) -> None:
        """Close the connections; the next call opens new ones."""
        self._endpoint.close()

    async def close_async(self) -> None:
        """Close the connections of the running event loop; the next streamed call opens new ones."""
        await self._endpoint.close_async()


def _next_stream_attempt(
    answer: StreamedAnswer, dialect: Dialect, max_tokens: int, failure: Failure
) -> tuple[Dialect, int]:
    if answer.has_begun:
        raise failures.error_for(failure, SETTING_NAMES) from None
    return _next_attempt(dialects.simpler_stream, dialect, max_tokens, failure)


def _next_attempt(
    simpler: Callable[[Dialect, Failure], Dialect | None], dialect: Dialect, max_tokens: int, failure: Failure
) -> tuple[Dialect, int]:
    """Return the dialect and the limit to try after a failure. Raises the error of the failure if there are none."""
    if failure.is_about_length and max_tokens > FEWEST_ANSWER_TOKENS:
        # Some servers count the limit of the answer as part of the context; a shorter answer may fit.
        return dialect, FEWEST_ANSWER_TOKENS
    other = simpler(dialect, failure)
    if other is None:
        raise failures.error_for(failure, SETTING_NAMES) from None
    return other, max_tokens
