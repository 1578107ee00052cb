"""The records of threads, and what is shown of one when facts under it are no longer believed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

#: The step number of the present state in `thread_facts`; those of the development begin with 1.
STATE = 0
#: Reasons for which a superseded fact was never true: no step rests on it. All other superseded facts were true once.
WRONG = ("correction", "challenge", "settled", "person", "deleted", "removed")
#: What prompt versions of rules begin with.
RULES_PREFIX = "lines-"

_DIGIT = re.compile(r"\d")
_WORD = re.compile(r"[^\W\d_]{3,}|\d+")


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadStep:
    """One step of a development, or the present state."""

    text: str
    #: The day on which its last fact began to hold, or was said.
    day: date | None
    #: The facts that it rests on.
    fact_ids: tuple[str, ...]

    @property
    def dated_text(self) -> str:
        """The text, with the day if it contains none."""
        return self.text if self.day is None or _DIGIT.search(self.text) else f"{self.text} ({self.day.isoformat()})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Thread:
    """How one matter developed, and how it stands."""

    thread_id: str
    #: What it is about: "Studio".
    title: str
    #: Oldest first.
    steps: tuple[ThreadStep, ...]
    #: How it stands now; None where that is not known.
    state: ThreadStep | None
    #: Since when its oldest fact holds.
    started_at: datetime
    #: When the last of its facts was said.
    last_said_at: datetime
    #: When it was written.
    made_at: datetime
    #: Whether rules wrote it, without a model: its steps are facts, word for word.
    is_by_rules: bool

    @property
    def text(self) -> str:
        """The thread on one line: title, dated steps, present state."""
        steps = "; ".join(step.dated_text for step in self.steps)
        state = "" if self.state is None else f"; now: {self.state.text}"
        return f"{self.title}: {steps}{state}" if self.title else f"{steps}{state}"

    @property
    def fact_ids(self) -> tuple[str, ...]:
        """The facts that it rests on, each once."""
        steps = [*self.steps, self.state] if self.state is not None else self.steps
        return tuple(dict.fromkeys(fact_id for step in steps for fact_id in step.fact_ids))


def parse_thread(row: Mapping[str, Any]) -> Thread | None:
    """Return what a row of the query `read` shows; None if too little of it is left.

    A step is shown if all facts under it are believed, the present state if all of them are current as well. The title
    is shown if it says nothing that only facts under dropped steps say.
    """
    steps = [_make_step(item, number, row["facts"]) for number, item in enumerate(row["steps"], 1)]
    shown = tuple(step for step in steps if step is not None)
    state = None
    if row["state"] is not None and all(fact["is_current"] for fact in _facts_of(STATE, row["facts"])):
        state = _make_step(row["state"], STATE, row["facts"])
    if not shown or len(shown) + (state is not None) < 2:
        return None
    is_whole = len(shown) == len(row["steps"]) and (state is not None or row["state"] is None)
    texts = [fact["text"] for fact in row["facts"] if fact["is_believed"]]
    return Thread(
        thread_id=str(row["thread_id"]),
        title=row["title"] if is_whole or says_no_more(row["title"], texts) else "",
        steps=shown,
        state=state,
        started_at=row["started_at"],
        last_said_at=row["last_said_at"],
        made_at=row["made_at"],
        is_by_rules=row["prompt_version"].startswith(RULES_PREFIX),
    )


def says_no_more(title: str, texts: Sequence[str]) -> bool:
    """Return whether every word of a title is in one of these texts."""
    return words_of([title]) <= words_of(texts)


def words_of(texts: Iterable[str]) -> set[str]:
    """Return the words of texts, in lower case, without the shortest ones."""
    return {word.casefold() for text in texts for word in _WORD.findall(text)}


def step_to_json(step: ThreadStep) -> dict[str, str | None]:
    """Return a step in the form of the columns `steps` and `state`."""
    return {"text": step.text, "day": None if step.day is None else step.day.isoformat()}


def _make_step(item: Mapping[str, str | None], number: int, facts: Sequence[Mapping[str, Any]]) -> ThreadStep | None:
    """Return a step; None if it rests on no fact, or on one that is not believed."""
    under, text, day = _facts_of(number, facts), item["text"], item.get("day")
    if not under or not text or not all(fact["is_believed"] for fact in under):
        return None
    fact_ids = tuple(fact["fact_id"] for fact in under)
    return ThreadStep(text=text, day=None if day is None else date.fromisoformat(day), fact_ids=fact_ids)


def _facts_of(number: int, facts: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [fact for fact in facts if fact["step"] == number]
