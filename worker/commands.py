"""The engine's commands: `afterturn worker`, `beat`, `flower` and `celery`. pyproject.toml registers them.

Each runs Celery in this process. The app is given by its module, which is imported already, so that neither the current
directory nor a variable APP in the user's environment can select another app.
"""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from typing import Annotated

import typer

from .pools import POOLS, PoolName

LogLevel = Annotated[str, typer.Option("--log-level", "-l", help="debug, info, warning or error.")]


def worker(
    pool: Annotated[
        PoolName, typer.Argument(help="fast: short transactions, in processes. slow: LLM and embedder, in threads.")
    ],
    concurrency: Annotated[
        int | None,
        typer.Option(
            "--concurrency",
            "-c",
            min=1,
            help="Tasks at a time (AFTERTURN_FAST_CONCURRENCY, AFTERTURN_SLOW_CONCURRENCY).",
            show_default=False,
        ),
    ] = None,
    node: Annotated[
        str | None,
        typer.Option("--node", "-n", help="Its name among the workers, such as slow-2@%h.", show_default="POOL@%h"),
    ] = None,
    log_level: LogLevel = "info",
) -> None:
    """Run one worker, until SIGTERM: it finishes what it does, for up to 20 s, and hands the rest back.

    Both pools are needed; run as many workers of each, on as many hosts, as there is work for.
    """
    from afterturn import numeric_threads

    numeric_threads.limit()
    from afterturn import extras
    from afterturn import settings as settings_module
    from afterturn.database import schema
    from afterturn.hot import server_requirements

    extras.require("worker", "this command")
    settings = settings_module.load()
    server_requirements.require_if_it_answers(settings)
    schema.check_at_start(settings)
    if concurrency is None:
        concurrency = settings.fast_concurrency if pool == "fast" else settings.slow_concurrency
    chosen = POOLS[pool]
    # Gossip and mingle are messages between workers, which nothing here needs. -E sends the events for Flower.
    _run_celery(
        *("worker", "-n", node or f"{pool}@%h", "-Q", ",".join(chosen.queues), "-c", str(concurrency)),
        *("--pool", chosen.kind, "--without-gossip", "--without-mingle", "-E", "-l", log_level),
    )


def beat(
    schedule: Annotated[
        Path | None,
        typer.Option(
            help="The file that it touches whenever the broker took a message, for health checks.",
            show_default="beat-schedule in AFTERTURN_DATA_DIR",
        ),
    ] = None,
    log_level: LogLevel = "info",
) -> None:
    """Run the clock, which has the workers look for what is owed. Two of them do no harm."""
    from afterturn import settings as settings_module
    from afterturn.local import data_directory

    if schedule is None:
        directory = data_directory.find(settings_module.load().data_dir)
        with data_directory.explaining_errors(directory):
            directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        schedule = directory / "beat-schedule"
    _run_celery("beat", "-l", log_level, "--schedule", str(schedule))


def flower(
    host: Annotated[
        str | None, typer.Option(help="Where it listens (AFTERTURN_FLOWER_HOST).", show_default=False)
    ] = None,
    port: Annotated[int | None, typer.Option(help="Its port (AFTERTURN_FLOWER_PORT).", show_default=False)] = None,
) -> None:
    """Run Flower, the page that shows the tasks. Its login is AFTERTURN_FLOWER_BASIC_AUTH.

    Nothing is kept: it shows what it has seen since its start.
    """
    from afterturn import settings as settings_module
    from afterturn.local import services

    settings = settings_module.load_with(flower_host=host, flower_port=port)
    services.require_logins(settings, ("flower",))
    if settings.flower_basic_auth is not None:
        # In the environment, because every user of the machine can read the command line.
        os.environ["FLOWER_BASIC_AUTH"] = settings.flower_basic_auth.get_secret_value()
    _run_celery("flower", f"--address={settings.flower_host}", f"--port={settings.flower_port}", "--persistent=False")


#: Commands that are run without Celery's whole command line, which imports Flower, a third of a worker's start.
_ALONE = ("worker", "beat")

other = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@other.command("celery", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
def celery(
    arguments: Annotated[list[str] | None, typer.Argument(help="Such as: inspect active.", show_default=False)] = None,
) -> None:
    """Run any other command of Celery's on afterturn's workers: inspect, control, purge, status."""
    _run_celery(*(arguments or ["--help"]))


def _run_celery(*arguments: str) -> None:
    """Run a command of Celery's with our app, and exit with its code. Raises MissingExtra."""
    from afterturn import extras, json_logs

    extras.require("worker", "this command")
    from . import app  # before any module of Celery's worker: it sets how SIGTERM ends a worker

    name, *others = arguments
    if name in _ALONE:
        from celery.bin.base import CLIContext

        # Celery prints its banner to standard output: it is no JSON.
        is_json = app.settings.log_format == "json"
        if is_json:
            # Celery sets up its logs later, after its first warnings.
            json_logs.configure()
        has_no_color = bool(os.environ.get("NO_COLOR"))
        context = CLIContext(app=app.app, no_color=has_no_color, workdir=None, quiet=is_json)
        command = getattr(importlib.import_module(f"celery.bin.{name}"), name)
        command.main(args=others, prog_name=f"afterturn celery {name}", obj=context)
        return
    command_line = importlib.import_module("celery.bin.celery")
    command_line.celery(args=["-A", f"{app.__name__}:app", *arguments], prog_name="afterturn celery")
