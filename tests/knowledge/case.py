"""The words in which the table is written: who said what when, what the model answered, and what is known then.

    Case(
        "a move",
        [
            heard(user("2023-05-07", "I live in Lisbon."), model(fact("Ana lives in Lisbon.", lives_in="Lisbon"))),
            heard(user("2024-01-02", "I moved to Porto."), model(fact("Ana lives in Porto.", lives_in="Porto"))),
        ],
        current=["Ana lives in Porto."],
        ended=[("Ana lives in Lisbon.", "newer_value")],
        true_on={"2023-06-01": ["Ana lives in Lisbon."]},
        believed_after={1: ["Ana lives in Lisbon."]},
    )

A case in which no model answers runs with the offline extractor, and without a judge.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any

_numbers = count(1)


def moment(when: str) -> datetime:
    """Return the moment that is written `2023-05-07`, which means its noon in UTC, or `2023-05-07T23:30+09:00`."""
    found = datetime.fromisoformat(when if "T" in when else f"{when}T12:00+00:00")
    return found if found.tzinfo else found.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One turn."""

    role: str
    name: str | None
    when: str
    text: str
    #: Ids of nothing: each is one turn.
    turn_id: str = field(default_factory=lambda: f"turn-{next(_numbers)}")
    memories_shown: tuple[str, ...] = ()


def user(when: str, text: str, name: str | None = "Ana") -> Said:
    return Said(role="user", name=name, when=when, text=text)


def assistant(when: str, text: str, *, shown: Sequence[str] = ()) -> Said:
    """A turn of the assistant, who had been shown the facts of these texts, be they another user's."""
    return Said(role="assistant", name=None, when=when, text=text, memories_shown=tuple(shown))


@dataclass(frozen=True, slots=True)
class Answered:
    """A candidate, as the model answers it."""

    text: str
    #: Which turn of the batch says it, and in which words: the whole turn, where they are not given.
    turn: int
    quote: str | None
    fields: Mapping[str, Any]


def fact(
    text: str,
    *,
    about: str = "Ana",
    since: str | None = None,
    until: str | None = None,
    corrects: bool = False,
    category: str = "other",
    turn: int = 1,
    quote: str | None = None,
    unasked: Mapping[str, Any] | None = None,
    **property: str,
) -> Answered:
    """A candidate; `lives_in="Lisbon"` is its attribute and value, `unasked` is what no form has asked for."""
    assert len(property) <= 1
    attribute, value = next(iter(property.items()), (None, None))
    subject = about if attribute else None
    named = {"subject": subject, "attribute": attribute, "value": value}
    times = {"valid_from": since, "valid_to": until}
    return Answered(
        text, turn, quote, {"category": category, "corrects": corrects, **named, **times, **(unasked or {})}
    )


def model(*answered: Answered) -> tuple[Answered, ...]:
    """What the model answers to one batch."""
    return answered


@dataclass(frozen=True, slots=True)
class Heard:
    """One batch: its turns, and what the model answers; None where no model is asked."""

    turns: Sequence[Said]
    answered: Sequence[Answered] | None
    session: str
    #: Whose memory it is.
    whose: str


def heard(*given: Said | Sequence[Answered], session: str = "chat", whose: str = "ana") -> Heard:
    """One batch: its turns in order, and last what the model answers."""
    answers = [one for one in given if not isinstance(one, Said)]
    return Heard([one for one in given if isinstance(one, Said)], answers[0] if answers else None, session, whose)


@dataclass(frozen=True, slots=True)
class Again:
    """The step of this number comes once more, as it was: a client's repeated call."""

    step: int


@dataclass(frozen=True, slots=True)
class TakesBack:
    """The turn of this text is taken back."""

    text: str
    session: str = "chat"


@dataclass(frozen=True, slots=True)
class Adds:
    """A person enters a fact."""

    text: str
    fields: Mapping[str, Any]


def adds(text: str, *, pinned: bool = False, **property: str) -> Adds:
    """A person enters a fact about Ana."""
    return Adds(text, _property(property) | {"pinned": pinned})


@dataclass(frozen=True, slots=True)
class Corrects:
    """A person corrects the current fact of the text `old`."""

    old: str
    new: str
    fields: Mapping[str, Any]


def corrects(old: str, new: str, *, since: str | None = None, **property: str) -> Corrects:
    """A person corrects a current fact; with `since`, it was true until then."""
    dated = {} if since is None else {"valid_from": moment(since)}
    return Corrects(old, new, _property(property) | dated)


def _property(given: Mapping[str, str]) -> dict[str, Any]:
    if not given:
        return {}
    [(attribute, value)] = given.items()
    return {"subject": "Ana", "attribute": attribute, "value": value}


@dataclass(frozen=True, slots=True)
class Pins:
    """A person pins the current fact of this text."""

    text: str


@dataclass(frozen=True, slots=True)
class Unpins:
    """A person lets the current fact of this text be one like the others."""

    text: str


@dataclass(frozen=True, slots=True)
class Deletes:
    """A person deletes the current fact of this text."""

    text: str


Step = Heard | Again | TakesBack | Adds | Corrects | Pins | Unpins | Deletes


@dataclass(frozen=True, slots=True)
class Case:
    """One conversation, and what is known after it. What a case does not name is not looked at."""

    name: str
    steps: Sequence[Step]
    _: KW_ONLY
    #: The texts of the current facts, in any order: all of them.
    current: Sequence[str]
    #: (text, why) of the facts that are current no more, in any order: all of them.
    ended: Sequence[tuple[str, str]] = ()
    #: Text of a current fact -> its versions, oldest first, as `fact_history` tells them.
    history: Mapping[str, Sequence[str]] = field(default_factory=dict)
    #: Moment -> what was true then, as far as is known in the end.
    true_on: Mapping[str, Sequence[str]] = field(default_factory=dict)
    #: Number of a step -> what was believed after it.
    believed_after: Mapping[int, Sequence[str]] = field(default_factory=dict)
    #: Text of a current fact -> in how many batches it was said.
    times_seen: Mapping[str, int] = field(default_factory=dict)
    #: Text of a current fact -> the words that it rests on, in the order in which they were said.
    quotes: Mapping[str, Sequence[str]] = field(default_factory=dict)
    #: Text of a current fact -> user, assistant or other.
    said_by: Mapping[str, str] = field(default_factory=dict)
    #: Text of a fact -> since when and until when it holds; None where nobody said.
    holds: Mapping[str, tuple[str | None, str | None]] = field(default_factory=dict)
    #: Other user -> the texts of their current facts.
    of_others: Mapping[str, Sequence[str]] = field(default_factory=dict)
    #: Why candidates were not believed, sorted.
    rejected: Sequence[str] = ()
    #: Pairs of texts of which a right-minded judge says that the one said later replaces the other.
    replaces: Sequence[tuple[str, str]] = ()
    #: Pairs of texts of which the judge says that they are the same.
    same: Sequence[tuple[str, str]] = ()
    #: What the judge says besides, as (first, second, verdict), whatever it was shown.
    judge_says: Sequence[tuple[str, str, str]] = ()
    #: How many judging calls there are; None: whatever.
    judging_calls: int | None = None
    #: The user's timezone.
    timezone: str = "UTC"

    @property
    def is_offline(self) -> bool:
        """Whether no model answers."""
        return all(step.answered is None for step in self.steps if isinstance(step, Heard))

    def __str__(self) -> str:
        return self.name.replace(" ", "-")
