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
            help="Run in this directory and keep it; `afterturn up --data-dir DIR` goes on with it. "
            "Without it the demo leaves nothing behind.",
            show_default=False,
        ),
    ] = None,
    questions: Annotated[int | None, typer.Option(min=0, help="How many questions to ask.", show_default=False)] = None,
    no_flower: Annotated[bool, typer.Option("--no-flower", help="Without Flower, the page that shows the tasks.")] = (
        False
    ),
    timeout: Annotated[float, typer.Option(min=1, help="How many seconds the turns may take to become memory.")] = 300,
) -> None:
    """Show the whole way once: write turns, watch them become memory, ask questions. Needs no key and no network.

    A conversation of two users that ships with afterturn is replayed through real servers and workers on free ports.
    With AFTERTURN_LLM_API_KEY or AFTERTURN_LLM_BASE_URL an LLM extracts the facts; otherwise offline rules do. Other
    servers that the environment names are left alone.
    """
    from afterturn import extras

    for extra in ("worker", "http"):
        extras.require(extra, "`afterturn demo`")
    from api_shim.cli.demo import plays, run

    play = plays.shipped(questions)
    raise typer.Exit(run.run(play, data_dir=data_dir, with_flower=not no_flower, timeout_seconds=timeout))
