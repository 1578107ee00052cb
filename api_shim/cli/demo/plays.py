"""What the demo can show: the conversation that ships with it, or one of LoCoMo."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from afterturn.settings import Settings
from api_shim.cli.demo import answers, locomo, locomo_report, recorded
from api_shim.cli.demo.recorded import RecordedSession

#: About as fast as a few lively conversations at once, so that one sees the stages work side by side.
SHIPPED_PAUSE_SECONDS = 0.02
#: One question of each category.
LOCOMO_SAMPLES = 4


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


def of_locomo(path: Path, conversation_id: str | None, sample_limit: int | None) -> Play:
    """Return the play of a LoCoMo conversation; it scores all questions and prints so many. Raises InvalidInput."""
    conversation = locomo.load(path, conversation_id)
    samples = LOCOMO_SAMPLES if sample_limit is None else sample_limit

    def ask(settings: Settings, console: Console) -> None:
        locomo_report.print_scores(conversation, settings, console, samples=samples)

    people = " and ".join(dict.fromkeys(name for session in conversation.sessions for name in session.people))
    return Play(
        tenant_id=f"demo-{conversation.conversation_id}",
        title=f"LoCoMo {conversation.conversation_id}, {people}",
        sessions=conversation.sessions,
        pause_seconds=0,
        ask=ask,
    )
