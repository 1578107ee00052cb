"""The answer of the call that writes threads: its form, and which of its statements the facts under them support.

A step counts if it names facts of its matter, and if each name, number and date in it is in one of these facts. The
present state must rest on current facts as well. What does not count is dropped and counted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from afterturn.consolidation import text_comparison
from afterturn.errors import AnswerMalformed
from afterturn.llm import answer_text
from afterturn.redaction import credentials
from afterturn.sleep import thread_by_rules, thread_question
from afterturn.sleep.matters import Matter, MatterFact
from afterturn.sleep.thread_question import ThreadQuestion
from afterturn.threads.thread import ThreadStep, words_of
from afterturn.threads.thread_rows import ThreadDraft
from afterturn.turns import make_storable

#: The most steps of a thread; a longer development is no short line.
MOST_STEPS = 8
_STEP_CHARACTERS = 300
_TITLE_CHARACTERS = 60

_NUMBER = re.compile(r"\d{1,6}")
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


class WrittenStep(BaseModel):
    """One step, or the present state."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    text: str = Field(description="One clause.")
    facts: list[int] = Field(description="Numbers of the facts that it rests on, as shown after the F.")


class WrittenThread(BaseModel):
    """The development of one matter."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    matter: int = Field(description="Its number, as shown after the M.")
    title: str = Field(description="One to four words.")
    steps: list[WrittenStep] = Field(description="Oldest first.")
    state: WrittenStep | None = Field(description="How it stands now; null where the facts do not tell.")


class ThreadsAnswer(BaseModel):
    """The form of the answer; a matter that is not in it did not develop."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    threads: list[WrittenThread] = Field(description="One for each matter that developed.")


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenThreads:
    """The threads in an answer."""

    drafts: tuple[ThreadDraft, ...]
    #: Number of steps and states that were dropped.
    dropped: int


def find_threads(text: str) -> list[object]:
    """Return the threads of an answer, as they are. Raises AnswerMalformed if it has no place for them."""
    data = answer_text.find_object(text, ThreadsAnswer)
    found: object = None
    if data is not None:
        found = data.get("threads", [data] if "steps" in data else None)
        found = [found] if isinstance(found, dict) else found
    if not isinstance(found, list):
        raise AnswerMalformed("the threads do not fit the schema")
    return found


def read_threads(question: ThreadQuestion, text: str, *, prompt_version: str, model: str) -> WrittenThreads:
    """Return the verified threads of an answer: one for each matter, without steps where it did not develop.

    Args:
        question: the question that was asked.
        text: the answer. Raises AnswerMalformed if it has no place for threads.
        prompt_version: the version of the prompt.
        model: the name of the model.
    """
    written: dict[int, Mapping[str, Any]] = {}
    for item in find_threads(text):
        number = next(_numbers(item.get("matter")), None) if isinstance(item, dict) else None
        if number is not None and isinstance(item, dict):
            written.setdefault(number, item)
    drafts, dropped = [], 0
    for number, (matter, facts) in enumerate(zip(question.matters, question.facts(), strict=True), 1):
        reading = _Reading(facts)
        content = reading.read(written.get(number, {}))
        drafts.append(_make_draft(matter, content, prompt_version, model))
        dropped += reading.dropped
    return WrittenThreads(drafts=tuple(drafts), dropped=dropped)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Content:
    title: str = ""
    steps: tuple[ThreadStep, ...] = ()
    state: ThreadStep | None = None


@dataclass(slots=True)
class _Reading:
    """Reads the thread of one matter."""

    #: The facts of the matter by their numbers.
    facts: Mapping[int, MatterFact]
    dropped: int = 0

    def read(self, written: Mapping[str, Any]) -> _Content:
        """Return the supported part of a thread; nothing where less than two statements are left."""
        items = written.get("steps")
        said = [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []
        texts = [_clean(item.get("text")) for item in said]
        # Where every clause begins with a capital letter, these are no names.
        starts_are_names = not texts or not all(text[:1].isupper() for text in texts)
        steps = [self._read_step(item, starts_are_names) for item in said[:MOST_STEPS]]
        state = written.get("state")
        now = self._read_step(state, starts_are_names, needs_current=True) if isinstance(state, dict) else None
        supported = tuple(step for step in steps if step is not None)
        self.dropped += len(said[MOST_STEPS:])
        if not supported or len(supported) + (now is not None) < 2:
            return _Content()
        return _Content(title=self._read_title(written.get("title"), supported, now), steps=supported, state=now)

    def _read_step(
        self, item: Mapping[str, Any], starts_are_names: bool, *, needs_current: bool = False
    ) -> ThreadStep | None:
        text = _clean(item.get("text"))
        under = [self.facts[number] for number in dict.fromkeys(_numbers(item.get("facts"))) if number in self.facts]
        checked = text if starts_are_names else f"{text[:1].lower()}{text[1:]}"
        if (
            not text
            or not under
            or (needs_current and not all(fact.is_current for fact in under))
            or text_comparison.adds_details(checked, [_with_days(fact) for fact in under])
        ):
            self.dropped += 1
            return None
        return ThreadStep(
            text=text,
            day=max(fact.day for fact in under),
            fact_ids=tuple(str(fact.fact_id) for fact in under),
        )

    def _read_title(self, title: object, steps: Sequence[ThreadStep], state: ThreadStep | None) -> str:
        """Return the title, or one by rules if it says what the facts under the steps do not say.

        That is a name or a number, or a word of a fact that no step rests on. Its first word is seldom a name.
        """
        used = {fact_id for step in [*steps, *([state] if state else [])] for fact_id in step.fact_ids}
        facts = [fact for fact in self.facts.values() if str(fact.fact_id) in used]
        text = _clean(title)[:_TITLE_CHARACTERS].rstrip(" .:;,")
        lowered = f"{text[:1].lower()}{text[1:]}"
        said = words_of(fact.text for fact in facts)
        said_elsewhere = words_of(fact.text for fact in self.facts.values()) - said
        if (
            not text
            or said_elsewhere & words_of([text])
            or text_comparison.adds_details(lowered, [_with_days(fact) for fact in facts])
        ):
            return thread_by_rules.make_title(facts)
        return text


def _make_draft(matter: Matter, content: _Content, prompt_version: str, model: str) -> ThreadDraft:
    return ThreadDraft(
        thread_id=thread_question.thread_id(matter),
        input_digest=thread_question.matter_digest(matter),
        title=content.title,
        steps=content.steps,
        state=content.state,
        started_at=matter.started_at,
        last_said_at=matter.last_said_at,
        prompt_version=prompt_version,
        model=model,
    )


def _clean(value: object) -> str:
    """Return a text of the answer on one line, without secrets; empty if it is no text."""
    if not isinstance(value, str):
        return ""
    return credentials.redact(" ".join(make_storable(value).split()))[:_STEP_CHARACTERS].rstrip(" ;")


def _with_days(fact: MatterFact) -> str:
    """Return the fact's text and its day, in the forms in which a step may give it."""
    return f"{fact.text} {_forms_of(fact.day)}"


def _forms_of(day: date) -> str:
    month = _MONTHS[day.month - 1]
    forms = (day.isoformat(), f"{day:%Y-%m}", str(day.year), str(day.day), month, month[:3], _WEEKDAYS[day.weekday()])
    return " ".join(forms)


def _numbers(value: object) -> Iterator[int]:
    """Yield the numbers in [1, "2", "F3", "[4]"], or in one value with several."""
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, str):
            yield from (int(number) for number in _NUMBER.findall(item))
        elif isinstance(item, int | float) and not isinstance(item, bool) and 0 < item < 1_000_000:
            yield int(item)
