"""Ask questions in a new session, and print the recalled memories with their evidence."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from rich.console import Console
from rich.text import Text

from afterturn import MemoryClient
from afterturn.memories import Evidence, Memory
from afterturn.settings import Settings
from api_shim.cli.demo.paragraphs import print_indented
from api_shim.cli.demo.recorded import RecordedQuestion, RecordedSession

#: The questions are asked in a separate session, so that the memories come from other conversations.
ASKING_SESSION = "questions"
RECALLED = 5
SHOWN = 2
#: A memory whose score is below this fraction of the best score is not printed.
SHOWN_FROM = 0.75


def print_answers(
    questions: Sequence[RecordedQuestion],
    sessions: Sequence[RecordedSession],
    settings: Settings,
    console: Console,
) -> None:
    """Ask each question and print the first memories."""
    names = {session.user_id: session.people[0] for session in sessions}
    for question in questions:
        memories = MemoryClient(question.user_id, ASKING_SESSION, settings=settings).recall(question.text, RECALLED)
        console.print()
        print_indented(console, 0, Text(f"{names[question.user_id]} asks: {question.text}", "bold"))
        print_memories(memories, console)


def print_memories(memories: Sequence[Memory], console: Console) -> None:
    """Print the first memories whose scores are near the best one."""
    shown = without_repetition(memories)[:SHOWN]
    if not shown:
        print_indented(console, 2, Text("(nothing)", "dim"))
    for memory in shown:
        if memory.score >= SHOWN_FROM * shown[0].score:
            print_memory(memory, console)


def without_repetition(memories: Sequence[Memory]) -> list[Memory]:
    """Return the memories in their order, without raw turns that are evidence of a fact in the list."""
    quoted = {said.turn_id for memory in memories if memory.kind == "fact" for said in memory.evidence}
    return [memory for memory in memories if memory.kind == "fact" or memory.memory_id not in quoted]


def print_memory(memory: Memory, console: Console) -> None:
    """Print one memory: its text, its evidence, and the texts of superseded facts."""
    if memory.kind != "fact":
        print_indented(console, 2, Text.assemble(("○ ", "dim"), _quoted(memory.evidence[0])))
        return
    print_indented(console, 2, Text.assemble(("● ", "green"), memory.text))
    for said in memory.evidence:
        print_indented(console, 4, _quoted(said))
    for text in memory.superseded_texts:
        print_indented(console, 4, Text.assemble(("before: ", "yellow"), (text, "yellow")))


def print_summaries(sessions: Sequence[RecordedSession], settings: Settings, console: Console) -> None:
    """Print the summary of each session."""
    console.print("\n[bold]Session summaries[/]")
    for session in sessions:
        summary = MemoryClient(session.user_id, session.session_id, settings=settings).summary()
        console.print(f"  {session.people[0]}, {session.session_id}")
        print_indented(console, 4, Text(summary or "(none)", "dim"))


def _quoted(said: Evidence) -> Text:
    quote = " ".join(said.quote.split())
    return Text.assemble((f"“{quote}” ", "italic"), (f"{said.speaker}, {_day(said.said_at)}", "cyan"))


def _day(moment: datetime) -> str:
    return f"{moment.day} {moment:%b %Y}"
