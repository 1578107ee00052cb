"""The scenario of the demo: the conversation in this package, and its questions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.console import Console

from afterturn.settings import Settings
from api_shim.cli.demo import answers, recorded
from api_shim.cli.demo.recorded import RecordedSession

#: About the rate of a few lively conversations at once, so that several stages work at the same time.
SHIPPED_PAUSE_SECONDS = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoScenario:
    """The sessions to replay, and the questions to ask afterwards."""

    #: The tenant of all its turns. It separates two scenarios in one data directory.
    tenant_id: str
    title: str
    sessions: Sequence[RecordedSession]
    #: The pause between two turns.
    pause_seconds: float
    #: Asks the questions and prints what is recalled.
    ask: Callable[[Settings, Console], None]

    @property
    def turns(self) -> int:
        return recorded.count_turns(self.sessions)


def make_shipped_scenario(question_limit: int | None) -> DemoScenario:
    """Return the scenario in this package. It asks the first `question_limit` questions, or all."""
    questions = recorded.shipped_questions()[:question_limit]
    sessions = recorded.shipped_sessions()

    def ask(settings: Settings, console: Console) -> None:
        answers.print_answers(questions, sessions, settings, console)
        answers.print_summaries(sessions, settings, console)

    title = ", ".join(f"{session.people[0]} in {session.turns[0].occurred_at:%B %Y}" for session in sessions)
    return DemoScenario(tenant_id="demo", title=title, sessions=sessions, pause_seconds=SHIPPED_PAUSE_SECONDS, ask=ask)
