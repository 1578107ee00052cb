"""The counts of each stage, read from Postgres while turns go through them."""

from afterturn.database import steps
from afterturn.watching import progress
from afterturn.watching.progress import Cost, Freshness
from api_shim import MemoryClient


def read(pipeline, tenant_id="default"):
    with pipeline.runtime.postgres.connection() as connection:
        return steps.run(connection, progress.read_progress(tenant_id))


def write(settings, tenant_id=None):
    memory = MemoryClient("ana", "s1", tenant_id=tenant_id, settings=settings)
    memory.write("user", "I live in Porto.", name="Ana")
    memory.write("user", "I live in Lisbon.", name="Ana")
    memory.flush()


def test_counts_follow_the_turns_through_the_stages(settings, pipeline):
    assert read(pipeline).is_settled
    write(settings)
    pipeline.sweep()
    seen = []
    while pipeline.hints.waiting:
        stage = pipeline.step()
        counts = read(pipeline)
        seen.append((stage, counts.archived_turns, counts.extracted_turns, counts.embedded_turns, counts.applied_turns))
        assert not counts.is_settled
    assert seen == [
        ("archive", 2, 0, 0, 0),
        ("extract", 2, 2, 0, 0),
        ("embed", 2, 2, 2, 0),
        ("consolidate", 2, 2, 2, 2),
    ]
    pipeline.settle()
    counts = read(pipeline)
    assert counts.is_settled
    assert (counts.sessions, counts.summarized_sessions, counts.batches, counts.open_batches) == (1, 1, 1, 0)
    assert (counts.current_facts, counts.superseded_facts) == (1, 1)


def test_a_dead_batch_is_counted_with_its_reason_and_not_waited_for(settings, pipeline, database):
    write(settings)
    pipeline.sweep()
    pipeline.step()
    database.execute("UPDATE batches SET state = 'dead', reason = 'model_refused: no'")
    counts = read(pipeline)
    assert (counts.dead_batches, counts.open_batches, counts.is_settled) == (1, 0, True)
    with pipeline.runtime.postgres.connection() as connection:
        assert steps.run(connection, progress.read_dead_reasons("default")) == {"model_refused: no": 1}


def test_another_tenant_is_not_counted(settings, pipeline):
    write(settings, tenant_id="other")
    pipeline.settle()
    assert read(pipeline).archived_turns == 0
    assert read(pipeline, "other").archived_turns == 2


def test_freshness_is_the_time_from_the_acknowledgement(settings, pipeline):
    with pipeline.runtime.postgres.connection() as connection:
        nothing = Freshness(archived_p50=None, archived_p95=None, searchable_p50=None, searchable_p95=None)
        assert steps.run(connection, progress.read_freshness("default")) == nothing
        write(settings)
        pipeline.settle()
        fresh = steps.run(connection, progress.read_freshness("default"))
    assert fresh.archived_p50 is not None and fresh.searchable_p50 is not None
    assert 0 <= fresh.archived_p50 <= fresh.searchable_p50 < 60


def test_cost_is_the_sum_over_calls(settings, pipeline, database):
    database.execute(
        "INSERT INTO llm_calls"
        " (tenant_id, user_id, call_id, stage, session_id, model, prompt_tokens, completion_tokens)"
        " SELECT 'default', 'ana', gen_random_uuid(), 'extract', 's1', 'm', 100, 7 FROM generate_series(1, 3)"
    )
    with pipeline.runtime.postgres.connection() as connection:
        assert steps.run(connection, progress.read_cost("default")) == Cost(
            calls=3, prompt_tokens=300, completion_tokens=21
        )
