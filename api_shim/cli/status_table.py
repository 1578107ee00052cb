"""The output of `afterturn status`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table

from afterturn.endpoints.breaker import BreakerState
from afterturn.hot.backlog import HotBacklog
from afterturn.hot.heartbeats import Heartbeats
from afterturn.hot.memory import Memory
from afterturn.watching.backlog import Backlog
from afterturn.watching.status import Selection, Status, StoredState

#: Step of an open batch -> the work that it waits for.
_STEPS = {"pending": "to extract", "extracted": "to embed", "unjudged": "to judge", "embedded": "to apply"}
Row = tuple[str, str, str, str]


def make_view(status: Status) -> RenderableType:
    """Return the whole output: a line on the objective, a line for each server that is away, and the tables."""
    parts: list[RenderableType] = [_headline(status)]
    if status.hot is not None:
        parts += _missing(status, status.hot.heartbeats)
        parts += [f"[bold yellow]{escape(found.describe())}[/]" for found in status.hot.different_settings]
    if status.stored is not None and status.stored.outcomes.is_mass_death:
        parts.append(_mass_death(status.stored, status.selection))
    if status.stored is not None:
        parts += [f"[bold yellow]{escape(warning)}[/]" for warning in status.stored.warnings]
    parts += [f"[bold red]{server} is away:[/] {escape(what)}" for server, what in status.away.items()]
    waiting = Table("waiting", "count", "oldest", "")
    for row in _rows(status):
        waiting.add_row(*row)
    parts.append(waiting)
    if status.stored is not None:
        parts += ["", _freshness_title(status.stored, status.selection), _freshness(status.stored)]
        parts += ["", _today(status.stored)]
    return Group(*parts)


def _headline(status: Status) -> str:
    oldest = _age(status.oldest_seconds) or "none"
    aim = f"oldest unprocessed turn: {oldest} (objective: {_age(status.objective_seconds)})"
    verdict = {
        True: "[bold green]objective met[/]",
        False: "[bold red]objective MISSED[/]",
        None: "[bold yellow]objective unknown[/]",
    }[status.is_objective_met]
    return f"{verdict} · {_whose(status.selection)} · {status.at:%Y-%m-%d %H:%M:%S} UTC · {aim}"


def _missing(status: Status, heartbeats: Heartbeats) -> Iterator[str]:
    """Yield a line for missing workers, one for missing sweeps, and one for each part that exits again and again."""
    if status.stages_without_workers:
        yield f"[bold red]no worker serves[/] {', '.join(status.stages_without_workers)}: start `afterturn worker`"
    if not status.is_sweeping:
        last = (
            "none within a day"
            if heartbeats.sweep_seconds is None
            else f"the last {_age(heartbeats.sweep_seconds)} ago"
        )
        yield f"[bold red]no sweep is completed[/] ({last}): is `afterturn beat` running?"
    for part in heartbeats.restarting:
        which = f"{escape(part.part)} on {escape(part.host)}"
        yield f"[bold red]{which} has exited {part.deaths} times in a row[/], the last time with {escape(part.ended)}"


def _mass_death(stored: StoredState, selection: Selection) -> str:
    outcomes = stored.outcomes
    share = f"{outcomes.dead:,} of {outcomes.dead + outcomes.applied:,} batches"
    minutes = f"in the last {selection.freshness_minutes:g} minutes"
    return (
        f"[bold red]MASS DEATH:[/] {share} became dead {minutes}; fix the cause, then run `afterturn dead replay --all`"
    )


def _whose(selection: Selection) -> str:
    if selection.tenant_id is None:
        return "all tenants"
    user = "" if selection.user_id is None else f", user {selection.user_id}"
    return escape(f"tenant {selection.tenant_id}{user}")


def _rows(status: Status) -> Iterator[Row]:
    if status.hot is not None:
        yield _pending(status.hot.pending)
        if status.memory is not None:
            yield _memory(status.memory)
    if status.stored is not None:
        yield from _open(status.stored.backlog)
        yield _dead(status.stored)
        yield from _other_debts(status.stored.backlog)
        yield _rejected(status.stored)
        yield from _spaces(status.stored)
    if status.queues is not None:
        depths = ", ".join(f"{stage} {depth}" for stage, depth in status.queues.items() if depth)
        yield ("messages at the broker", f"{sum(status.queues.values()):,}", "", depths)
    elif "broker" not in status.away:
        yield ("messages at the broker", "unknown", "", "the broker is not a plain Redis")
    if status.hot is not None:
        yield from _heartbeats(status.hot.heartbeats)
        yield from (_breaker(name, state) for name, state in status.hot.breakers.items())
    if status.stored is not None:
        yield from (
            (name.replace("_", " "), f"{count:,}", "", "in total") for name, count in status.stored.counters.items()
        )


def _pending(pending: HotBacklog) -> Row:
    share = pending.largest_shard_bytes / pending.limit_bytes_per_shard
    size = f"{pending.bytes:,} bytes; the largest shard is at {share:.0%} of its limit"
    note = f"[bold red]ALARM: {size}[/]" if pending.is_alarming else size
    return ("sessions to archive (Redis)", f"{pending.sessions:,}", _age(pending.oldest_seconds), note)


def _memory(memory: Memory) -> Row:
    share = "" if memory.share is None else f", {memory.share:.0%} of its maxmemory"
    room = f"{memory.used_bytes:,} bytes{share}"
    warning = memory.warning()
    return ("memory of Redis", "", "", f"[bold red]ALARM: {room}. {warning}[/]" if warning else room)


def _open(owed: Backlog) -> Iterator[Row]:
    uncut = owed.uncut
    note = f"in {uncut.sessions:,} sessions" if uncut.sessions else ""
    yield ("turns to cut", f"{uncut.turns:,}", _age(uncut.oldest_seconds), note)
    for name, step in owed.steps.items():
        yield (f"batches {_STEPS[name]}", f"{step.count:,}", _age(step.oldest_seconds), "")
    paused = owed.paused
    until = f"[yellow]the last until {_clock(paused.until)}[/]" if paused.until else ""
    yield ("of these paused", f"{paused.count:,}", "", until)


def _other_debts(owed: Backlog) -> Iterator[Row]:
    note = "low priority" if owed.imported_turns else ""
    yield ("imported turns to cut", f"{owed.imported_turns:,}", "", note)
    yield ("summaries owed", f"{owed.owed_summaries:,}", "", "")
    yield ("erasures unfinished", f"{owed.unfinished_erasures:,}", "", "")
    lapsed = f"[yellow]and {owed.leases.lapsed:,} lapsed[/]" if owed.leases.lapsed else ""
    yield ("leases", f"{owed.leases.held:,}", "", lapsed)


def _dead(stored: StoredState) -> Row:
    reasons = "; ".join(f"{escape(reason)}: {count:,}" for reason, count in stored.dead_reasons.items())
    discarded = f"({stored.backlog.discarded:,} discarded)" if stored.backlog.discarded else ""
    count = sum(stored.dead_reasons.values())
    note = f"[bold yellow]{reasons}[/] {discarded}" if count else discarded
    return ("batches dead", f"{count:,}", "", note)


def _rejected(stored: StoredState) -> Row:
    reasons = "; ".join(f"{escape(reason)}: {count:,}" for reason, count in stored.rejected_today.items())
    return ("candidates rejected", f"{sum(stored.rejected_today.values()):,}", "", reasons or "today")


def _spaces(stored: StoredState) -> Iterator[Row]:
    for space in stored.spaces:
        note = "is being built: `afterturn embeddings status`" if space.is_building else "serves"
        yield ("embedding model", "", "", f"{escape(space.describe())} {note}")


def _heartbeats(heartbeats: Heartbeats) -> Iterator[Row]:
    last = "never" if heartbeats.sweep_seconds is None else f"{_age(heartbeats.sweep_seconds)} ago"
    yield ("last sweep", "", "", last)
    for worker in heartbeats.workers:
        note = f"heartbeat {_age(worker.seconds)} ago"
        yield (f"worker {escape(worker.node)}", "", "", f"[bold red]{note}[/]" if worker.is_stale else note)


def _breaker(name: str, state: BreakerState) -> Row:
    colour = {"closed": "green", "open": "bold red", "probing": "yellow"}[state.state]
    notes = []
    if state.failures:
        notes.append(f"{state.failures:,} failures in a row")
    if state.state == "open":
        notes.append(f"next probe in {_age(state.wait_seconds)}, at {_clock(state.open_until)}")
    return (f"breaker of the {name}", f"[{colour}]{state.state}[/]", "", "; ".join(notes))


def _freshness_title(stored: StoredState, selection: Selection) -> str:
    return f"Freshness of the last {selection.freshness_minutes:g} minutes: {stored.delays.turns:,} searchable turns"


def _freshness(stored: StoredState) -> Table:
    table = Table("from → to", "p50", "p95")
    fresh = stored.freshness
    table.add_row("written → archived", _age(fresh.archived_p50), _age(fresh.archived_p95))
    table.add_row("written → searchable as facts", _age(fresh.searchable_p50), _age(fresh.searchable_p95))
    ends = ("written", "archived", "cut", "extracted", "embedded", "applied")
    for (_, delay), start, end in zip(stored.delays.stages.items(), ends[:-1], ends[1:], strict=True):
        table.add_row(f"  {start} → {end}", _age(delay.p50), _age(delay.p95))
    return table


def _today(stored: StoredState) -> str:
    cost = stored.cost_today
    tokens = f"{cost.prompt_tokens:,} prompt tokens, {cost.completion_tokens:,} completion tokens"
    return f"LLM today (UTC): {cost.calls:,} calls, {tokens}"


def _clock(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment.astimezone():%H:%M:%S}"


def _age(seconds: float | None) -> str:
    """Return a duration with a fitting unit."""
    if seconds is None:
        return ""
    if seconds < 10:
        return f"{seconds:.2f} s"
    if seconds < 120:
        return f"{seconds:.1f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 172_800 else f"{seconds / 86_400:.1f} days"
