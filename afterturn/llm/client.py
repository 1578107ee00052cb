"""The LLM client: one request, one answer with structured output.

Endpoints differ in how they support structured output. The client first requests a JSON schema; if the endpoint rejects
that, a tool call; then JSON mode; then the prompt alone. It remembers what the endpoint accepts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from pydantic import BaseModel

from afterturn import tokens
from afterturn.endpoints import failures
from afterturn.endpoints.endpoint import OPENAI_BASE_URL, CallFailed, ModelEndpoint
from afterturn.endpoints.failures import SettingNames
from afterturn.errors import AnswerMalformed, AnswerTruncated, ModelRefused, ModelUnavailable
from afterturn.llm import dialects, json_schema
from afterturn.llm.dialects import Dialect
from afterturn.settings import Settings

SETTING_NAMES = SettingNames(
    api_key="AFTERTURN_LLM_API_KEY", model="AFTERTURN_LLM_MODEL", base_url="AFTERTURN_LLM_BASE_URL"
)

#: With a lower limit, answers are truncated so often that a smaller input is the better choice.
FEWEST_ANSWER_TOKENS = 1_024

#: Some reasoning models write their thoughts before the answer.
_THOUGHTS = re.compile(r"\A\s*<think>.*?</think>", re.DOTALL)

#: NUL and lone surrogates, which Postgres cannot store.
_NOT_STORABLE = re.compile("[\x00\ud800-\udfff]")
_REPLACEMENT = "\ufffd"


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """An answer and its cost."""

    #: The text of the answer. It should be JSON of the requested schema.
    text: str
    #: The model name in the answer. It may be more exact than the requested name.
    model: str
    finish_reason: str
    prompt_tokens: int = 0
    completion_tokens: int = 0
    #: The part of the prompt tokens that the provider had cached.
    cached_tokens: int = 0


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
                if error.failure.is_about_length and max_tokens > FEWEST_ANSWER_TOKENS:
                    # Some servers count the limit of the answer as part of the context; a shorter answer may fit.
                    max_tokens = FEWEST_ANSWER_TOKENS
                    continue
                simpler = dialects.simpler(dialect, error.failure)
                if simpler is None:
                    raise failures.error_for(error.failure, SETTING_NAMES) from None
                dialect = simpler
                continue
            self._dialect = dialect
            return _completion(answer, self.model)

    def expected_tokens(self, *, system: str, user: str, schema: type[BaseModel], max_tokens: int) -> int:
        """Return the most tokens that `complete` may use: the prompt, estimated, and the longest answer."""
        form = dialects.as_json(json_schema.strict(schema))
        return sum(map(tokens.estimate, (system, user, form))) + max_tokens

    def close(self) -> None:
        """Close the connections; the next call opens new ones."""
        self._endpoint.close()


def _completion(answer: Mapping[str, Any], model: str) -> Completion:
    choice, message = _choice_and_message(answer)
    usage = _mapping(answer.get("usage"))
    spent = {"prompt_tokens": _count(usage, "prompt_tokens"), "completion_tokens": _count(usage, "completion_tokens")}
    finish_reason = str(choice.get("finish_reason") or "")
    if message.get("refusal"):
        raise ModelRefused("the model refused to answer", **spent)
    if finish_reason == "content_filter":
        raise ModelRefused("the endpoint's content filter stopped the answer", **spent)
    if finish_reason == "length":
        raise AnswerTruncated(None, **spent)
    text = _text(message)
    if not text:
        raise AnswerMalformed("the model's answer is empty", **spent)
    named = answer.get("model")
    return Completion(
        text=text,
        model=named if isinstance(named, str) and named else model,
        finish_reason=finish_reason,
        cached_tokens=_count(_mapping(usage.get("prompt_tokens_details")), "cached_tokens"),
        **spent,
    )


def _choice_and_message(answer: Mapping[str, Any]) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    choices = answer.get("choices")
    choice = _mapping(choices[0]) if isinstance(choices, list) and choices else {}
    if not isinstance(choice.get("message"), Mapping):
        raise ModelUnavailable(f"the endpoint does not speak this protocol: check {SETTING_NAMES.base_url}")
    return choice, choice["message"]


def _text(message: Mapping[str, Any]) -> str:
    """Return the arguments of the tool call if there is one, else the content."""
    calls = message.get("tool_calls")
    for call in calls if isinstance(calls, list) else ():
        arguments = _mapping(_mapping(call).get("function")).get("arguments")
        # Some servers give the arguments as an object rather than as a string of JSON.
        text = dialects.as_json(arguments) if isinstance(arguments, dict) else arguments
        if isinstance(text, str) and text.strip():
            return _NOT_STORABLE.sub(_REPLACEMENT, text)
    content = message.get("content")
    if not isinstance(content, str):
        return ""
    return _NOT_STORABLE.sub(_REPLACEMENT, _THOUGHTS.sub("", content)).strip()


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _count(usage: Mapping[str, Any], name: str) -> int:
    value = usage.get(name)
    return value if isinstance(value, int) and value > 0 else 0
