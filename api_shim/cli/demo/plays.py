"""What the demo shows: the conversation that ships with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.console import Console

from afterturn.settings import Settings
from api_shim.cli.demo import answers, recorded
from api_shim.cli.demo.recorded import RecordedSession

#: About as fast as a few lively conversations at once, so that one sees the stages work side by side.
SHIPPED_PAUSE_SECONDS = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Play:
    """What is replayed, and what is asked afterwards."""

    #: The tenant that it is written under; two plays in one directory do not meet.
    tenant_id: str
    title: str
    sessions: Sequence[RecordedSession]
    #: Between two turns.
    pause_seconds: float
    #: Asks the questions and prints what is recalled.
    ask: Callable[[Settings, Console], None]

    @property
    def turns(self) -> int:
        return recorded.count_turns(self.sessions)


def shipped(question_limit: int | None) -> Play:
    """Return the play that ships with afterturn; it asks so many of its questions, or all."""
    questions = recorded.shipped_questions()[:question_limit]
    sessions = recorded.shipped_sessions()

    def ask(settings: Settings, console: Console) -> None:
        answers.print_answers(questions, sessions, settings, console)
        answers.print_summaries(sessions, settings, console)

    held = ", ".join(f"{session.people[0]} in {session.turns[0].occurred_at:%B %Y}" for session in sessions)
    return Play(tenant_id="demo", title=held, sessions=sessions, pause_seconds=SHIPPED_PAUSE_SECONDS, ask=ask)
