"""One run of the demo: start everything, replay, ask, check, stop everything."""

from __future__ import annotations

import time
from pathlib import Path

from rich.console import Console
from rich.markup import escape

import api_shim
from afterturn.database.pool import open_worker_pool
from afterturn.local import services
from afterturn.local.stack import Stack
from api_shim.cli.demo import checks, display, replay, surroundings
from api_shim.cli.demo.failure import DemoFailed
from api_shim.cli.demo.paragraphs import print_markup
from api_shim.cli.demo.parts import Parts
from api_shim.cli.demo.plays import Play
from api_shim.cli.processes import COMMANDS

EXIT_FAILED = 1
#: As shells report a program that Ctrl-C has ended.
EXIT_INTERRUPTED = 130


def run(play: Play, *, data_dir: Path | None, with_flower: bool, timeout_seconds: float) -> int:
    """Perform the play and return the exit code: 0 when all of it arrived, once and in order.

    Everything runs in `data_dir`, or in a temporary directory that is removed afterwards. Raises AfterturnError when
    a server cannot be started or does not answer.
    """
    began = time.monotonic()
    console = surroundings.console()
    parts = Parts(console)
    with surroundings.directory(data_dir) as directory, surroundings.signals_interrupt():
        stack = Stack(
            surroundings.settings(play.tenant_id),
            data_dir=directory,
            commands=COMMANDS,
            names=tuple(name for name in services.SERVICE_NAMES if with_flower or name != "flower"),
            durable=data_dir is not None,
            watcher=parts.tell,
        )
        try:
            _print_model(stack, console)
            with parts.started(stack):
                code = _perform(play, stack, console, timeout_seconds)
        except KeyboardInterrupt:
            stack.kill()  # what a second Ctrl-C has left running; mostly nothing
            console.print("\nStopped.")
            return EXIT_INTERRUPTED
    checks.print_end(console, seconds=time.monotonic() - began, data_dir=data_dir, tenant_id=play.tenant_id)
    return code


def _perform(play: Play, stack: Stack, console: Console, timeout_seconds: float) -> int:
    try:
        with open_worker_pool(stack.settings, size=2) as pool:
            console.print()
            print_markup(console, f"[bold]Replaying {play.turns} turns[/]: {escape(play.title)}")
            with display.of_console(console, turns=play.turns, sessions=len(play.sessions)) as shown:
                watch = replay.Watch(pool, play.tenant_id, shown)
                write_seconds = replay.write(
                    play.sessions, stack.settings, tell=watch.written, pause_seconds=play.pause_seconds
                )
                replay.wait_until_settled(stack, watch, turns=play.turns, timeout_seconds=timeout_seconds)
            play.ask(stack.settings, console)
            found = checks.find(play, stack, pool, write_seconds)
            checks.print_found(found, console)
            return 0 if found.delivery.is_complete else EXIT_FAILED
    except DemoFailed as error:
        console.print()
        print_markup(console, f"[bold red]The demo failed:[/] {escape(str(error))}")
        return EXIT_FAILED
    finally:
        api_shim.close_connections()


def _print_model(stack: Stack, console: Console) -> None:
    settings = stack.settings
    if settings.is_offline:
        print_markup(
            console, "[yellow]No LLM is configured: facts come from offline rules, which find less than a model.[/]"
        )
        print_markup(console, "[dim]Set AFTERTURN_LLM_API_KEY or AFTERTURN_LLM_BASE_URL for one.[/]")
    else:
        model = f"{settings.llm_model} at {settings.llm_base_url or 'OpenAI'}"
        print_markup(console, f"Facts come from {escape(model)}.")
