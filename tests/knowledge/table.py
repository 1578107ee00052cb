"""Run the cases of the table through the real pipeline and read the resulting facts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Self

import psycopg
import psycopg.rows

import api_shim
from afterturn import settings
from afterturn.context.strategies import LastTurns
from afterturn.facts.fact import Fact
from api_shim import MemoryClient
from harness import servers
from harness.llm_server import LLMServer, answers, prompt
from harness.llm_server.prompt import ShownStatement
from harness.pipeline import Pipeline
from tests.knowledge.case import (
    AddFact,
    BatchStep,
    Case,
    CorrectFact,
    DeleteFact,
    KeepFact,
    PinFact,
    RemoveTurn,
    RepeatStep,
    Step,
    TurnText,
    UnpinFact,
    parse_time,
)

USER = "ana"
#: More facts than any case has.
ALL = 1_000


class Table:
    """The LLM server and the pipelines that all cases share."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        """Open nothing yet. `variables` are the settings of the servers."""
        self._variables = variables
        self._server = LLMServer(answer=lambda request: self._run and self._run.answer(request))
        self._run: _CaseRun | None = None
        self._pipelines: dict[bool, Pipeline] = {}
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self._stack.enter_context(self._server)
        with_model = {"AFTERTURN_LLM_BASE_URL": self._server.base_url, "AFTERTURN_EMBEDDER": "hashing"}
        for is_offline, more in ((True, {}), (False, with_model)):
            opened = Pipeline(settings.load({**self._variables, **more}))
            self._pipelines[is_offline] = self._stack.enter_context(opened)
        return self

    def __exit__(self, *exception: object) -> None:
        self._stack.close()
        api_shim.close_connections()

    def run(self, case: Case) -> FinalState:
        """Run a case on empty servers and return the resulting facts."""
        pipeline = self._pipelines[case.is_offline]
        servers.empty(pipeline.settings)
        pipeline.hints.waiting.clear()
        self._server.forget()
        run = self._run = _CaseRun(case, pipeline)
        for number in range(1, len(case.steps) + 1):
            run.run_step(number)
        assert self._server.model.errors == []
        return FinalState(run, judging_calls=len(self._server.calls("judge")))


class _CaseRun:
    """The run of one case."""

    def __init__(self, case: Case, pipeline: Pipeline) -> None:
        self.case = case
        self.settings = pipeline.settings
        self.memory = MemoryClient(USER, "chat", settings=self.settings)
        #: Number of a step -> the time after it.
        self.after: dict[int, datetime] = {}
        self._pipeline = pipeline
        self._answering: BatchStep | None = None
        if case.timezone != "UTC":
            self._set_timezone()

    def run_step(self, number: int) -> None:
        """Run one step and process everything that it causes."""
        step = self.case.steps[number - 1]
        self._apply(self.case.steps[step.step - 1] if isinstance(step, RepeatStep) else step)
        self._pipeline.settle()
        self.after[number] = datetime.now(UTC)

    def _apply(self, step: Step) -> None:
        memory = self.memory
        match step:
            case BatchStep():
                self._answering = step
                turns = [self._written(turn) for turn in step.turns]
                MemoryClient(step.user_id, step.session, settings=self.settings).write_many(turns)
            case RemoveTurn():
                [turn] = [turn for turn in self._turns() if turn.text == step.text]
                MemoryClient(USER, step.session, settings=self.settings).remove(turn.turn_id)
            case AddFact():
                memory.add_fact(step.text, **step.fields)
            case CorrectFact():
                memory.correct_fact(self.current(step.old).fact_id, step.new, **step.fields)
            case PinFact():
                memory.pin_fact(self.current(step.text).fact_id)
            case UnpinFact():
                memory.unpin_fact(self.current(step.text).fact_id)
            case KeepFact():
                memory.keep_fact(self.current(step.text).fact_id)
            case DeleteFact():
                memory.delete_fact(self.current(step.text).fact_id)

    def users(self) -> list[str]:
        """Return the users who occur in the case."""
        return sorted({USER, *(step.user_id for step in self.case.steps if isinstance(step, BatchStep))})

    def facts_of(self, user: str) -> list[Fact]:
        """Return a user's current facts."""
        return MemoryClient(user, settings=self.settings).facts(limit=ALL)

    def current(self, text: str) -> Fact:
        """Return the current fact with this text, also if it has faded."""
        listed = self.memory.facts(include_faded=True, limit=ALL)
        [matching] = [fact for fact in listed if fact.text == text]
        return matching

    def answer(self, request: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Return the answer of the case to an LLM call."""
        match prompt.kind_of(request):
            case "extract":
                assert self._answering is not None and self._answering.answered is not None
                return {"facts": self._facts(request, self._answering), "episode": None}
            case "judge":
                return answers.judgement(*self._pairs(prompt.shown_statements(request)))
        return None

    def _facts(self, request: Mapping[str, Any], batch: BatchStep) -> list[dict[str, Any]]:
        shown = {turn.number: turn.content for turn in prompt.shown_turns(request)}
        return [
            answers.fact(
                answered.text, [(answered.turn, answered.quote or shown.get(answered.turn, ""))], **answered.fields
            )
            for answered in batch.answered or ()
        ]

    def _pairs(self, shown: Sequence[ShownStatement]) -> list[tuple[str, str, str]]:
        new = [statement for statement in shown if statement.label.startswith("N")]
        pairs = []
        for place, first in enumerate(new):
            others = [statement for statement in shown if statement.label.startswith("K")] + new[:place]
            for other in others:
                if verdict := self._verdict(first.text, other.text):
                    pairs.append((first.label, other.label, verdict))
                elif verdict := self._verdict(other.text, first.text):
                    pairs.append((other.label, first.label, verdict))
        return [*self.case.judge_says, *pairs]

    def _verdict(self, one: str, other: str) -> str | None:
        """Return what the case says that the first statement is to the second."""
        case = self.case
        directed = {"refines": case.refines, "ends": case.ends}
        for verdict, pairs in directed.items():
            if (one, other) in pairs:
                return verdict
        undirected = {"same": case.same, "replaces": case.replaces, "contradicts": case.contradicts}
        pair = {one, other}
        return next(
            (verdict for verdict, pairs in undirected.items() if any(pair == set(named) for named in pairs)), None
        )

    def _written(self, turn: TurnText) -> dict[str, Any]:
        known = [fact for user in self.users() for fact in self.facts_of(user)]
        shown = [fact.fact_id for fact in known if fact.text in turn.memories_shown]
        return {
            "role": turn.role,
            "content": turn.text,
            "turn_id": turn.turn_id,
            "name": turn.name,
            "occurred_at": parse_time(turn.when),
            "memories_shown": shown,
        }

    def _turns(self) -> list[TurnText]:
        return [turn for step in self.case.steps if isinstance(step, BatchStep) for turn in step.turns]

    def _set_timezone(self) -> None:
        """Set the timezone in the database, because no client call does."""
        with psycopg.connect(self.settings.postgres_url.get_secret_value(), autocommit=True) as connection:
            connection.execute(
                "INSERT INTO users (tenant_id, user_id, timezone) VALUES (%s, %s, %s)",
                (self.settings.tenant, USER, self.case.timezone),
            )


@dataclass(slots=True)
class FinalState:
    """The facts after a case, in the form of the case's expectations."""

    run: _CaseRun
    judging_calls: int
    #: All facts, retracted ones included, in the order in which they were recorded.
    facts: list[dict[str, Any]] = field(init=False)
    rejected: list[str] = field(init=False)
    overruled: dict[str, int] = field(init=False)

    def __post_init__(self) -> None:
        url = self.run.settings.postgres_url.get_secret_value()
        with psycopg.connect(url, autocommit=True, row_factory=psycopg.rows.dict_row) as connection:
            self.facts = connection.execute(
                "SELECT * FROM facts WHERE user_id = %s ORDER BY recorded_at, fact_id", (USER,)
            ).fetchall()
            rows = connection.execute("SELECT reason FROM rejections WHERE user_id = %s", (USER,)).fetchall()
            self.rejected = sorted(row["reason"] for row in rows)
            rows = connection.execute("SELECT name, count FROM counters WHERE name LIKE 'overruled%'").fetchall()
            self.overruled = {row["name"]: row["count"] for row in rows}

    def current(self, user: str = USER) -> list[str]:
        return sorted(fact.text for fact in self.run.facts_of(user))

    def faded(self) -> list[str]:
        listed = self.run.memory.facts(include_faded=True, limit=ALL)
        return sorted({fact.text for fact in listed} - set(self.current()))

    def line(self, text: str) -> str:
        """Return the line of a fact in a context, without the brackets before it."""
        [message, *_] = self.run.memory.context(text, 2_000, history=LastTurns(0)).messages
        [line] = [line for line in message["content"].splitlines() if "- [fact " in line and text in line]
        return line.partition("] ")[2]

    def contradicting(self) -> list[tuple[str, str]]:
        pairs = self.run.memory.contradictions()
        return sorted((pair.facts[0].text, pair.facts[1].text) for pair in pairs)

    def history(self, text: str) -> list[str]:
        return [version.text for version in self.run.memory.fact_history(self.fact(text).fact_id)]

    def ended(self) -> list[tuple[str, str]]:
        return sorted((row["text"], row["ended_because"]) for row in self.facts if row["status"] != "current")

    def true_on(self, when: str) -> list[str]:
        return sorted(fact.text for fact in self.run.memory.facts(as_of=parse_time(when), limit=ALL))

    def believed_after(self, step: int) -> list[str]:
        facts = self.run.memory.facts(as_of=self.run.after[step], time="recorded", limit=ALL)
        return sorted(fact.text for fact in facts)

    def fact(self, text: str) -> Fact:
        """Return the current fact with this text."""
        return self.run.current(text)

    def valid_times(self, text: str) -> tuple[datetime | None, datetime | None]:
        [row] = [row for row in self.facts if row["text"] == text]
        return row["valid_from"], row["valid_to"]
