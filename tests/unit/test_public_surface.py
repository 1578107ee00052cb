"""What the door exports, listed and compared: a change here is a change for every user."""

import subprocess
import sys

import api_shim

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


def test_the_exports():
    assert sorted(api_shim.__all__) == EXPORTED == sorted(EXPORTED)
    assert all(hasattr(api_shim, name) for name in EXPORTED)


def test_both_clients_offer_the_same():
    def calls(client):
        return {name for name in dir(client) if not name.startswith("_")}

    assert calls(api_shim.MemoryClient) == calls(api_shim.AsyncMemoryClient)


def test_the_client_brings_no_web_framework_and_no_model_library():
    loaded = subprocess.run(
        [sys.executable, "-c", "import sys, api_shim; print(*sys.modules)"], capture_output=True, text=True, check=True
    ).stdout.split()
    unwanted = {
        "fastapi",
        "starlette",
        "uvicorn",
        "typer",
        "rich",
        "celery",
        "fastembed",
        "onnxruntime",
        "tasks",
        "worker",
    }
    assert unwanted & {name.partition(".")[0] for name in loaded} == set()


def test_every_error_has_a_code_of_its_own_and_a_default_message():
    from afterturn import errors

    kinds = [
        kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.AfterturnError)
    ]
    assert len({kind.code for kind in kinds}) == len(kinds)
    for kind in kinds:
        assert str(kind()) == " ".join((kind.__doc__ or "").split())
        assert kind.__name__ in (errors.__doc__ or "")
