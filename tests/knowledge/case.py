"""The language of the table: turns, the model's answers, edits, and the expected facts.

    Case(
        "a move",
        [
            batch(user("2023-05-07", "I live in Lisbon."), model(fact("Ana lives in Lisbon.", lives_in="Lisbon"))),
            batch(user("2024-01-02", "I moved to Porto."), model(fact("Ana lives in Porto.", lives_in="Porto"))),
        ],
        current=["Ana lives in Porto."],
        ended=[("Ana lives in Lisbon.", "newer_value")],
        true_on={"2023-06-01": ["Ana lives in Lisbon."]},
        believed_after={1: ["Ana lives in Lisbon."]},
    )

A case without answers of a model runs with the offline extractor and without a judge.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any

_numbers = count(1)


def parse_time(when: str) -> datetime:
    """Parse a time: `2023-05-07` means noon in UTC of that day; `2023-05-07T23:30+09:00` is exact."""
    time = datetime.fromisoformat(when if "T" in when else f"{when}T12:00+00:00")
    return time if time.tzinfo else time.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnText:
    """One turn."""

    role: str
    name: str | None
    when: str
    text: str
    #: A new id for each turn.
    turn_id: str = field(default_factory=lambda: f"turn-{next(_numbers)}")
    memories_shown: tuple[str, ...] = ()


def user(when: str, text: str, name: str | None = "Ana") -> TurnText:
    return TurnText(role="user", name=name, when=when, text=text)


def assistant(when: str, text: str, *, shown: Sequence[str] = ()) -> TurnText:
    """Return a turn of the assistant. `shown`: texts of facts in its prompt, also of other users."""
    return TurnText(role="assistant", name=None, when=when, text=text, memories_shown=tuple(shown))


@dataclass(frozen=True, slots=True)
class AnsweredFact:
    """A candidate in the model's answer."""

    text: str
    #: The turn of the batch that says it, and the quote; None: the whole turn.
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
    life: str | None = None,
    turn: int = 1,
    quote: str | None = None,
    extra_fields: Mapping[str, Any] | None = None,
    **property: str,
) -> AnsweredFact:
    """Return a candidate. `lives_in="Lisbon"` is its attribute and value; `extra_fields` are not in the schema.

    Without a life the answer is one of an earlier prompt.
    """
    assert len(property) <= 1
    attribute, value = next(iter(property.items()), (None, None))
    subject = about if attribute else None
    named = {"subject": subject, "attribute": attribute, "value": value}
    times = {"valid_from": since, "valid_to": until}
    living = {} if life is None else {"life": life}
    return AnsweredFact(
        text,
        turn,
        quote,
        {"category": category, "corrects": corrects, **named, **times, **living, **(extra_fields or {})},
    )


def model(*answered: AnsweredFact) -> tuple[AnsweredFact, ...]:
    """Return the model's answer to one batch."""
    return answered


@dataclass(frozen=True, slots=True)
class BatchStep:
    """Write the turns of one batch. `answered` is the model's answer; None: without a model."""

    turns: Sequence[TurnText]
    answered: Sequence[AnsweredFact] | None
    session: str
    #: Whose memory it is.
    user_id: str


def batch(*given: TurnText | Sequence[AnsweredFact], session: str = "chat", user_id: str = "ana") -> BatchStep:
    """Return the step of one batch: its turns in order, and then the model's answer."""
    turns = [item for item in given if isinstance(item, TurnText)]
    answers = [item for item in given if not isinstance(item, TurnText)]
    return BatchStep(turns, answers[0] if answers else None, session, user_id)


@dataclass(frozen=True, slots=True)
class RepeatStep:
    """Repeat the step with this number unchanged, like a client's repeated call."""

    step: int


@dataclass(frozen=True, slots=True)
class RemoveTurn:
    """Remove the turn with this text."""

    text: str
    session: str = "chat"


@dataclass(frozen=True, slots=True)
class AddFact:
    """Enter a fact as a person."""

    text: str
    fields: Mapping[str, Any]


def add_fact(text: str, *, pinned: bool = False, fields: Mapping[str, Any] | None = None, **property: str) -> AddFact:
    """Return the step in which a person enters a fact about Ana."""
    return AddFact(text, _property(property) | {"pinned": pinned, **(fields or {})})


@dataclass(frozen=True, slots=True)
class CorrectFact:
    """Correct the current fact with the text `old` as a person."""

    old: str
    new: str
    fields: Mapping[str, Any]


def correct_fact(old: str, new: str, *, since: str | None = None, **property: str) -> CorrectFact:
    """Return the step in which a person corrects a current fact. With `since` the old fact was true until then."""
    dated = {} if since is None else {"valid_from": parse_time(since)}
    return CorrectFact(old, new, _property(property) | dated)


def _property(given: Mapping[str, str]) -> dict[str, Any]:
    if not given:
        return {}
    [(attribute, value)] = given.items()
    return {"subject": "Ana", "attribute": attribute, "value": value}


@dataclass(frozen=True, slots=True)
class PinFact:
    """Pin the current fact with this text."""

    text: str


@dataclass(frozen=True, slots=True)
class UnpinFact:
    """Unpin the current fact with this text."""

    text: str


@dataclass(frozen=True, slots=True)
class KeepFact:
    """Keep the current fact with this text against those that contradict it."""

    text: str


@dataclass(frozen=True, slots=True)
class DeleteFact:
    """Delete the current fact with this text."""

    text: str


Step = BatchStep | RepeatStep | RemoveTurn | AddFact | CorrectFact | PinFact | UnpinFact | KeepFact | DeleteFact


@dataclass(frozen=True, slots=True)
class Case:
    """One conversation and the expected facts after it. Fields that a case does not set are not checked."""

    name: str
    steps: Sequence[Step]
    _: KW_ONLY
    #: The texts of all current facts that have not faded, in any order.
    current: Sequence[str]
    #: The texts of all current facts that have faded, in any order.
    faded: Sequence[str] = ()
    #: Text of a current fact -> its life.
    lives: Mapping[str, str] = field(default_factory=dict)
    #: Text of a current fact -> when it fades; None: never.
    fades: Mapping[str, str | None] = field(default_factory=dict)
    #: Text of a recalled fact -> how it reads in a context.
    reads: Mapping[str, str] = field(default_factory=dict)
    #: (text, reason) of all facts that are no longer current, in any order.
    ended: Sequence[tuple[str, str]] = ()
    #: Text of a current fact -> its versions, oldest first, as in `fact_history`.
    history: Mapping[str, Sequence[str]] = field(default_factory=dict)
    #: Time -> the facts that were true then, as known at the end.
    true_on: Mapping[str, Sequence[str]] = field(default_factory=dict)
    #: Number of a step -> the facts that were current after it.
    believed_after: Mapping[int, Sequence[str]] = field(default_factory=dict)
    #: Text of a current fact -> the number of batches that say it.
    times_seen: Mapping[str, int] = field(default_factory=dict)
    #: Text of a current fact -> the quotes of its evidence, in the order of their times.
    quotes: Mapping[str, Sequence[str]] = field(default_factory=dict)
    #: Text of a current fact -> user, assistant or other.
    said_by: Mapping[str, str] = field(default_factory=dict)
    #: Text of a fact -> since when and until when it holds; None where no turn says so.
    valid_times: Mapping[str, tuple[str | None, str | None]] = field(default_factory=dict)
    #: Other user -> the texts of their current facts.
    other_users: Mapping[str, Sequence[str]] = field(default_factory=dict)
    #: The reasons of rejected candidates, sorted.
    rejected: Sequence[str] = ()
    #: Pairs of texts for which the judge answers that the later one replaces the other.
    replaces: Sequence[tuple[str, str]] = ()
    #: Pairs of texts for which the judge answers that they are the same.
    same: Sequence[tuple[str, str]] = ()
    #: Pairs of texts for which the judge answers that the first one is a fuller wording of the second.
    refines: Sequence[tuple[str, str]] = ()
    #: Pairs of texts for which the judge answers that the first one says that the second is over.
    ends: Sequence[tuple[str, str]] = ()
    #: Pairs of texts for which the judge answers that they contradict each other.
    contradicts: Sequence[tuple[str, str]] = ()
    #: Further answers of the judge, (first, second, verdict), whatever its prompt contains.
    judge_says: Sequence[tuple[str, str, str]] = ()
    #: Pairs of texts of current facts that contradict each other at the end; None: not checked.
    contradicting: Sequence[tuple[str, str]] | None = None
    #: Counter -> its value at the end, of those that count overruled verdicts; None: not checked.
    overruled: Mapping[str, int] | None = None
    #: The number of judging calls; None: not checked.
    judging_calls: int | None = None
    #: The user's timezone.
    timezone: str = "UTC"

    @property
    def is_offline(self) -> bool:
        """Whether the case has no answers of a model."""
        return all(step.answered is None for step in self.steps if isinstance(step, BatchStep))

    def __str__(self) -> str:
        return self.name.replace(" ", "-")
