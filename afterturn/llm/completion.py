"""Decode the answer of a chat model: its text, its cost, and refusals. No I/O."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from afterturn.endpoints.failures import SettingNames
from afterturn.errors import AnswerMalformed, AnswerTruncated, ModelRefused, ModelUnavailable
from afterturn.llm import dialects
from afterturn.turns import make_storable

SETTING_NAMES = SettingNames(
    api_key="AFTERTURN_LLM_API_KEY", model="AFTERTURN_LLM_MODEL", base_url="AFTERTURN_LLM_BASE_URL"
)

#: Some reasoning models write their thoughts before the answer.
_THOUGHTS = re.compile(r"\A\s*<think>.*?</think>", re.DOTALL)


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """The tokens of one answer, as the endpoint counts them; 0 if it does not."""

    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int


def read_completion(answer: Mapping[str, Any], model: str) -> Completion:
    """Return the completion in an endpoint's answer. Raises ModelUnavailable, ModelRefused or AnswerMalformed.

    Args:
        answer: the JSON object of the answer.
        model: the name of the model that was asked.
    """
    choice, message = _choice_and_message(answer)
    usage = read_usage(answer)
    spent = {"prompt_tokens": usage.prompt_tokens, "completion_tokens": usage.completion_tokens}
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
    return Completion(
        text=text,
        model=read_model_name(answer) or model,
        finish_reason=finish_reason,
        cached_tokens=usage.cached_tokens,
        **spent,
    )


def read_usage(answer: Mapping[str, Any]) -> Usage:
    """Return the tokens that an answer reports."""
    usage = mapping(answer.get("usage"))
    return Usage(
        prompt_tokens=_count(usage, "prompt_tokens"),
        completion_tokens=_count(usage, "completion_tokens"),
        cached_tokens=_count(mapping(usage.get("prompt_tokens_details")), "cached_tokens"),
    )


def read_model_name(answer: Mapping[str, Any]) -> str | None:
    """Return the model name that an answer reports; None if it reports none."""
    named = answer.get("model")
    return named if isinstance(named, str) and named else None


def _choice_and_message(answer: Mapping[str, Any]) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    choices = answer.get("choices")
    choice = mapping(choices[0]) if isinstance(choices, list) and choices else {}
    if not isinstance(choice.get("message"), Mapping):
        raise ModelUnavailable(f"the endpoint does not speak this protocol: check {SETTING_NAMES.base_url}")
    return choice, choice["message"]


def _text(message: Mapping[str, Any]) -> str:
    """Return the arguments of the tool call if there is one, else the content."""
    calls = message.get("tool_calls")
    for call in calls if isinstance(calls, list) else ():
        arguments = mapping(mapping(call).get("function")).get("arguments")
        # Some servers give the arguments as an object rather than as a string of JSON.
        text = dialects.as_json(arguments) if isinstance(arguments, dict) else arguments
        if isinstance(text, str) and text.strip():
            return make_storable(text)
    content = message.get("content")
    if not isinstance(content, str):
        return ""
    return make_storable(_THOUGHTS.sub("", content)).strip()


def mapping(value: object) -> Mapping[str, Any]:
    """Return the value if it is a JSON object, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def _count(usage: Mapping[str, Any], name: str) -> int:
    value = usage.get(name)
    return value if isinstance(value, int) and value > 0 else 0
