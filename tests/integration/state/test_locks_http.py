"""Locks over HTTP: who has no Python takes a lock, writes under its fence, and leaves it."""

import time

import pytest

from afterturn import MemoryClient
from afterturn.errors import LockBusy, StaleFence

LOCK = "/v1/users/ana/locks/plan%2Ftrip"
PLAN = "/v1/users/ana/state/plan"


def put(api, value, fence):
    return api.put(PLAN, json={"value": value, "fence": fence}, headers={"If-Match": "*"})


def test_take_write_renew_and_leave(api, settings):
    api.put(PLAN, json={"value": 0}, params={"expected": 0})
    taken = api.post(LOCK, json={"lease_seconds": 30})
    fence = taken.json()["fence"]
    assert (taken.status_code, taken.json()) == (200, {"name": "plan/trip", "fence": fence})
    with pytest.raises(LockBusy):
        MemoryClient("ana", settings=settings).lock("plan/trip", wait_seconds=0).acquire()
    busy = api.post(LOCK, json={})
    assert (busy.status_code, busy.json()["code"]) == (409, "lock_busy")
    assert put(api, 1, fence).json() == {"version": 2}
    assert api.put(LOCK, json={"fence": fence}).json() == {"name": "plan/trip", "fence": fence}
    assert api.delete(LOCK, params={"fence": fence}).status_code == 204
    again = api.delete(LOCK, params={"fence": fence})
    assert (again.status_code, again.json()["code"]) == (409, "stale_fence")
    assert put(api, 2, fence).status_code == 409
    assert api.post(LOCK, json={}).json()["fence"] > fence


def test_a_holder_that_was_paused_past_its_lease_cannot_write(api):
    api.put(PLAN, json={"value": 0}, params={"expected": 0})
    paused = api.post(LOCK, json={"lease_seconds": 0.2}).json()["fence"]
    time.sleep(0.3)
    assert put(api, "paused", paused).json()["code"] == "stale_fence"
    next_holder = api.post(LOCK, json={}).json()["fence"]
    assert put(api, "paused", paused).status_code == 409
    assert api.put(LOCK, json={"fence": paused}).status_code == 409
    assert api.delete(LOCK, params={"fence": paused}).status_code == 409
    assert put(api, "next", next_holder).status_code == 200
    assert api.get(PLAN).json()["value"] == "next"


def test_a_request_waits_for_a_lock(api):
    first = api.post(LOCK, json={"lease_seconds": 0.3}).json()["fence"]
    assert api.post(LOCK, json={"wait_seconds": 5}).json()["fence"] > first


def test_locks_of_users_are_apart(api):
    api.post(LOCK, json={})
    assert api.post("/v1/users/ben/locks/plan%2Ftrip", json={}).status_code == 200


@pytest.mark.parametrize(
    ("method", "body"),
    [
        ("POST", {"lease_seconds": 0}),
        ("POST", {"wait_seconds": 31}),
        ("PUT", {}),
        ("PUT", {"fence": 0}),
        ("DELETE", None),
    ],
)
def test_bad_requests_take_nothing(api, method, body):
    assert api.request(method, LOCK, json=body).status_code == 422
    assert api.post(LOCK, json={}).status_code == 200


def test_a_lock_can_be_kept_and_left_by_another_process(settings, hot_store):
    memory = MemoryClient("ana", settings=settings)
    fence = memory.lock("plan").acquire()
    handed_over = MemoryClient("ana", settings=settings).lock("plan", fence=fence)
    handed_over.renew()
    assert (
        handed_over.fence == fence and handed_over.release() and memory.lock("plan", wait_seconds=0).acquire() > fence
    )
    with pytest.raises(StaleFence):
        memory.lock("plan", fence=fence).renew()
