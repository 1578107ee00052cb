"""Asking the questions of a LoCoMo conversation, and printing how well recall found the turns that answer them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from rich.console import Console
from rich.text import Text

from afterturn import MemoryClient
from afterturn.memories import Memory
from afterturn.settings import Settings
from api_shim.cli.demo import answers, locomo, scoring
from api_shim.cli.demo.locomo import Conversation, Question
from api_shim.cli.demo.paragraphs import print_indented, print_markup
from api_shim.cli.demo.scoring import Mean, Scored

#: Memories recalled for each question, and the first turns behind them that count.
RECALLED = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A question with what was recalled for it."""

    question: Question
    memories: Sequence[Memory]
    scored: Scored
    seconds: float


def print_scores(conversation: Conversation, settings: Settings, console: Console, *, samples: int) -> None:
    """Ask all questions that have an answer; print R@10 by category, and so many of the questions."""
    asked = ask(conversation, settings)
    for one in _samples(asked, samples):
        _print_sample(one, console)
    if asked:
        _print_means(asked, console)


def ask(conversation: Conversation, settings: Settings) -> list[Asked]:
    """Ask every question of the categories 1 to 4, in a session of its own, and score what is recalled."""
    client = MemoryClient(conversation.conversation_id, answers.ASKING_SESSION, settings=settings)
    asked = []
    for question in conversation.questions:
        if question.category not in locomo.ANSWERABLE:
            continue
        began = time.perf_counter()
        memories = client.recall(question.text, RECALLED)
        seconds = time.perf_counter() - began
        recall = scoring.recall_at(RECALLED, scoring.ranked_turns(memories), question.evidence)
        scored = Scored(category=question.category, recall=recall)
        asked.append(Asked(question=question, memories=memories, scored=scored, seconds=seconds))
    return asked


def _samples(asked: Sequence[Asked], count: int) -> list[Asked]:
    """Return the first question of each category, then the second of each, and so on."""
    nth: dict[int, int] = {}
    order = []
    for one in asked:
        nth[one.question.category] = nth.get(one.question.category, 0) + 1
        order.append((nth[one.question.category], one.question.category))
    ranked = sorted(range(len(asked)), key=lambda index: order[index])
    return [asked[index] for index in ranked[:count]]


def _print_sample(asked: Asked, console: Console) -> None:
    question = asked.question
    console.print()
    about = f"  {locomo.CATEGORIES[question.category]}; gold: {question.answer}"
    print_indented(console, 0, Text.assemble((question.text, "bold"), (about, "dim")))
    answers.print_memories(asked.memories, console)
    names = ", ".join(sorted(question.evidence))
    print_indented(
        console, 2, Text(f"R@{RECALLED} {asked.scored.recall * 100:.0f}: the answer stands in {names}", "dim")
    )


def _print_means(asked: Sequence[Asked], console: Console) -> None:
    scored = [one.scored for one in asked]
    milliseconds = median(one.seconds for one in asked) * 1000
    console.print()
    print_markup(
        console,
        f"[bold]R@{RECALLED}[/], the part of the turns that answer a question among the first {RECALLED} recalled "
        f"[dim](median {milliseconds:.0f} ms a question)[/]",
    )
    for category, mean in scoring.means(scored).items():
        console.print(_line(f"{category} {locomo.CATEGORIES[category]}", mean))
    console.print(_line("overall", scoring.overall(scored)), style="bold")


def _line(name: str, mean: Mean) -> str:
    return f"  {name:<14} {mean.recall * 100:>5.1f}   of {mean.questions} questions"
