"""No stage takes a second connection while it has one: with all in use, each would wait for the others."""

import pytest

from afterturn.batches import claims
from afterturn.errors import ModelRefused
from afterturn.pipeline.runtime import Runtime
from afterturn.scopes import UserScope
from api_shim import MemoryClient
from harness.pipeline import Pipeline


@pytest.fixture
def narrow(settings, hot_store):
    """All stages with a pool of one connection, which nobody may wait for long."""
    with Pipeline(settings.model_copy(update={"postgres_timeout_seconds": 2.0})) as pipeline:
        pipeline.runtime = Runtime(pipeline.settings, pool_size=1)
        pipeline.runtime.__dict__["enqueue"] = pipeline.hints
        yield pipeline


def test_all_stages_work_with_one_connection(narrow, settings):
    memory = MemoryClient("ana", settings=settings)
    memory.write("user", "I live in Porto.", name="Ana")
    turn_id = memory.write("user", "I adopted a parrot called Flint.", name="Ana")
    narrow.settle()
    assert "Ana lives in Porto." in [fact.text for fact in memory.facts()]
    memory.add_fact("Ana is allergic to nuts.")
    memory.remove(turn_id)
    narrow.settle()
    assert "Ana is allergic to nuts." in [fact.text for fact in memory.facts()]


def test_an_error_of_loading_is_recorded_with_one_connection(narrow, settings, database):
    MemoryClient("ana", settings=settings).write("user", "I live in Porto.", name="Ana")
    while not database.execute("SELECT FROM batches").fetchall():
        narrow.sweep()
        narrow.step()
    [(batch_id, state)] = database.execute("SELECT batch_id, state FROM batches").fetchall()
    assert state in ("pending", "extracted")

    def load(connection, batch):
        raise ModelRefused("no")

    scope = UserScope(settings.tenant, "ana")
    with claims.claim_batch(narrow.runtime, scope, batch_id, stage="extract", state=state, load=load) as claimed:
        assert claimed is None
    assert database.execute("SELECT state, reason FROM batches").fetchall() == [("dead", "model_refused: no")]
    assert database.execute("SELECT count(*) FROM leases").fetchone() == (0,)
