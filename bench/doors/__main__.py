"""Measure the adapters: `python -m bench.doors [--only PART] [--samples N] [--json]`.

The compared operations are interleaved in one run: on a busy machine, only ratios are meaningful.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from afterturn.pipeline import prepare
from afterturn.settings import Settings
from bench import report
from bench.doors import frameworks, langgraph_store, mcp_server, session
from bench.report import Line, Value
from harness import servers

DEFAULT_SAMPLES = 500


@dataclass(frozen=True, slots=True)
class Part:
    """The measurements of one adapter."""

    lines: tuple[Line, ...]
    #: Measures with these settings and this number of samples; each figure has a line.
    measure: Callable[[Settings, int], Mapping[str, Value]]


PARTS = {
    "session": Part(session.LINES, session.measure),
    "langgraph_store": Part(langgraph_store.LINES, langgraph_store.measure),
    "mcp": Part(mcp_server.LINES, mcp_server.measure),
    "frameworks": Part(frameworks.LINES, frameworks.measure),
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.doors", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    parser.add_argument("--samples", type=int, default=DEFAULT_SAMPLES, help="calls per median (%(default)s)")
    parser.add_argument("--only", choices=PARTS, help="one part (default: all)")
    arguments = parser.parse_args()
    parts = [part for name, part in PARTS.items() if arguments.only in (None, name)]
    lines = tuple(line for part in parts for line in part.lines)
    report.run("Adapters, beside what their frameworks bring", lines, lambda given: _measure(parts, given), arguments)


def _measure(parts: list[Part], arguments: argparse.Namespace) -> dict[str, object]:
    figures: dict[str, object] = {}
    with servers.directory() as directory, servers.pair(directory) as (redis_server, postgres):
        settings = servers.own_settings(redis_url=redis_server.url, postgres_url=postgres.url)
        prepare.prepare_database(postgres.url, settings)
        for part in parts:
            servers.empty(settings)
            figures |= part.measure(settings, arguments.samples)
    return figures


if __name__ == "__main__":
    main()
