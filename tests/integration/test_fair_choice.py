"""Which batches are handed out first: nobody takes the place of others, and nobody waits for ever."""

from __future__ import annotations

from collections import Counter

import pytest

from afterturn.pipeline import fair_choice
from afterturn.pipeline.enqueue import FIRST, LATER
from api_shim import MemoryClient

#: The batches of a backlog, of one turn each.
BACKLOG = 60


@pytest.fixture
def singly(settings):
    """Settings with which each turn is a batch."""
    return type(settings)(**settings.model_dump(exclude_unset=True) | {"batch_turns": 1})


@pytest.fixture
def owe(singly, pipeline):
    """Let a user owe so many batches that are not handed out."""

    def write(user_id, batches, *, tenant_id="default"):
        memory = MemoryClient(user_id, settings=singly, tenant_id=tenant_id)
        memory.write_many({"role": "user", "content": f"I own bicycle No. {number}."} for number in range(batches))
        pipeline.settings = pipeline.runtime.settings = singly
        pipeline.do("archive", [[tenant_id, user_id, "default"]])
        pipeline.hints.waiting.clear()
        database_of(
            pipeline,
            "UPDATE batches SET hinted_at = NULL WHERE state = 'pending' AND extracted_at IS NULL "
            f"AND user_id = '{user_id}'",
        )

    return write


def database_of(pipeline, statement):
    with pipeline.runtime.postgres.connection() as connection:
        connection.execute(statement)


def choose(pipeline, limit):
    return fair_choice.choose_batches(pipeline.runtime, "pending", limit=limit)


def users(chosen):
    return Counter(batch.user_id for batch in chosen)


def test_a_quiet_user_comes_before_the_rest_of_a_backlog(pipeline, owe):
    owe("noisy", BACKLOG)
    choose(pipeline, 8)
    owe("quiet", 1)
    chosen = choose(pipeline, 4)
    assert users(chosen) == {"quiet": 1, "noisy": 3}
    by_user = {batch.user_id: batch.priority for batch in chosen if batch.user_id == "quiet"}
    assert by_user == {"quiet": FIRST}
    assert LATER in [batch.priority for batch in chosen if batch.user_id == "noisy"]


def test_a_user_alone_gets_all_the_room(pipeline, owe):
    owe("noisy", BACKLOG)
    assert users(choose(pipeline, 40)) == {"noisy": 40}
    assert users(choose(pipeline, 40)) == {"noisy": 20}
    assert choose(pipeline, 40) == []


def test_a_backlog_is_not_starved_by_users_who_keep_coming(pipeline, owe):
    owe("noisy", BACKLOG)
    served = Counter()
    for number in range(10):
        for quiet in range(4):
            owe(f"quiet-{number}-{quiet}", 1)
        served += users(choose(pipeline, 4))
    assert served["noisy"] >= 10


def test_two_backlogs_are_both_worked_on(pipeline, owe):
    owe("first", BACKLOG)
    assert users(choose(pipeline, 40)) == {"first": 40}
    owe("second", BACKLOG)
    served = users(choose(pipeline, 16))
    assert served["first"] >= 4
    assert served["second"] >= 4


def test_tenants_get_equal_shares_whatever_the_number_of_their_users(pipeline, owe):
    for number in range(30):
        owe(f"user-{number}", 1, tenant_id="large")
    owe("only", 1, tenant_id="small")
    chosen = choose(pipeline, 2)
    assert Counter(batch.tenant_id for batch in chosen) == {"large": 1, "small": 1}


def test_what_a_tenant_leaves_of_its_share_others_get(pipeline, owe):
    owe("only", 1, tenant_id="small")
    owe("noisy", BACKLOG, tenant_id="large")
    assert users(choose(pipeline, 20)) == {"only": 1, "noisy": 19}


def test_with_more_tenants_than_room_each_has_its_turn(pipeline, owe):
    for number in range(6):
        owe("noisy", 3, tenant_id=f"tenant-{number}")
    rounds = [{batch.tenant_id for batch in choose(pipeline, 2)} for _ in range(3)]
    assert set().union(*rounds) == {f"tenant-{number}" for number in range(6)}


def test_a_tenant_with_many_users_who_wait_has_no_priority_over_others(pipeline, owe):
    for number in range(30):
        owe(f"user-{number}", 1, tenant_id="large")
    owe("only", 1, tenant_id="small")
    priorities = {(batch.tenant_id, batch.user_id): batch.priority for batch in choose(pipeline, 31)}
    assert priorities["small", "only"] == FIRST
    later = [names for names, priority in priorities.items() if priority == LATER]
    assert len(later) >= 7
    assert {tenant_id for tenant_id, _ in later} == {"large"}


def test_a_paused_batch_takes_no_place_and_comes_back_when_its_pause_is_over(pipeline, owe, database):
    owe("noisy", BACKLOG)
    database.execute("UPDATE batches SET paused_until = now() + interval '1 hour', paused_budget = 1000")
    owe("quiet", 1)
    assert users(choose(pipeline, 4)) == {"quiet": 1}
    database.execute("UPDATE batches SET paused_until = now() - interval '1 second' WHERE user_id = 'noisy'")
    fair_choice.end_pauses(pipeline.runtime)
    assert users(choose(pipeline, 4)) == {"noisy": 4}


def test_imported_batches_come_after_those_of_live_turns(pipeline, owe, database):
    owe("importer", 10)
    database.execute("UPDATE batches SET cut_by = 'import', place = 1000")
    owe("noisy", 10)
    served = users(choose(pipeline, 8))
    assert served["noisy"] >= 6
    assert served["importer"] == 2


def test_messages_about_a_backlog_are_sent_later_at_every_stage(singly, pipeline):
    memory = MemoryClient("noisy", settings=singly)
    memory.write_many({"role": "user", "content": f"I own bicycle No. {number}."} for number in range(BACKLOG))
    pipeline.settings = pipeline.runtime.settings = singly
    pipeline.settle()
    stages = Counter(stage for stage, _ in pipeline.hints.later)
    assert stages["extract"] >= BACKLOG // 2
    quiet = MemoryClient("quiet", settings=singly)
    pipeline.hints.later.clear()
    quiet.write("user", "I live in Evora.")
    pipeline.settle()
    assert [stage for stage, _ in pipeline.hints.later if stage in ("extract", "embed", "judge", "consolidate")] == []


def test_summaries_come_after_facts_but_go_on():
    priorities = Counter(fair_choice.priority_in("summarize", number) for number in range(20))
    assert priorities == {FIRST: 5, LATER: 15}
    assert {fair_choice.priority_in("extract", number) for number in range(20)} == {FIRST}
