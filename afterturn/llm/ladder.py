"""Choose the dialect to try after a refusal: by its cause if the endpoint names one, otherwise all in order.

Refusals are recognised by their words, because endpoints agree on no codes. If no cause is recognised, the simpler
dialects are tried one after the other, but only while no dialect has worked: afterwards such a refusal is about the
input.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from afterturn.endpoints.failures import Failure
from afterturn.llm.dialects import LIMIT_FACTORS, Dialect, Mode

#: Gateways answer 404 when no provider supports the request; some local servers answer 500 or 501.
_REJECTIONS = frozenset({400, 404, 405, 415, 422, 500, 501})
#: A refusal without a recognised cause may be about the form of the request. 404 and 500 have other causes.
_UNEXPLAINED = frozenset({400, 415, 422, 501})

_NEXT_MODE: dict[Mode, Mode] = {"json_schema": "tool", "tool": "json_object", "json_object": "prompt"}
_ABOUT_MODE: dict[Mode, str] = {
    "json_schema": r"response_format|json_?schema|structured|schema|grammar|guided|strict|json_validate_failed"
    r"|no endpoints found|requested parameters|failed to generate json",
    "tool": r"tool|function|no endpoints found|requested parameters",
    "json_object": r"response_format|json_object|json mode|text\.format|json_validate_failed|no endpoints found"
    r"|requested parameters|failed to generate json",
    "prompt": r"(?!)",
}

Change = Callable[[Dialect, Failure], Dialect | None]


@dataclass(frozen=True, slots=True)
class _Step:
    """What to change when the endpoint names a cause."""

    #: Words of the refusal, searched without regard to case.
    words: str
    #: Returns the changed dialect; None if the dialect has been changed so before.
    change: Change


def next_dialect(dialect: Dialect, failure: Failure, *, sent_tokens: int) -> Dialect | None:
    """Return the dialect to try after a failure that names its cause; None if it names none, or nothing is left.

    Args:
        dialect: the dialect that was refused.
        failure: the refusal.
        sent_tokens: the limit of the answer that was sent.
    """
    if not _may_be_form(failure):
        return None
    parameter = next_stream_dialect(dialect, failure, sent_tokens=sent_tokens)
    if parameter is None and _says(failure, _ABOUT_MODE[dialect.mode]):
        return replace(dialect, mode=_NEXT_MODE[dialect.mode])
    return parameter


def next_stream_dialect(dialect: Dialect, failure: Failure, *, sent_tokens: int) -> Dialect | None:
    """Do the same as `next_dialect` for a streamed answer without structured output."""
    if not _may_be_form(failure):
        return None
    changed = (step.change(dialect, failure) for step in _STEPS if _says(failure, step.words))
    limited = _with_smaller_limit(dialect, failure, sent_tokens)
    return limited or next((other for other in changed if other is not None), None)


def is_unexplained(failure: Failure) -> bool:
    """Return whether a refusal may be about the form of the request although it does not say so."""
    return failure.status in _UNEXPLAINED and _may_be_form(failure) and not failure.is_about_model


def simpler_dialects(dialect: Dialect) -> Iterator[Dialect]:
    """Yield the dialects to try when an endpoint names no cause: first other modes, then the simplest form."""
    mode = dialect.mode
    while mode in _NEXT_MODE:
        mode = _NEXT_MODE[mode]
        yield replace(dialect, mode=mode)
    least = replace(dialect, mode="prompt", temperature=None, tokens=None)
    yield least
    yield replace(least, is_streamed=True, has_stream_usage=False)
    yield replace(least, system="user")
    yield replace(least, forbids_thinking=True)


def simpler_stream_dialects(dialect: Dialect) -> Iterator[Dialect]:
    """Do the same as `simpler_dialects` for a streamed answer without structured output."""
    without_usage = replace(dialect, has_stream_usage=False)
    least = replace(without_usage, temperature=None, tokens=None)
    yield from (without_usage, least, replace(least, system="user"), replace(least, forbids_thinking=True))


def with_longer_limit(dialect: Dialect, max_tokens: int) -> Dialect | None:
    """Return the dialect for an answer that reached its limit; None if the limit cannot be raised."""
    larger = (replace(dialect, limit_factor=factor) for factor in LIMIT_FACTORS if factor > dialect.limit_factor)
    return next((other for other in larger if other.limit(max_tokens) > dialect.limit(max_tokens)), None)


def _may_be_form(failure: Failure) -> bool:
    return failure.status in _REJECTIONS and not failure.is_about_length and not failure.is_about_content


def _says(failure: Failure, words: str) -> bool:
    return failure.says(re.compile(words, re.IGNORECASE))


_TOO_MANY_TOKENS = (
    r"max(_completion|_output)?_tokens[^.\n]{0,60}(too large|at most|less than|greater than|exceed|maximum|range|<=)"
    r"|(range|maximum( value)?) of max_tokens|at most \d+ (completion|output) tokens"
)


def _with_smaller_limit(dialect: Dialect, failure: Failure, sent_tokens: int) -> Dialect | None:
    """Return the dialect with the largest limit that the refusal allows; None if it is not about that."""
    if not _says(failure, _TOO_MANY_TOKENS):
        return None
    named = [int(number.replace(",", "")) for number in re.findall(r"\d[\d,]*", failure.message) if len(number) < 9]
    allowed = max((number for number in named if 64 <= number < sent_tokens), default=sent_tokens // 2)
    return replace(dialect, most_tokens=allowed) if allowed >= 64 else None


def _other_tokens_name(dialect: Dialect, _: Failure) -> Dialect | None:
    if dialect.tokens is None:
        return None
    if dialect.is_tokens_settled:
        return replace(dialect, tokens=None)
    other: Dialect = replace(
        dialect,
        tokens="max_tokens" if dialect.tokens == "max_completion_tokens" else "max_completion_tokens",
        is_tokens_settled=True,
    )
    return other


def _other_system_role(dialect: Dialect, failure: Failure) -> Dialect | None:
    if dialect.system == "system" and _says(failure, r"use.{0,20}developer"):
        return replace(dialect, system="developer")
    return None if dialect.system == "user" else replace(dialect, system="user")


def _changed(**changes: object) -> Change:
    """Return the change that sets these fields, unless they are set already."""

    def change(dialect: Dialect, _: Failure) -> Dialect | None:
        other = replace(dialect, **changes)  # type: ignore[arg-type]
        return None if other == dialect else other

    return change


_STEPS = (
    _Step(r"enable_thinking.{0,60}(restricted to|must be|only).{0,20}true", _changed(is_streamed=True)),
    _Step(r"enable_thinking", _changed(forbids_thinking=True)),
    _Step(r"enable_thinking", _changed(forbids_thinking=False, is_streamed=True)),
    _Step(r"stream_options|include_usage", _changed(has_stream_usage=False)),
    _Step(
        r"only supports? (the )?stream|stream(ing)? mode|stream.{0,30}(required|must be (set to )?true)"
        r"|non-?stream(ing)?.{0,40}(not supported|unsupported|not allowed)|仅支持.{0,6}流式|只支持.{0,6}流式",
        _changed(is_streamed=True),
    ),
    _Step(r"temperature", _changed(temperature=None)),
    _Step(r"max_tokens|max_completion_tokens|max_output_tokens", _other_tokens_name),
    _Step(
        r"system (role|message|prompt|instruction)|role.{0,40}system|developer (role|message|instruction)"
        r"|'system'|roles must alternate|user/assistant/user|only user and assistant",
        _other_system_role,
    ),
)
