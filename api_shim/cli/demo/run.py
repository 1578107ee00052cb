"""Run the demo: start the stack, replay the scenario, ask its questions, check the results, stop the stack."""

from __future__ import annotations

import time
from pathlib import Path

from rich.console import Console
from rich.markup import escape

import api_shim
from afterturn.database.pool import open_worker_pool
from afterturn.local import services
from afterturn.local.stack import Stack
from api_shim.cli.demo import checks, display, environment, replay
from api_shim.cli.demo.failure import DemoFailed
from api_shim.cli.demo.paragraphs import print_markup
from api_shim.cli.demo.parts import PartsDisplay
from api_shim.cli.demo.scenario import DemoScenario
from api_shim.cli.processes import COMMANDS

EXIT_FAILED = 1
#: The shell's exit code of a command that Ctrl-C ended.
EXIT_INTERRUPTED = 130


def run_demo(scenario: DemoScenario, *, data_dir: Path | None, with_flower: bool, timeout_seconds: float) -> int:
    """Run the scenario and return the exit code: 0 if every turn was archived once and in order.

    Everything runs in `data_dir`, or in a temporary directory that is removed afterwards. Raises AfterturnError if a
    server cannot be started or does not answer.
    """
    began = time.monotonic()
    console = environment.make_console()
    parts = PartsDisplay(console)
    with environment.open_directory(data_dir) as directory, environment.signals_interrupt():
        stack = Stack(
            environment.make_settings(scenario.tenant_id),
            data_dir=directory,
            commands=COMMANDS,
            names=tuple(name for name in services.SERVICE_NAMES if with_flower or name != "flower"),
            durable=data_dir is not None,
            watcher=parts.show_state,
        )
        try:
            _print_model(stack, console)
            with parts.run_stack(stack):
                code = _run_scenario(scenario, stack, console, timeout_seconds)
        except KeyboardInterrupt:
            stack.kill()  # A second Ctrl-C may have interrupted the stop.
            console.print("\nStopped.")
            return EXIT_INTERRUPTED
    checks.print_end(console, seconds=time.monotonic() - began, data_dir=data_dir, tenant_id=scenario.tenant_id)
    return code


def _run_scenario(scenario: DemoScenario, stack: Stack, console: Console, timeout_seconds: float) -> int:
    try:
        with open_worker_pool(stack.settings, size=2) as pool:
            console.print()
            print_markup(console, f"[bold]Replaying {scenario.turns} turns[/]: {escape(scenario.title)}")
            with display.make_display(console, turns=scenario.turns, sessions=len(scenario.sessions)) as shown:
                watcher = replay.ProgressWatcher(pool, scenario.tenant_id, shown)
                write_seconds = replay.write_turns(
                    scenario.sessions,
                    stack.settings,
                    on_written=watcher.show_written,
                    pause_seconds=scenario.pause_seconds,
                )
                replay.wait_until_settled(stack, watcher, turns=scenario.turns, timeout_seconds=timeout_seconds)
            scenario.ask(stack.settings, console)
            findings = checks.collect_findings(scenario, stack, pool, write_seconds)
            checks.print_findings(findings, console)
            return 0 if findings.delivery.is_complete else EXIT_FAILED
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
            console, "[yellow]No LLM is configured: offline rules extract the facts. They find fewer than a model.[/]"
        )
        print_markup(console, "[dim]To use a model, set AFTERTURN_LLM_API_KEY or AFTERTURN_LLM_BASE_URL.[/]")
    else:
        model = f"{settings.llm_model} at {settings.llm_base_url or 'OpenAI'}"
        print_markup(console, f"The facts are extracted by {escape(model)}.")
