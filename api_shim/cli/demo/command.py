"""The command line of the demo."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def demo(
    data_dir: Annotated[
        Path | None,
        typer.Option(
            "--data-dir",
            "--keep",
            metavar="DIR",
            help="Run in this directory and keep it; `afterturn up --data-dir DIR` continues with it. "
            "Without it the demo deletes all its data.",
            show_default=False,
        ),
    ] = None,
    questions: Annotated[int | None, typer.Option(min=0, help="How many questions to ask.", show_default=False)] = None,
    no_flower: Annotated[
        bool, typer.Option("--no-flower", help="Do not start Flower, the web page that shows the tasks.")
    ] = False,
    timeout: Annotated[
        float, typer.Option(min=1, help="The longest time in seconds until all turns are processed.")
    ] = 300,
) -> None:
    """Write turns, show how they become memory, and ask questions. It needs no key and no network.

    The demo replays a conversation of two users, which is part of this package, with real servers and workers on free
    ports. With AFTERTURN_LLM_API_KEY or AFTERTURN_LLM_BASE_URL an LLM extracts the facts, otherwise offline rules do.
    It does not use the servers that the environment names.
    """
    from afterturn import extras

    for extra in ("worker", "http"):
        extras.require(extra, "`afterturn demo`")
    from api_shim.cli.demo import run, scenario

    shipped = scenario.make_shipped_scenario(questions)
    raise typer.Exit(run.run_demo(shipped, data_dir=data_dir, with_flower=not no_flower, timeout_seconds=timeout))
