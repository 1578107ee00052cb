"""Workers whose settings differ are named by `afterturn status`.

Which facts a batch gives would depend on who takes it.
"""

from __future__ import annotations

import pytest

from afterturn.hot import heartbeats, keys, worker_settings
from afterturn.pipeline.enqueue import STAGES


@pytest.fixture
def run_worker(hot_store, settings):
    """Let a worker with these settings send a heartbeat."""

    def beat(node, *, stages=STAGES, **given):
        own = type(settings)(**settings.model_dump(exclude_unset=True) | given)
        heartbeats.record(hot_store, heartbeats.worker(node, stages))
        worker_settings.record(hot_store, node, own)

    return beat


def different(command):
    return command.json("status", code=1)["different_settings"]


def test_workers_that_agree_are_not_mentioned(run_worker, command):
    run_worker("slow@a", llm_api_key="sk-1", slow_concurrency=4)
    run_worker("slow@b", llm_api_key="sk-2", slow_concurrency=8)
    assert different(command) == []


def test_a_setting_that_differs_is_named_with_the_workers(run_worker, command, hot_store):
    run_worker("slow@a", categories="work, home", llm_api_key="sk-canary", llm_base_url="http://u:canary@h/v1")
    run_worker("slow@b", categories="work, home", llm_api_key="sk-canary", llm_base_url="http://u:canary@h/v1")
    run_worker("slow@c", categories="work", llm_base_url="http://u:canary@h/v1")
    assert different(command) == [
        {"name": "AFTERTURN_CATEGORIES", "groups": [["slow@a", "slow@b"], ["slow@c"]]},
        {"name": "AFTERTURN_LLM_API_KEY", "groups": [["slow@a", "slow@b"], ["slow@c"]]},
    ]
    assert "AFTERTURN_CATEGORIES differs between workers: slow@a, slow@b / slow@c" in command("status").out
    assert b"canary" not in b"".join(hot_store.hvals(keys.WORKER_SETTINGS))


def test_workers_of_other_stages_may_have_other_settings(run_worker, command):
    """A host that archives needs no key."""
    run_worker("slow@a", stages=("extract",), llm_api_key="sk-1")
    run_worker("fast@b", stages=("archive",))
    assert different(command) == []


def test_a_worker_that_has_ended_is_not_compared(run_worker, command, hot_store):
    run_worker("slow@a", categories="work")
    run_worker("slow@b", categories="home")
    assert len(different(command)) == 1
    heartbeats.remove(hot_store, heartbeats.worker("slow@b", STAGES))
    assert different(command) == []
    worker_settings.remove(hot_store, "slow@b")
    assert hot_store.hkeys(keys.WORKER_SETTINGS) == [b"slow@a"]


def test_a_worker_of_another_release_is_compared_in_what_both_know(run_worker, command, hot_store):
    run_worker("slow@a", categories="work")
    hot_store.hset(keys.WORKER_SETTINGS, "slow@b", '{"categories": "x", "new_setting": "y"}')
    heartbeats.record(hot_store, heartbeats.worker("slow@b", STAGES))
    assert [found["name"] for found in different(command)] == ["AFTERTURN_CATEGORIES"]
