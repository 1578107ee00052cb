"""The LLM client: one request, one answer with structured output.

Endpoints differ in what they accept. The client begins with the full form of request; if the endpoint refuses it, with
a simpler one (`ladder.py`). What worked is remembered for all workers (`endpoints/learned.py`).
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator, Mapping, Sequence
from contextlib import aclosing, closing
from dataclasses import dataclass, replace
from typing import Any, Self

import redis
from pydantic import BaseModel

from afterturn import tokens
from afterturn.endpoints.addresses import OPENAI_BASE_URL
from afterturn.endpoints.endpoint import CallFailed, ModelEndpoint
from afterturn.endpoints.learned import Memory
from afterturn.errors import AnswerTruncated, ModelRefused
from afterturn.llm import answer_text, completion, json_schema, streaming
from afterturn.llm.attempts import Attempts
from afterturn.llm.completion import SETTING_NAMES, Completion
from afterturn.llm.dialects import Dialect
from afterturn.llm.streaming import StreamedAnswer, StreamEnd
from afterturn.redaction import credentials
from afterturn.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class _Request:
    """One request for structured output."""

    system: str
    user: str
    schema: type[BaseModel]
    max_tokens: int


class LLM:
    """A chat model behind an OpenAI-compatible endpoint. Threads may share it."""

    def __init__(
        self,
        *,
        model: str,
        base_url: str | None = None,
        api_key: str | None = None,
        timeout_seconds: float = 60.0,
        answer_tokens: int = 4_096,
        extra_body: Mapping[str, Any] | None = None,
        client: redis.Redis | None = None,
    ) -> None:
        """Prepare it; no connection is opened.

        Args:
            model: the name of the model.
            base_url: the URL of the endpoint; None: OpenAI's own.
            api_key: the key, where the endpoint needs one.
            timeout_seconds: the longest time of a call.
            answer_tokens: the limit of the longest answers.
            extra_body: fields that are added to each request.
            client: the Redis in which workers share what they learn of the endpoint; None: each learns for itself.

        Raises SettingsError.
        """
        self.model = model
        #: The limit of the answer to an extraction, which is the longest one.
        self.answer_tokens = answer_tokens
        self._timeout_seconds = timeout_seconds
        self._endpoint = ModelEndpoint(
            base_url=base_url,
            api_key=api_key,
            timeout_seconds=timeout_seconds,
            names=SETTING_NAMES,
            model=model,
            extra_body=extra_body,
        )
        first = Dialect(tokens="max_completion_tokens" if base_url in (None, OPENAI_BASE_URL) else "max_tokens")
        identity = (base_url or "", model, answer_text.as_json(dict(extra_body or {})))
        self._memory = Memory(first, kind="llm", endpoint=identity, client=client)
        # A streamed answer has another form, and an event loop must not wait for Redis.
        self._stream_memory = Memory(first, kind="llm", endpoint=(*identity, "stream"))

    @classmethod
    def from_settings(cls, settings: Settings, *, client: redis.Redis | None = None) -> Self:
        """Return the LLM of the settings without opening a connection. Raises SettingsError when they name none.

        `client` is the Redis in which workers share what they learn of the endpoint.
        """
        key = settings.llm_api_key
        return cls(
            model=settings.llm_model,
            base_url=settings.llm_base_url,
            api_key=None if key is None else key.get_secret_value(),
            timeout_seconds=settings.llm_timeout_seconds,
            answer_tokens=settings.llm_answer_tokens,
            extra_body=settings.llm_extra_fields,
            client=client,
        )

    def complete(self, *, system: str, user: str, schema: type[BaseModel], max_tokens: int) -> Completion:
        """Return an answer in the form of `schema`. Its text may still not fit the schema.

        Secrets in `user` are redacted here as well: facts and episodes may be older than a rule that finds them.

        Raises ModelUnavailable, ModelRefused (InputTooLong where a smaller input may do) or AnswerTruncated.
        """
        request = _Request(system=system, user=credentials.redact(user), schema=schema, max_tokens=max_tokens)
        attempts = Attempts(self._memory, self._endpoint, max_tokens)
        while True:
            try:
                answer = completion.read_completion(self._ask(request, attempts), self.model)
            except CallFailed as error:
                attempts.step_down(error)
                continue
            except AnswerTruncated as error:
                attempts.raise_limit(error)
                continue
            except ModelRefused as error:
                raise attempts.with_all_costs(error) from None
            found = answer_text.find_object(answer.text, schema)
            if found is None and attempts.try_without_mode(answer):
                continue
            if found is not None:
                attempts.accept()
                answer = replace(answer, text=answer_text.tidied(answer.text, found))
            return attempts.with_total_cost(answer)

    def _ask(self, request: _Request, attempts: Attempts) -> Mapping[str, Any]:
        body = attempts.dialect.body(
            model=self.model,
            system=request.system,
            user=request.user,
            name=request.schema.__name__,
            form=json_schema.strict(request.schema),
            max_tokens=attempts.max_tokens,
        )
        if not attempts.dialect.is_streamed:
            return self._endpoint.post("chat", body)
        with closing(self._endpoint.stream(body)) as events:
            return streaming.gather(events, timeout_seconds=self._timeout_seconds)

    def stream(
        self, messages: Sequence[Mapping[str, Any]], *, max_tokens: int
    ) -> Generator[str | StreamEnd, None, None]:
        """Yield the text of an answer to a conversation piece by piece, and at the end a StreamEnd with the cost.

        Closing the generator early ends the connection. The cost is then unknown; the reserved tokens count.

        Raises the errors of `complete`, also after some of the text. A truncated answer is no error.
        """
        attempts = Attempts(self._stream_memory, self._endpoint, max_tokens, is_stream=True)
        while True:
            answer = StreamedAnswer(self.model, messages)
            try:
                with closing(self._endpoint.stream(self._stream_body(messages, attempts))) as events:
                    for event in events:
                        yield from answer.add(event)
            except CallFailed as error:
                attempts.step_down(error, has_begun=answer.has_begun)
                continue
            end = answer.end()
            attempts.accept()
            yield end
            return

    async def stream_async(
        self, messages: Sequence[Mapping[str, Any]], *, max_tokens: int
    ) -> AsyncGenerator[str | StreamEnd, None]:
        """Do the same as `stream` for asyncio. Use `contextlib.aclosing` to be able to stop before the end."""
        attempts = Attempts(self._stream_memory, self._endpoint, max_tokens, is_stream=True)
        while True:
            answer = StreamedAnswer(self.model, messages)
            try:
                async with aclosing(self._endpoint.stream_async(self._stream_body(messages, attempts))) as events:
                    async for event in events:
                        for piece in answer.add(event):
                            yield piece
            except CallFailed as error:
                attempts.step_down(error, has_begun=answer.has_begun)
                continue
            end = answer.end()
            attempts.accept()
            yield end
            return

    def _stream_body(self, messages: Sequence[Mapping[str, Any]], attempts: Attempts) -> dict[str, Any]:
        return attempts.dialect.stream_body(model=self.model, messages=messages, max_tokens=attempts.max_tokens)

    def expected_tokens(self, *, system: str, user: str, schema: type[BaseModel], max_tokens: int) -> int:
        """Return the most tokens that `complete` may use: the prompt, estimated, and the longest answer.

        An endpoint that is called for the first time, or whose answer reaches its limit, may use more.
        """
        form = answer_text.as_json(json_schema.strict(schema))
        prompt = sum(map(tokens.estimate, (system, user, form)))
        return prompt + self._memory.last_read().form.limit(max_tokens)

    def close(self) -> None:
        """Close the connections; the next call opens new ones."""
        self._endpoint.close()

    async def close_async(self) -> None:
        """Close the connections of the running event loop; the next streamed call opens new ones."""
        await self._endpoint.close_async()
