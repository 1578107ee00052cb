"""Read the JSON of an extraction answer part by part; unreadable parts are counted with their reason.

Models leave out a text, number turns as "[1]", or answer a word that the form does not know. One such candidate must
not cost the others. Nothing is guessed: a candidate without a readable text, or without a quote, becomes no fact.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any

from pydantic import ValidationError

from afterturn.candidate import UNKNOWN_TURN, Candidate, EpisodeDraft
from afterturn.extraction import short_form

#: Keys of the answer, of a fact, and of an episode by which they are recognised where the form around them is missing.
_FACT_KEYS = frozenset({"text", "evidence"})
_SHORT_FACT_KEYS = frozenset({"text", "quotes"})
_EPISODE_KEYS = frozenset({"title", "summary"})

_NUMBER = re.compile(r"\d+")
#: No batch has so many turns.
_NO_TURN = 999_999
_TITLE_WORDS = 10

#: Words that models use in place of the four outcomes. Any other word is ignored.
_OUTCOMES = {
    "abandoned": ("abandoned", "cancelled", "canceled", "dropped", "failed", "given_up"),
    "open": ("open", "ongoing", "in_progress", "pending", "unresolved", "continuing", "incomplete", "partial"),
    "resolved": ("resolved", "closed", "complete", "completed", "done", "finished", "solved", "success", "successful"),
}
_OUTCOME_OF = {word: outcome for outcome, words in _OUTCOMES.items() for word in words}

#: Fields of a candidate that are texts. An unreadable one is omitted from the candidate.
_OPTIONAL_TEXTS = ("subject", "attribute", "value")


class Unreadable(Exception):
    """A value cannot be read at all. The reason is a short word without content of the value."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What could be read of an answer."""

    facts: tuple[Candidate, ...]
    episode: EpisodeDraft | None
    #: Why other parts could not be read, one reason for each.
    malformed: tuple[str, ...]


def read_answer(data: object, zone: tzinfo) -> Reading:
    """Return what can be read of an answer.

    Args:
        data: the parsed JSON.
        zone: the timezone of dates and times without an offset.

    Raises Unreadable if neither facts nor an episode can be read in it.
    """
    form = _find_form(data)
    reasons: list[str] = []
    facts = list(_read_facts(form.get("facts"), zone, reasons))
    episode = _read_episode(form.get("episode"), reasons)
    if "facts_unreadable" in reasons and episode is None:
        raise Unreadable("facts_unreadable")
    return Reading(tuple(facts), episode, tuple(reasons))


def _find_form(data: object) -> Mapping[str, Any]:
    """Return the object with the facts and the episode; the form around them may be missing or doubled."""
    if isinstance(data, list) and data:
        return {"facts": data}
    if not isinstance(data, dict):
        raise Unreadable("not_an_object")
    if not data or data.keys() & {"facts", "episode"}:
        return data
    if data.keys() >= _FACT_KEYS or data.keys() >= _SHORT_FACT_KEYS:
        return {"facts": [data]}
    if len(data) == 1 and isinstance(inner := next(iter(data.values())), dict | list):
        return _find_form(inner)
    raise Unreadable("no_facts")


def _read_facts(value: object, zone: tzinfo, reasons: list[str]) -> Iterator[Candidate]:
    if isinstance(value, dict):
        value = [value] if value.keys() & (_FACT_KEYS | _SHORT_FACT_KEYS) else list(value.values())
    if value is None:
        return
    if not isinstance(value, list):
        reasons.append("facts_unreadable")
        return
    for item in value:
        try:
            yield _read_fact(item, zone, reasons)
        except Unreadable as unreadable:
            reasons.append(str(unreadable))


def _read_fact(item: object, zone: tzinfo, reasons: list[str]) -> Candidate:
    if not isinstance(item, dict):
        raise Unreadable("candidate_unreadable")
    item = short_form.expand(item)
    text = _read_text(item.get("text"))
    if text is None:
        raise Unreadable("text_unreadable")
    # Some models put turn and quote into the candidate itself, next to its text.
    given = item.get("evidence", item if item.keys() >= {"turn", "quote"} else None)
    fields = {name: value for name, value in item.items() if value is not None and name in Candidate.model_fields}
    fields |= {
        "text": text,
        "category": _read_text(item.get("category")) or "other",
        "topics": _read_texts(item.get("topics")),
        "evidence": list(_read_quotes(given)),
    }
    if not isinstance(item.get("known"), tuple):
        fields.pop("known", None)
    for name in _OPTIONAL_TEXTS:
        fields[name] = _read_text(item.get(name))
        if fields[name] is None and item.get(name) not in (None, "", [], {}):
            reasons.append(f"{name}_unreadable")
    try:
        return Candidate.model_validate(fields, context={"zone": zone})
    except ValidationError:
        raise Unreadable("candidate_unreadable") from None


def _read_quotes(value: object) -> Iterator[dict[str, Any]]:
    """Yield the readable quotes. A quote without a readable turn is searched in all turns."""
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, str):
            yield {"turn": UNKNOWN_TURN, "quote": item}
        elif isinstance(item, dict):
            turn = _read_turn(item.get("turn"))
            quotes = item.get("quote")
            for quote in quotes if isinstance(quotes, list) else [quotes]:
                if (text := _read_text(quote)) is not None:
                    yield {"turn": turn, "quote": text}


def _read_turn(value: object) -> int:
    """Return the number in 1, 1.0, "1", "[1]", "turn 1" or [1]; UNKNOWN_TURN where there is not exactly one."""
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, bool):
        return UNKNOWN_TURN
    if isinstance(value, int | float) and value == value:
        # A number that is not a turn's is kept: a quote is not searched in other turns than the one that is named.
        return int(min(max(value, -_NO_TURN), _NO_TURN))
    numbers = _NUMBER.findall(value) if isinstance(value, str) else []
    return min(int(numbers[0][:7]), _NO_TURN) if len(numbers) == 1 else UNKNOWN_TURN


def _read_episode(value: object, reasons: list[str]) -> EpisodeDraft | None:
    if isinstance(value, list):
        value = next((item for item in value if isinstance(item, dict)), value or None)
    if isinstance(value, str) and value.strip():
        value = {"summary": value}
    if value is None or value in ("", {}):
        return None
    fields = value if isinstance(value, dict) else {}
    title, summary = _read_text(fields.get("title")), _read_text(fields.get("summary"))
    if not title and not summary:
        reasons.append("episode_unreadable")
        return None
    return EpisodeDraft(
        title=title or " ".join((summary or "").split()[:_TITLE_WORDS]),
        summary=summary or title or "",
        outcome=_read_outcome(fields.get("outcome")),
        participants=_read_texts(fields.get("participants")),
    )


def _read_outcome(value: object) -> Any:
    word = "_".join(value.strip().casefold().replace("-", " ").split()) if isinstance(value, str) else ""
    return _OUTCOME_OF.get(word, "none")


def _read_texts(value: object) -> tuple[str, ...]:
    items: Sequence[object] = value if isinstance(value, list) else [value]
    return tuple(text for item in items if (text := _read_text(item)))


def _read_text(value: object) -> str | None:
    """Return a text, or a number as a text; None for anything else."""
    if isinstance(value, str):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e15:
        return str(value)
    return None
