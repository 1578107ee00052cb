"""Score the facts of a user against the gold: lost, doubled, stale and wrongly superseded facts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import combinations

from bench.data.conversation import Gold, SaidTurn, Update, normalised

_FOR_EVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class FactRow:
    """A row of a fact in Postgres."""

    text: str
    #: current, superseded or retracted.
    status: str
    recorded_at: datetime
    superseded_at: datetime | None = None
    #: The text of the fact that superseded it.
    superseded_by: str | None = None
    #: (id of the turn, quote)
    evidence: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Miss:
    """One fault."""

    #: The name of its figure.
    figure: str
    text: str
    why: str = ""


@dataclass(slots=True)
class Score:
    """Counts that can be summed over users, and all faults."""

    facts: int = 0
    kept: int = 0
    updates: int = 0
    misses: list[Miss] = field(default_factory=list)

    def add(self, other: Score) -> None:
        """Add another user's score to this one."""
        self.facts += other.facts
        self.kept += other.kept
        self.updates += other.updates
        self.misses += other.misses

    def count(self, figure: str) -> int:
        """Return the number of faults of one kind."""
        return sum(miss.figure == figure for miss in self.misses)


class Expected:
    """The facts that are expected from the gold of one user."""

    def __init__(self, gold: Iterable[Gold], updates: Iterable[Update], turns: Mapping[str, SaidTurn]) -> None:
        self.turns = turns
        self.texts: dict[str, str] = {}
        self._sources: dict[str, set[str]] = defaultdict(set)
        for said in gold:
            self.texts.setdefault(normalised(said.text), said.text)
            self._sources[normalised(said.text)].update(said.turn_ids)
        pairs = [(normalised(update.old), normalised(update.new)) for update in updates]
        #: (old, new) pairs whose new value was said last. In other pairs the data contradict themselves.
        self.updates = [pair for pair in pairs if self.said_last(pair[0]) < self.said_last(pair[1])]
        #: Facts that are not current at the end: of two contradicting ones, only the one that was said last is current.
        self.replaced = {min(pair, key=self.said_last) for pair in pairs}

    def sources(self, text: str) -> set[str]:
        """Return the ids of the turns with this text; none if it is not a gold fact."""
        return self._sources.get(text, set())

    def said_last(self, text: str) -> datetime:
        """Return the time at which a text was last said."""
        return max(self.turns[turn_id].at for turn_id in self._sources[text])


def score(rows: Sequence[FactRow], expected: Expected) -> Score:
    """Compare the facts of one user with the expected ones."""
    by_text: dict[str, list[FactRow]] = defaultdict(list)
    for row in rows:
        if row.status != "retracted":
            by_text[normalised(row.text)].append(row)
    scored = Score(
        facts=len(expected.texts),
        kept=len(expected.texts.keys() - expected.replaced),
        updates=len(expected.updates),
    )
    for text, shown in expected.texts.items():
        scored.misses += _of_fact(text, shown, by_text.get(text, ()), expected)
    for text, found in by_text.items():
        if text not in expected.texts:
            scored.misses.append(Miss(figure="facts_unknown", text=found[0].text))
        elif wrong := next((why for row in found if (why := _wrong_evidence(row, expected))), ""):
            scored.misses.append(Miss(figure="evidence_wrong", text=found[0].text, why=wrong))
    for old, new in expected.updates:
        if any(row.status == "current" for row in by_text.get(old, ())):
            scored.misses.append(Miss(figure="stale_current", text=expected.texts[old], why=expected.texts[new]))
    return scored


def _of_fact(text: str, shown: str, rows: Sequence[FactRow], expected: Expected) -> Iterable[Miss]:
    if not rows:
        yield Miss(figure="facts_lost", text=shown)
        return
    if any(_were_both_current(*pair) for pair in combinations(rows, 2)):
        yield Miss(figure="facts_doubled", text=shown)
    if text not in expected.replaced and not any(row.status == "current" for row in rows):
        yield Miss(figure="wrongly_superseded", text=shown, why=rows[-1].superseded_by or "")
    if missing := expected.sources(text) - {turn_id for row in rows for turn_id, _ in row.evidence}:
        yield Miss(figure="evidence_missing", text=shown, why=", ".join(sorted(missing)))


def _were_both_current(one: FactRow, other: FactRow) -> bool:
    """Return whether both were current at the same time. A value that became current again later is not doubled."""
    if one.status == other.status == "current":
        return True
    return max(one.recorded_at, other.recorded_at) < min(
        one.superseded_at or _FOR_EVER, other.superseded_at or _FOR_EVER
    )


def _wrong_evidence(row: FactRow, expected: Expected) -> str:
    if not row.evidence:
        return "none"
    for turn_id, quote in row.evidence:
        if turn_id not in expected.sources(normalised(row.text)):
            return f"{turn_id} does not say it"
        if not quote.strip() or normalised(quote) not in normalised(expected.turns[turn_id].content):
            return f"{turn_id} has no such words"
    return ""
