"""`afterturn status` and /healthz show the workers, missing workers, and how full Redis's memory is."""

from __future__ import annotations

import logging
import re
import signal
import time
from functools import partial

import pytest

from afterturn.hot import commands, heartbeats, keys
from afterturn.pipeline.enqueue import STAGES
from api_shim import MemoryClient
from harness.waiting import wait_until

MINUTE_MILLISECONDS = 60_000


@pytest.fixture
def status(command):
    """Ask for the status in JSON; returns it, after a check of the exit code."""
    return partial(command.json, "status")


def set_age(client, sender, seconds):
    """Set the age of the last heartbeat, by Redis's clock."""
    now, _ = client.time()
    client.zadd(keys.HEARTBEATS, {sender: (now - seconds) * 1000})


def test_without_workers_the_objective_is_not_met(status, command, settings):
    shown = status(code=1)
    assert shown["objective"]["is_met"] is None
    assert (shown["heartbeats"]["is_working"], shown["heartbeats"]["stages_without_workers"]) == (False, list(STAGES))
    printed = command("status").out
    assert "objective met" not in printed
    assert "no worker serves sweep, archive" in printed
    assert "no sweep is completed (none within a day)" in printed


def test_healthz_shows_that_no_worker_runs(api, hot_store):
    idle = api.get("/healthz").json()
    assert (idle["status"], idle["stages_without_workers"], idle["sweep_seconds"]) == ("degraded", list(STAGES), None)
    heartbeats.record(hot_store, heartbeats.worker("all@here", STAGES))
    heartbeats.record(hot_store, heartbeats.SWEEP)
    answer = api.get("/healthz")
    assert (answer.status_code, answer.json()["status"], answer.json()["stages_without_workers"]) == (200, "ok", [])
    assert 0 <= answer.json()["sweep_seconds"] < 10
    assert answer.json()["memory_share"] is None


def test_each_stage_needs_a_worker(status, hot_store, running_workers):
    heartbeats.remove(hot_store, heartbeats.worker("all@here", STAGES))
    heartbeats.record(hot_store, heartbeats.worker("fast@here", ["sweep", "archive"]))
    assert "extract" in status(code=1)["heartbeats"]["stages_without_workers"]
    assert "archive" not in status(code=1)["heartbeats"]["stages_without_workers"]


def test_a_worker_with_an_old_heartbeat_serves_no_stage(status, command, hot_store, running_workers):
    assert status()["heartbeats"]["is_working"] is True
    set_age(hot_store, heartbeats.worker("all@here", STAGES), heartbeats.STALE_SECONDS + 5)
    [worker] = status(code=1)["heartbeats"]["workers"]
    assert (worker["node"], worker["is_stale"]) == ("all@here", True)
    [age] = re.findall(r"heartbeat (\d+)", command("status").out)
    assert heartbeats.STALE_SECONDS + 5 <= int(age) < 120


def test_an_old_sweep_is_reported(status, command, hot_store, running_workers):
    set_age(hot_store, heartbeats.SWEEP, 100)
    assert status(code=1)["heartbeats"]["sweep_seconds"] >= 100
    assert "no sweep is completed (the last 10" in command("status").out


@pytest.mark.slow
def test_real_workers_send_heartbeats_and_their_end_is_noticed(status, settings, hot_store, workers):
    wait_until(lambda: is_working(hot_store), seconds=60)
    nodes = [worker["node"].split("@")[0] for worker in status()["heartbeats"]["workers"]]
    assert sorted(nodes) == ["fast", "slow"]
    for service in workers.services:
        if "worker" in service.name:
            service.process.send_signal(signal.SIGTERM)
            assert service.process.wait(60)
    assert status(code=1)["heartbeats"]["stages_without_workers"] == list(STAGES)


def is_working(client):
    found = commands.run(client, heartbeats.read_heartbeats())
    return not found.stages_without_workers(STAGES) and found.is_sweeping(1.0)


def test_the_memory_alarm_comes_before_writes_are_refused(
    status, command, settings, hot_store, running_workers, caplog
):
    used = hot_store.info("memory")["used_memory"]
    hot_store.config_set("maxmemory", int(used / 0.9))
    try:
        shown = status()["memory"]
        assert (0.8 < shown["share"] < 1, shown["is_alarming"], shown["policy"]) == (True, True, "noeviction")
        assert "ALARM" in command("status").out
        with caplog.at_level(logging.WARNING, "afterturn.client"):
            MemoryClient("ana", settings=settings).write("user", "Hello.")
        assert "of its maxmemory" in caplog.text
    finally:
        hot_store.config_set("maxmemory", 0)
    assert status()["memory"]["is_alarming"] is False


def test_healthz_is_503_where_nothing_can_be_written(api, hot_store, running_workers):
    hot_store.config_set("maxmemory", 1)
    try:
        full = api.get("/healthz")
        assert (full.status_code, full.json()["status"], full.json()["redis"]) == (503, "degraded", False)
        assert full.json()["memory_share"] > 1
    finally:
        hot_store.config_set("maxmemory", 0)
    assert api.get("/healthz").status_code == 200


def test_old_heartbeats_are_removed(hot_store):
    for number in range(3):
        set_age(hot_store, heartbeats.worker(f"old-{number}@gone", STAGES), 25 * 3600)
    heartbeats.record(hot_store, heartbeats.SWEEP)
    assert hot_store.zcard(keys.HEARTBEATS) == 1
    assert hot_store.pttl(keys.HEARTBEATS) > MINUTE_MILLISECONDS


def test_hosts_clocks_play_no_part(hot_store, monkeypatch):
    monkeypatch.setattr(time, "time", lambda: 0.0)
    heartbeats.record(hot_store, heartbeats.SWEEP)
    now, _ = hot_store.time()
    [(_, score)] = hot_store.zrange(keys.HEARTBEATS, 0, -1, withscores=True)
    assert abs(score / 1000 - now) < 5
