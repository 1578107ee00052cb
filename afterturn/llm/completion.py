"""Decode the answer of a chat model: its text, its cost, and refusals. No I/O."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from afterturn.endpoints.failures import SettingNames
from afterturn.errors import AnswerMalformed, AnswerTruncated, ModelRefused, ModelUnavailable
from afterturn.llm import answer_text
from afterturn.turns import make_storable

SETTING_NAMES = SettingNames(
    api_key="AFTERTURN_LLM_API_KEY", model="AFTERTURN_LLM_MODEL", base_url="AFTERTURN_LLM_BASE_URL"
)

#: How servers say that the answer reached its limit.
LENGTH_REASONS = ("length", "max_tokens", "model_length", "max_output_tokens")
#: Where servers put what a model wrote before its answer. Some put the answer there as well.
_THOUGHT_FIELDS = ("reasoning_content", "reasoning")
#: Parts of a content that are no part of the answer.
_THOUGHT_PARTS = ("thinking", "reasoning")


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
    """Return the completion in an endpoint's answer.

    Args:
        answer: the JSON object of the answer.
        model: the name of the model that was asked.

    Raises ModelUnavailable, ModelRefused, AnswerMalformed, or AnswerTruncated.
    """
    choice, message = _choice_and_message(answer)
    usage = read_usage(answer)
    spent = {"prompt_tokens": usage.prompt_tokens, "completion_tokens": usage.completion_tokens}
    finish_reason = str(choice.get("finish_reason") or "")
    if message.get("refusal"):
        raise ModelRefused("the model refused to answer", **spent)
    if finish_reason == "content_filter":
        raise ModelRefused("the endpoint's content filter stopped the answer", **spent)
    if finish_reason.lower() in LENGTH_REASONS:
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
    if isinstance(choice.get("text"), str) and not choice.get("message"):
        return choice, {"content": choice["text"]}
    if not isinstance(choice.get("message"), Mapping):
        raise ModelUnavailable(f"the endpoint does not speak this protocol: check {SETTING_NAMES.base_url}")
    return choice, choice["message"]


def _text(message: Mapping[str, Any]) -> str:
    """Return the arguments of the tool call if there is one, else the content, else thoughts that contain JSON."""
    texts = (*_arguments(message), content_text(message.get("content")))
    text = next((text for text in texts if text.strip()), "")
    if not text:
        thoughts = (content_text(message.get(name)) for name in _THOUGHT_FIELDS)
        text = next((thought for thought in thoughts if "{" in thought), "")
    return make_storable(text).strip()


def _arguments(message: Mapping[str, Any]) -> Iterator[str]:
    """Yield the arguments of the tool calls, or of the function call of older servers."""
    return (arguments for _, arguments in argument_pieces(message))


def argument_pieces(message: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the arguments, or the pieces of them in a stream, each with what identifies its call."""
    calls = message.get("tool_calls")
    for place, call in enumerate(calls if isinstance(calls, list) else ()):
        index = mapping(call).get("index")
        yield from _arguments_of(mapping(call).get("function"), str(place if index is None else index))
    yield from _arguments_of(message.get("function_call"), "function_call")


def _arguments_of(function: object, place: str) -> Iterator[tuple[str, str]]:
    arguments = mapping(function).get("arguments")
    # Some servers give the arguments as an object rather than as a string of JSON.
    if isinstance(arguments, dict):
        yield place, answer_text.as_json(arguments)
    elif isinstance(arguments, str):
        yield place, arguments


def content_text(content: object) -> str:
    """Return the text of a content: a string, a list of parts, or the object of the answer itself."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "".join(_part_text(part) for part in content)
    if isinstance(content, dict):
        return _part_text(content) or answer_text.as_json(content)
    return ""


def _part_text(part: object) -> str:
    if isinstance(part, str):
        return part
    fields = mapping(part)
    if fields.get("type") in _THOUGHT_PARTS or not isinstance(fields.get("type"), str):
        return ""
    text = fields.get("text", fields.get("content"))
    return text if isinstance(text, str) else ""


def mapping(value: object) -> Mapping[str, Any]:
    """Return the value if it is a JSON object, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def _count(usage: Mapping[str, Any], name: str) -> int:
    value = usage.get(name)
    return value if isinstance(value, int) and value > 0 else 0
