"""The OpenAPI document says what the running API does: schemathesis sends what it allows, and what it forbids."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from afterturn.local.stack import Stack
from afterturn.settings import Settings
from api_shim.cli.processes import COMMANDS
from api_shim.http.app import create_app
from harness.llm_server import LLMServer

ROOT = Path(__file__).parents[2]

#: More examples find rarer faults. These take about a minute.
EXAMPLES = os.environ.get("TEST_SCHEMATHESIS_EXAMPLES", "12")
CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,"
    "response_schema_conformance,unsupported_method"
)


KEY = "a-key-for-this-test-0123456789"


@pytest.fixture
def guarded_address(settings, hot_store, tmp_path):
    """The address of an API with a key and a model, in a process of its own."""
    with LLMServer(answer=lambda _: "Hello.") as model:
        changed = {"api_port": 0, "api_key": KEY, "llm_base_url": model.base_url}
        guarded = type(settings)(**settings.model_dump(exclude_unset=True) | changed)
        with Stack(guarded, data_dir=tmp_path / "stack", commands=COMMANDS, names=("api",)) as stack:
            yield stack.address("api")


@pytest.mark.slow
def test_no_call_fails_or_answers_with_what_is_not_documented(guarded_address, tmp_path):
    command = [sys.executable, "-m", "schemathesis.cli", "run", f"{guarded_address}/openapi.json"]
    options = ["--checks", CHECKS, "--max-examples", EXAMPLES, "--seed", "7", "--no-color", "--request-timeout", "20"]
    options += ["--header", f"Authorization: Bearer {KEY}", "--continue-on-failure"]
    # Without workers, which this test does not run, the first waits in vain, and the second answers 503.
    options += ["--exclude-operation-id", "flush", "--exclude-operation-id", "check_readiness"]
    environment = os.environ | {"SCHEMATHESIS_HOOKS": "tests.schemathesis_hooks", "PYTHONPATH": str(ROOT)}
    ran = subprocess.run(
        [*command, *options], capture_output=True, text=True, cwd=tmp_path, timeout=500, check=False, env=environment
    )
    assert ran.returncode == 0, ran.stdout[-20_000:] + ran.stderr[-2_000:]


def test_operation_ids_are_plain_names_and_unique():
    document = create_app(Settings()).openapi()
    operations = [operation for methods in document["paths"].values() for operation in methods.values()]
    names = [operation["operationId"] for operation in operations]
    assert len(set(names)) == len(names)
    assert all(name.replace("_", "").isalpha() and name.islower() for name in names)
    for operation in operations:
        assert operation["summary"] and operation["description"]
        errors = {status for status in operation["responses"] if int(status) >= 400}
        assert errors >= {"400", "401", "403", "404", "405", "408", "413", "421", "422", "429", "500", "503"}


def test_the_document_that_is_checked_in_is_current():
    checked_in = ROOT / "docs" / "reference" / "openapi.json"
    assert json.loads(checked_in.read_text(encoding="utf-8")) == create_app(Settings()).openapi(), (
        "run `make reference`"
    )
