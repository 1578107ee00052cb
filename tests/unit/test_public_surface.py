"""What afterturn exports, listed and compared: a change here is a change for every user."""

import ast
import inspect
import subprocess
import sys
import typing
from pathlib import Path

import pytest

import afterturn
import api_shim
from tools import async_client

EXPORTED = [
    "AfterturnError",
    "AsyncMemoryClient",
    "ClockProvider",
    "Context",
    "ContextProvider",
    "Evidence",
    "Fact",
    "FlushTimeout",
    "ImportantOnly",
    "InvalidId",
    "InvalidInput",
    "LastTokens",
    "LastTurns",
    "Memory",
    "MemoryClient",
    "MemoryUnavailable",
    "PendingLimitReached",
    "Settings",
    "SettingsError",
    "Shares",
    "Summary",
    "SummaryAndRecent",
    "SummaryStatement",
    "Turn",
    "TurnTooLarge",
    "close_async_connections",
    "close_connections",
]
#: What a client that only writes does without.
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


def test_editors_and_the_interpreter_look_in_the_same_places():
    """What type checkers read (the imports under TYPE_CHECKING) is what is imported when a name is first used."""
    tree = ast.parse(Path(afterturn.__file__).read_text(encoding="utf-8"))
    imported = {
        (alias.name, node.module)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("afterturn.")
        for alias in node.names
    }
    assert imported == {(name, f"afterturn.{module}") for name, module in afterturn._MODULE_OF.items()}


def test_the_asyncio_client_is_generated_from_the_other():
    written = async_client.TARGET.read_text(encoding="utf-8")
    assert written == async_client.generated(async_client.SOURCE.read_text(encoding="utf-8")), "run `make client`"


def test_both_clients_offer_the_same():
    synchronous, asynchronous = calls(afterturn.MemoryClient), calls(afterturn.AsyncMemoryClient)
    assert synchronous.keys() == asynchronous.keys()
    for name, method in synchronous.items():
        assert inspect.signature(method) == inspect.signature(asynchronous[name]), name
        assert inspect.iscoroutinefunction(asynchronous[name]) and not inspect.iscoroutinefunction(method), name


@pytest.mark.parametrize("client", [afterturn.MemoryClient, afterturn.AsyncMemoryClient])
def test_each_call_is_documented_and_its_types_can_be_read(client):
    """As editors do, and frameworks that make tools of functions."""
    for name, method in calls(client).items():
        assert inspect.getdoc(method), name
        assert "return" in typing.get_type_hints(method), name


def test_the_packages_themselves_import_nothing():
    assert not {"pydantic", "redis"} & loaded_after("import afterturn, api_shim")


def test_a_client_that_only_writes_brings_little_with_it():
    # Nothing listens there: the write fails, after it has loaded all that it needs.
    write = (
        "from afterturn import MemoryClient, MemoryUnavailable, Settings\n"
        "settings = Settings(redis_url='redis://127.0.0.1:1/0', redis_timeout_seconds=0.1)\n"
        "try:\n    MemoryClient('ana', settings=settings).write('user', 'Hello')\n"
        "except MemoryUnavailable:\n    pass\n"
        "else:\n    raise AssertionError"
    )
    assert loaded_after(write) & NOT_FOR_A_WRITE == set()
    assert loaded_after("from afterturn import AsyncMemoryClient\nAsyncMemoryClient('ana')") & NOT_FOR_A_WRITE == set()


def test_every_error_has_a_code_of_its_own_and_a_default_message():
    from afterturn import errors

    kinds = [
        kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.AfterturnError)
    ]
    assert len({kind.code for kind in kinds}) == len(kinds)
    for kind in kinds:
        assert str(kind()) == " ".join((kind.__doc__ or "").split())
        assert kind.__name__ in (errors.__doc__ or "")
