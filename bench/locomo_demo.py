"""Run the demo with a LoCoMo conversation: `python -m bench.locomo_demo --data FILE [--conversation ID]`.

Like `afterturn demo`, it starts servers and workers, writes the turns, waits until they are memory, asks all questions,
and stops everything. It prints some of the answers, and R@10: the share of the turns that answer a question among the
first ten recalled turns.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.text import Text

from afterturn.errors import AfterturnError
from afterturn.settings import Settings
from afterturn.turns import Turn
from api_shim.cli.demo import answers, run
from api_shim.cli.demo.paragraphs import print_indented, print_markup
from api_shim.cli.demo.recorded import RecordedSession
from api_shim.cli.demo.scenario import DemoScenario
from bench import asking
from bench.asking import Answered
from bench.data import locomo
from bench.data.conversation import NotTheData, SaidTurn, Session
from bench.data.questions import Labelled

#: The printed figure: recall among the first ten turns.
DEPTH = 10
FIGURE = f"recall_at_{DEPTH}"
#: The number of questions whose answers are printed: one of each category.
SAMPLES = len(locomo.CATEGORIES)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.locomo_demo", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="a file of github.com/snap-research/LoCoMo")
    parser.add_argument("--conversation", help="the conversation's id (default: the first one of the file)")
    parser.add_argument(
        "--questions", type=int, default=SAMPLES, help="number of printed answers; all are asked (%(default)s)"
    )
    parser.add_argument("--data-dir", type=Path, help="run in this directory and keep it (default: nothing is kept)")
    parser.add_argument("--no-flower", action="store_true", help="do not start the web page that shows the tasks")
    parser.add_argument("--timeout", type=float, default=300, help="seconds until all is processed (%(default)s)")
    arguments = parser.parse_args()
    try:
        labelled = chosen(arguments.data, arguments.conversation)
        code = run.run_demo(
            make_scenario(labelled, samples=arguments.questions),
            data_dir=arguments.data_dir,
            with_flower=not arguments.no_flower,
            timeout_seconds=arguments.timeout,
        )
    except (NotTheData, AfterturnError) as error:
        raise SystemExit(str(error)) from None
    raise SystemExit(code)


def chosen(data: Path, conversation_id: str | None) -> Labelled:
    """Return the conversation with this id, or the first one. Raises NotTheData if there is none."""
    conversations = {labelled.conversation.user_id: labelled for labelled in locomo.load_questions(data)}
    if not conversations:
        raise NotTheData(f"{data} contains no conversation")
    name = next(iter(conversations)) if conversation_id is None else conversation_id
    if name not in conversations:
        raise NotTheData(f"{data} contains no conversation {name}, only {', '.join(conversations)}")
    return conversations[name]


def make_scenario(labelled: Labelled, *, samples: int) -> DemoScenario:
    """Return the scenario of the demo. It asks all questions and prints `samples` of them."""
    conversation = labelled.conversation
    sessions = [_recorded(conversation.user_id, session) for session in conversation.sessions]
    people = " and ".join(dict.fromkeys(name for session in sessions for name in session.people))
    return DemoScenario(
        tenant_id=f"demo-{conversation.user_id}",
        title=f"LoCoMo {conversation.user_id}, {people}",
        sessions=sessions,
        pause_seconds=0,
        ask=lambda settings, console: print_scores(labelled, settings, console, samples=samples),
    )


def _recorded(user_id: str, session: Session) -> RecordedSession:
    turns = tuple(_turn(turn) for turn in session.turns)
    return RecordedSession(user_id=user_id, session_id=session.session_id, turns=turns)


def _turn(turn: SaidTurn) -> Turn:
    return Turn(turn_id=turn.turn_id, role=turn.role, name=turn.name, content=turn.content, occurred_at=turn.at)


def print_scores(labelled: Labelled, settings: Settings, console: Console, *, samples: int) -> None:
    """Ask all questions; print `samples` answers, and R@10 by category."""
    user_id = labelled.conversation.user_id
    answered = [asking.ask(user_id, asked, settings) for asked in labelled.questions]
    for one in _samples(answered, samples):
        _print_sample(one, console)
    if answered:
        _print_means(answered, console)


def _samples(answered: Sequence[Answered], count: int) -> list[Answered]:
    """Return the first question of each category, then the second of each, and so on."""
    seen: dict[str, int] = defaultdict(int)
    order = []
    for place, one in enumerate(answered):
        category = one.asked.category
        seen[category] += 1
        order.append((seen[category], category, place))
    return [answered[place] for _, _, place in sorted(order)[:count]]


def _print_sample(answered: Answered, console: Console) -> None:
    asked = answered.asked
    console.print()
    about = f"  {locomo.CATEGORIES[asked.category]}; gold: {asked.answer}"
    print_indented(console, 0, Text.assemble((asked.text, "bold"), (about, "dim")))
    answers.print_memories(answered.memories, console)
    found = asking.score(answered).figures[FIGURE] * 100
    names = ", ".join(sorted(asked.evidence))
    print_indented(console, 2, Text(f"R@{DEPTH} {found:.0f}: the answer is in {names}", "dim"))


def _print_means(answered: Sequence[Answered], console: Console) -> None:
    scored = [asking.score(one) for one in answered]
    milliseconds = median(one.seconds for one in answered) * 1000
    console.print()
    print_markup(
        console,
        f"[bold]R@{DEPTH}[/], the share of the turns that answer a question among the first {DEPTH} recalled "
        f"[dim](median {milliseconds:.0f} ms a question)[/]",
    )
    for category, mean in asking.by_category(scored).items():
        console.print(_line(f"{category} {locomo.CATEGORIES[category]}", mean))
    console.print(_line("overall", asking.means(scored)), style="bold")


def _line(name: str, mean: dict[str, float]) -> str:
    return f"  {name:<14} {mean[FIGURE] * 100:>5.1f}   of {mean['questions']} questions"


if __name__ == "__main__":
    main()
