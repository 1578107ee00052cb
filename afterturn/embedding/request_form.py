"""The form of a request for vectors. Endpoints differ in how many texts they take, and in which parameters they accept.

Known differences: Alibaba's models take 10 texts per call, text-embeddings-inference 32, Gemini 100; others limit the
tokens of a call. Some servers refuse `encoding_format: base64`, or the parameter altogether. Models with a fixed
dimension refuse `dimensions`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from afterturn.endpoints.failures import Failure

#: Texts per call. OpenAI allows 2,048. A larger number only saves round trips.
MOST_TEXTS = 256
#: Characters per call. OpenAI allows 300,000 tokens, and a token can be a single character.
MOST_CHARACTERS = 250_000

_ABOUT_DIMENSION = re.compile(r"dimension|matryoshka", re.IGNORECASE)
_ABOUT_ENCODING = re.compile(r"encoding_?format|base64", re.IGNORECASE)
_ABOUT_NUMBER = re.compile(
    r"batch[ _]?size|too many (inputs|texts|items|documents)|(at most|maximum( of)?|up to|max(imum)? allowed) \d+"
    r"|(larger|more|greater) than \d+|number of inputs|in one batch|exceeds? .{0,40}batch|不得超过|最大",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"\d+")
#: Refusals that may be about the form of a request.
_REJECTIONS = frozenset({400, 404, 405, 413, 415, 422, 500, 501})
_UNEXPLAINED = frozenset({400, 415, 422, 501})


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestForm:
    """What one endpoint accepts."""

    #: base64 is a quarter of the size of a list of numbers. None: the parameter is not sent.
    encoding: Literal["base64", "float"] | None = "base64"
    #: Whether the configured dimension is sent.
    sends_dimension: bool
    most_texts: int = MOST_TEXTS
    most_characters: int = MOST_CHARACTERS
    #: The most texts that a call has succeeded with.
    seen_texts: int = 0


def first_call(texts: Sequence[str], form: RequestForm) -> list[str]:
    """Return the first of the texts, as many as fit into one call."""
    call: list[str] = []
    room = form.most_characters
    for text in texts[: form.most_texts]:
        room -= len(text)
        if call and room < 0:
            break
        call.append(text)
    return call


def next_form(form: RequestForm, failure: Failure, texts: int) -> RequestForm | None:
    """Return the form to try after a refusal that names its cause; None if it names none, or nothing is left.

    Args:
        form: the form that was refused.
        failure: the refusal.
        texts: the number of texts of the call.
    """
    if failure.status not in _REJECTIONS or failure.is_about_content:
        return None
    if form.encoding is not None and failure.says(_ABOUT_ENCODING):
        return replace(form, encoding="float" if form.encoding == "base64" else None)
    if form.sends_dimension and failure.says(_ABOUT_DIMENSION):
        return replace(form, sends_dimension=False)
    if texts > 1 and not failure.is_about_length and failure.says(_ABOUT_NUMBER):
        return replace(form, most_texts=_allowed_texts(failure, texts))
    return None


def is_unexplained(failure: Failure) -> bool:
    """Return whether a refusal may be about the form although it does not say so."""
    is_about_other = failure.is_about_content or failure.is_about_model or failure.is_about_length
    return failure.status in _UNEXPLAINED and not is_about_other


def simpler_forms(form: RequestForm) -> Iterator[RequestForm]:
    """Yield the forms to try, in order, when an endpoint refuses without naming a cause."""
    if form.encoding == "base64":
        yield replace(form, encoding="float")
    yield replace(form, encoding=None)
    if form.sends_dimension:
        yield replace(form, encoding=None, sends_dimension=False)


def _allowed_texts(failure: Failure, texts: int) -> int:
    """Return the largest number in the refusal that is below the number of texts sent; without one, half of them."""
    named = [int(number) for number in _NUMBER.findall(failure.message) if len(number) < 6]
    return max((number for number in named if 1 <= number < texts), default=texts // 2)
