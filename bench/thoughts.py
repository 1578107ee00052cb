"""Compare rules for the end of a thought: `python -m bench.thoughts [--users N] [--json]`.

No server runs. Chats are simulated at several paces, and each rule says how long a session has to be silent until its
turns are cut. For each pace and rule: the time from the end of a thought to its cut, and the batches per 100 turns. The
time of the stages after the cut, 1 to 3 s, comes on top.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Callable, Iterator, Sequence
from statistics import median

from rich.console import Console
from rich.table import Table

from afterturn import settings as settings_module
from afterturn.batches import thoughts
from afterturn.batches.cut import Limits, UncutTurn
from afterturn.settings import Settings
from bench import report, timing
from bench.workload import Pace, PlannedTurn

THOUGHTS_PER_USER = 4
TOKENS = 30
LONG_PAUSE = (180.0, 3_600.0)

#: How long a session has to be silent: of its waiting turns, and of the times of earlier ones.
Rule = Callable[[Sequence[UncutTurn], Sequence[float]], float]


def paces() -> dict[str, Pace]:
    """Return the simulated chats."""
    found = {}
    for gap_seconds, spread in ((1.0, 0.5), (2.0, 0.5), (4.0, 0.6), (8.0, 0.6), (15.0, 0.7), (30.0, 0.7)):
        found[f"{gap_seconds:g} s"] = Pace(gap_seconds=gap_seconds, spread=spread, pause_seconds=LONG_PAUSE)
        found[f"{gap_seconds:g} s, short"] = Pace(
            gap_seconds=gap_seconds, spread=spread, turns=6.0, pause_seconds=LONG_PAUSE
        )
    return found


def rules(settings: Settings) -> dict[str, Rule]:
    """Return the rules by name: fixed idle times, and the rhythm that afterturn uses."""
    limits = Limits(turns=settings.batch_turns, tokens=settings.batch_tokens)

    def by_rhythm(uncut: Sequence[UncutTurn], earlier: Sequence[float]) -> float:
        return thoughts.wait_seconds(uncut, earlier, limits, idle_seconds=settings.batch_idle_seconds)

    return {"fixed_30": lambda uncut, earlier: 30.0, "fixed_7": lambda uncut, earlier: 7.0, "rhythm": by_rhythm}


def simulated(pace: Pace, rule: Rule, settings: Settings, *, users: int) -> dict[str, float]:
    """Return the percentiles of the seconds from the end of a thought to its cut, and the batches per 100 turns."""
    lot = random.Random(users)
    waits: list[float] = []
    turns = batches = 0
    for _ in range(users):
        said = list(_said(pace, lot))
        turns += len(said)
        ends = {turn.thought: turn.seconds for turn in said}
        cuts: dict[int, float] = {}
        for cut_at, batch in _cuts(said, rule, settings):
            batches += 1
            cuts |= dict.fromkeys((turn.thought for turn in batch), cut_at)
        waits += [cuts[thought] - ended for thought, ended in ends.items()]
    return {
        "p50_s": round(median(waits), 1),
        "p95_s": round(timing.percentile(waits, 0.95), 1),
        "batches_per_100_turns": round(100 * batches / turns, 1),
    }


def _said(pace: Pace, lot: random.Random) -> Iterator[PlannedTurn]:
    now = 0.0
    for thought in range(THOUGHTS_PER_USER):
        for gap in pace.thought(lot):
            now += gap
            yield PlannedTurn(now, "user", thought)
        now += lot.uniform(*pace.pause_seconds)


def _cuts(said: Sequence[PlannedTurn], rule: Rule, settings: Settings) -> Iterator[tuple[float, list[PlannedTurn]]]:
    """Yield the batches of one session, each with the time of its cut."""
    waiting: list[PlannedTurn] = []
    times: list[float] = []
    due = 0.0
    for turn in said:
        if waiting and turn.seconds > due:
            yield due, waiting
            waiting = []
        waiting.append(turn)
        times.append(turn.seconds)
        if len(waiting) >= settings.batch_turns:
            yield turn.seconds, waiting
            waiting = []
        else:
            uncut = [UncutTurn(place, TOKENS, one.seconds) for place, one in enumerate(waiting)]
            earlier = times[: len(times) - len(waiting)][-thoughts.EARLIER_TURNS :]
            due = min(turn.seconds + rule(uncut, earlier), waiting[0].seconds + settings.batch_max_age_seconds)
    if waiting:
        yield due, waiting


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.thoughts", description=__doc__)
    parser.add_argument("--users", type=int, default=100, help="sessions of each pace (%(default)s)")
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    arguments = parser.parse_args()
    settings = settings_module.load({})
    figures = {
        pace_name: {
            name: simulated(pace, rule, settings, users=arguments.users) for name, rule in rules(settings).items()
        }
        for pace_name, pace in paces().items()
    }
    if arguments.json:
        print(report.as_json(figures))
    else:
        _show(figures)


def _show(figures: dict[str, dict[str, dict[str, float]]]) -> None:
    table = Table(title="From the end of a thought to its cut: p50 and p95 in seconds, batches per 100 turns")
    for column in ("gap", *next(iter(figures.values()))):
        table.add_column(column, no_wrap=True)
    for pace_name, by_rule in figures.items():
        table.add_row(pace_name, *("  ".join(f"{value:g}" for value in found.values()) for found in by_rule.values()))
    Console(width=report.WIDTH_OF_FILES).print(table)


if __name__ == "__main__":
    main()
