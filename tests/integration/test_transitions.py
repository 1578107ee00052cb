"""A transition and the release of its lease are one statement: both happen, or neither."""

import pytest

from afterturn.batches import claims
from afterturn.errors import StaleLease, TransitionRefused
from afterturn.scopes import UserScope
from api_shim import MemoryClient

#: The transition, the state that it starts from, its arguments, and a state that it does not start from.
TRANSITIONS = {
    "extracted": ("pending", {"prompt_version": "p", "model": "m"}, "extracted"),
    "embedded": ("extracted", {}, "pending"),
    "applied": ("extracted", {}, "applied"),
}


@pytest.fixture(params=TRANSITIONS)
def transition(request, settings, pipeline, database):
    """A batch that is claimed for a transition, and a function that does it in a transaction."""
    name = request.param
    state, arguments, other_state = TRANSITIONS[name]
    MemoryClient("ana", settings=settings).write("user", "I live in Porto.", name="Ana")
    while not database.execute("SELECT FROM batches").fetchall():
        pipeline.sweep()
        pipeline.step()
    [(batch_id,)] = database.execute("UPDATE batches SET state = %s RETURNING batch_id", [state]).fetchall()
    runtime, scope = pipeline.runtime, UserScope(settings.tenant, "ana")
    with claims.claim_batch(
        runtime, scope, batch_id, stage="extract", state=state, load=lambda connection, batch: None
    ) as claimed:
        assert claimed is not None

        def complete():
            with runtime.postgres.connection() as connection, connection.transaction():
                claims.complete_transition(connection, claimed, name, **arguments)

        yield complete, other_state


def read_rows(database):
    return (
        database.execute("SELECT state, extracted_at, embedded_at, applied_at FROM batches").fetchall(),
        database.execute("SELECT token FROM leases").fetchall(),
    )


def test_a_transition_releases_the_lease(transition, database):
    complete, _ = transition
    before = read_rows(database)
    complete()
    batches, leases = read_rows(database)
    assert batches != before[0]
    assert leases == []


def test_a_lease_that_was_taken_over_changes_nothing(transition, database):
    complete, _ = transition
    database.execute("UPDATE leases SET token = token + 1000")
    before = read_rows(database)
    with pytest.raises(StaleLease):
        complete()
    assert read_rows(database) == before


def test_a_batch_that_has_moved_keeps_its_state_and_the_lease(transition, database):
    complete, other_state = transition
    database.execute("UPDATE batches SET state = %s", [other_state])
    before = read_rows(database)
    with pytest.raises(TransitionRefused) as refused:
        complete()
    assert not isinstance(refused.value, StaleLease)
    assert read_rows(database) == before
