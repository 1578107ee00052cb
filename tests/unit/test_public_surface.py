"""The names that afterturn exports. A change of this list affects every user."""

import ast
import inspect
import subprocess
import sys
import typing
from pathlib import Path

import pytest

import afterturn
import api_shim
from afterturn.client import agent_state, async_agent_state
from tools import async_client

EXPORTED = [
    "AfterturnError",
    "AsyncMemoryClient",
    "ClockProvider",
    "ConcurrencyError",
    "Context",
    "ContextProvider",
    "Contradiction",
    "Costs",
    "Episode",
    "Evidence",
    "Fact",
    "FlushTimeout",
    "History",
    "ImportantOnly",
    "InvalidId",
    "InvalidInput",
    "LastTokens",
    "LastTurns",
    "LockBusy",
    "Memory",
    "MemoryClient",
    "MemoryUnavailable",
    "Part",
    "Passage",
    "PendingLimitReached",
    "Session",
    "Settings",
    "SettingsError",
    "Shares",
    "StaleFence",
    "StateEntry",
    "Step",
    "Summary",
    "SummaryAndRecent",
    "SummaryStatement",
    "Thread",
    "ThreadStep",
    "Turn",
    "TurnIdUsed",
    "TurnTooLarge",
    "Versioned",
    "close_async_connections",
    "close_connections",
]
#: Methods that make an object, whose methods do the I/O.
WITHOUT_IO = {"lock", "checkpoint"}
#: Modules that a client which only writes does not load.
NOT_FOR_A_WRITE = {
    "celery",
    "fastapi",
    "fastembed",
    "flower",
    "httpx",
    "numpy",
    "onnxruntime",
    "openai",
    "pgvector",
    "psycopg",
    "psycopg_pool",
    "rich",
    "starlette",
    "tasks",
    "typer",
    "uvicorn",
    "worker",
    "yoyo",
}


def calls(client):
    """Return the public methods of a client class."""
    return {name: method for name, method in vars(client).items() if not name.startswith("_")}


def loaded_after(code):
    """Return the top-level modules that a new process has loaded after running `code`."""
    script = f"import sys\n{code}\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    return set(
        subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    )


@pytest.mark.parametrize("package", [afterturn, api_shim])
def test_the_exports(package):
    assert sorted(package.__all__) == EXPORTED == sorted(EXPORTED)
    assert set(EXPORTED) <= set(dir(package))
    for name in EXPORTED:
        assert getattr(package, name) is getattr(afterturn, name)
    with pytest.raises(AttributeError, match="no attribute 'MemoryKlient'"):
        _ = package.MemoryKlient


def test_type_checkers_and_the_interpreter_import_the_same_names():
    """What type checkers read (the imports under TYPE_CHECKING) is what is imported when a name is first used."""
    tree = ast.parse(Path(afterturn.__file__).read_text(encoding="utf-8"))
    imported = {
        (alias.name, node.module)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("afterturn.")
        for alias in node.names
    }
    assert imported == {(name, f"afterturn.{module}") for name, module in afterturn._MODULE_OF.items()}


@pytest.mark.parametrize(
    ("source", "target", "replacements"),
    [
        (async_client.SOURCE, async_client.TARGET, async_client.REPLACEMENTS),
        (async_client.STATE_SOURCE, async_client.STATE_TARGET, async_client.STATE_REPLACEMENTS),
    ],
)
def test_the_asyncio_client_is_up_to_date_with_the_synchronous_one(source, target, replacements):
    made = async_client.generate_async_client(source.read_text(encoding="utf-8"), replacements)
    assert target.read_text(encoding="utf-8") == made, "run `make client`"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (afterturn.MemoryClient, afterturn.AsyncMemoryClient),
        (agent_state.State, async_agent_state.AsyncState),
        (agent_state.Lock, async_agent_state.AsyncLock),
        (agent_state.Checkpoint, async_agent_state.AsyncCheckpoint),
    ],
)
def test_both_clients_have_the_same_methods(one, other):
    synchronous, asynchronous = calls(one), calls(other)
    assert synchronous.keys() == asynchronous.keys()
    for name, method in synchronous.items():
        if isinstance(method, property):
            continue
        assert str(inspect.signature(method)) == str(inspect.signature(asynchronous[name])).replace("Async", ""), name
        waits = inspect.iscoroutinefunction(asynchronous[name])
        assert waits is not (name in WITHOUT_IO) and not inspect.iscoroutinefunction(method), name


@pytest.mark.parametrize(
    "client",
    [
        afterturn.MemoryClient,
        afterturn.AsyncMemoryClient,
        agent_state.State,
        agent_state.Checkpoint,
    ],
)
def test_each_method_has_a_docstring_and_types(client):
    """As editors do, and frameworks that make tools of functions."""
    for name, method in calls(client).items():
        assert inspect.getdoc(method), name
        assert "return" in typing.get_type_hints(method), name


def test_the_packages_themselves_import_nothing():
    assert not {"pydantic", "redis"} & loaded_after("import afterturn, api_shim")


def test_a_client_that_only_writes_loads_few_modules():
    # No server listens on this port: the write fails after it has loaded all modules that it needs.
    write = (
        "from afterturn import MemoryClient, MemoryUnavailable, Settings\n"
        "settings = Settings(redis_url='redis://127.0.0.1:1/0', redis_timeout_seconds=0.1)\n"
        "try:\n    MemoryClient('ana', settings=settings).write('user', 'Hello')\n"
        "except MemoryUnavailable:\n    pass\n"
        "else:\n    raise AssertionError"
    )
    assert loaded_after(write) & NOT_FOR_A_WRITE == set()
    assert loaded_after("from afterturn import AsyncMemoryClient\nAsyncMemoryClient('ana')") & NOT_FOR_A_WRITE == set()


def test_every_error_has_a_unique_code_and_a_default_message():
    from afterturn import errors

    kinds = [
        kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.AfterturnError)
    ]
    assert len({kind.code for kind in kinds}) == len(kinds)
    for kind in kinds:
        assert str(kind()) == " ".join((kind.__doc__ or "").split())
        assert kind.__name__ in (errors.__doc__ or "")
