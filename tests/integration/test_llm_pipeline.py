"""The pipeline with an LLM behind real HTTP: one call per batch, recorded costs, and waiting for a failing LLM."""

import pytest

from afterturn import settings as settings_module
from afterturn.local.stack import Stack
from api_shim import MemoryClient
from api_shim.cli.processes import COMMANDS
from harness.llm_server import LLMServer
from harness.waiting import wait_until
from tests.conftest import QUICK
from tests.integration.conftest import WORKERS


@pytest.fixture(scope="module")
def workers_of_llm(redis_server, postgres_server, tmp_path_factory):
    """An LLM and workers that ask it, once for this module; the broker is none that a test empties."""
    with LLMServer() as llm_server:
        given = {
            "AFTERTURN_REDIS_URL": redis_server.url,
            "AFTERTURN_BROKER_URL": redis_server.url.removesuffix("0") + "1",
            "AFTERTURN_POSTGRES_URL": postgres_server.url,
            "AFTERTURN_LLM_BASE_URL": llm_server.base_url,
            "AFTERTURN_LLM_API_KEY": "sk-test",
            "AFTERTURN_EMBEDDER": "hashing",
        }
        with_llm = settings_module.load(QUICK | given)
        with Stack(with_llm, data_dir=tmp_path_factory.mktemp("stack"), commands=COMMANDS, names=WORKERS) as stack:
            yield llm_server, stack


@pytest.fixture
def llm_workers(settings, workers_of_llm):
    """The workers of this module, on empty servers."""
    llm_server, stack = workers_of_llm
    llm_server.heal()
    llm_server.forget()
    return stack


@pytest.fixture
def llm_server(workers_of_llm):
    return workers_of_llm[0]


@pytest.fixture
def with_llm(llm_workers):
    return llm_workers.settings


def test_a_batch_takes_one_call_and_its_cost_is_recorded(llm_workers, with_llm, llm_server, database):
    memory = MemoryClient("ana", settings=with_llm)
    memory.write_many({"role": "user", "content": f"I own {number} red bicycles."} for number in range(20))
    memory.flush(wait_seconds=60)
    assert len(llm_server.calls("extract")) == 1
    assert database.execute("SELECT count(*) FROM facts").fetchone() == (20,)
    wait_until(lambda: bool(memory.summary()), seconds=60)
    rows = database.execute(
        "SELECT stage, outcome, prompt_tokens > 0, completion_tokens > 0, model FROM llm_calls ORDER BY stage"
    ).fetchall()
    # The first episodes of a session are its summary, so there is no summarize call.
    assert rows == [("extract", "answered", True, True, with_llm.llm_model)]


def test_batches_wait_for_a_failing_llm_and_use_up_no_attempts(llm_workers, with_llm, llm_server, database):
    llm_server.fail("status", on="extract", status=503, count=2)
    memory = MemoryClient("ana", settings=with_llm)
    memory.write("user", "I own a red bicycle.")
    memory.flush(wait_seconds=60)
    assert len(llm_server.calls("extract")) == 3
    assert database.execute("SELECT state, attempts FROM batches").fetchall() == [("applied", 0)]
    outcomes = database.execute("SELECT outcome FROM llm_calls WHERE stage = 'extract' ORDER BY reserved_at").fetchall()
    assert outcomes == [("model_unavailable",), ("model_unavailable",), ("answered",)]


def test_no_log_contains_the_content_of_turns(llm_workers, with_llm, llm_server):
    llm_server.fail("prose", on="extract", count=1)
    memory = MemoryClient("ana", settings=with_llm)
    memory.write("user", "My canary is called Zwitschermaschine.")
    memory.flush(wait_seconds=60)
    logs = list(llm_workers.data_dir.rglob("*.log"))
    assert logs
    assert not any("Zwitschermaschine" in log.read_text(errors="replace") for log in logs)
