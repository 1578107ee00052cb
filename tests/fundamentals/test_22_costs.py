"""`afterturn costs`, `client.costs()` and GET …/costs: all figures of known calls."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from fastapi.testclient import TestClient

import api_shim
from afterturn.errors import InvalidInput
from afterturn.llm.costs import Costs
from api_shim import AsyncMemoryClient, MemoryClient
from api_shim.http.app import create_app

pytestmark = pytest.mark.usefixtures("one_day")

BATCH = UUID(int=7)
FIGURES = ("calls", "prompt_tokens", "cached_tokens", "completion_tokens", "unfinished_calls", "reserved_tokens")


@pytest.fixture
def some_calls(database):
    """Three calls of ana (today, today and unfinished, two days ago) and one of ben."""
    for user_id, stage, batch_id, spent, days, has_ended in (
        ("ana", "extract", BATCH, (1_000, 800, 100), 0, True),
        ("ana", "judge", BATCH, (0, 0, 0), 0, False),
        ("ana", "summarize", None, (500, 0, 50), 2, True),
        ("ben", "extract", UUID(int=8), (10_000, 0, 1_000), 0, True),
    ):
        database.execute(
            "INSERT INTO llm_calls (tenant_id, user_id, call_id, stage, batch_id, model, reserved_tokens,"
            " prompt_tokens, cached_tokens, completion_tokens, reserved_at, ended_at) VALUES ('default', %s,"
            " gen_random_uuid(), %s, %s, 'm', 5000, %s, %s, %s, now() - make_interval(days => %s),"
            " CASE WHEN %s THEN now() END)",
            [user_id, stage, batch_id, *spent, days, has_ended],
        )


def figures(costs):
    return tuple(costs[name] for name in FIGURES)


def test_costs_by_day_start_with_the_newest(some_calls, command):
    shown = command.json("costs", "--user", "ana")
    days = [row["day"] for row in shown["costs"]]
    assert days == sorted(days, reverse=True)
    assert [figures(row) for row in shown["costs"]] == [(2, 1_000, 800, 100, 1, 5_000), (1, 500, 0, 50, 0, 0)]
    assert figures(shown["total"]) == (3, 1_500, 800, 150, 1, 5_000)
    assert shown["today"] is None
    assert len(command.json("costs", "--user", "ana", "--days", "2")["costs"]) == 1


def test_costs_by_user_stage_and_batch_start_with_the_highest(some_calls, command):
    assert [row["user_id"] for row in command.json("costs", "--by", "user")["costs"]] == ["ben", "ana"]
    assert command.json("costs", "--by", "user", "--tenant", "other")["costs"] == []
    stages = [(row["stage"], row["calls"]) for row in command.json("costs", "--by", "stage")["costs"]]
    assert stages == [("extract", 2), ("summarize", 1), ("judge", 1)]
    batches = command.json("costs", "--by", "batch", "--user", "ana")["costs"]
    assert [(row["batch_id"], row["calls"]) for row in batches] == [(str(BATCH), 2), (None, 1)]


def test_prices_add_money_to_the_costs(some_calls, command, monkeypatch):
    priced = ("costs", "--user", "ana", "--prompt-price", "2", "--completion-price", "10")
    assert command.json(*priced)["total"]["money"] == pytest.approx((1_500 * 2 + 150 * 10) / 1_000_000)
    assert "0.0045" in command(*priced).out
    assert command("costs", "--prompt-price", "2").code == 2
    monkeypatch.setenv("AFTERTURN_PROMPT_PRICE_PER_MILLION", "1")
    monkeypatch.setenv("AFTERTURN_COMPLETION_PRICE_PER_MILLION", "0")
    assert command.json("costs", "--user", "ana")["total"]["money"] == pytest.approx(0.0015)


def test_the_command_prints_a_table(some_calls, command):
    shown = command("costs", "--by", "batch").out
    assert str(BATCH) in shown
    assert "default / ana / no batch" in shown
    assert "11,500" in shown
    assert command("costs", "--user", "nobody").out.strip() == "no calls"


def test_the_clients_return_the_costs_of_their_own_user(some_calls, settings):
    today = datetime.now(UTC).date()
    expected = [(today, 2, 1_000), (today - timedelta(days=2), 1, 500)]
    found = MemoryClient("ana", settings=settings).costs()
    assert all(isinstance(costs, Costs) for costs in found)
    assert [(costs.day, costs.calls, costs.prompt_tokens) for costs in found] == expected
    assert [costs.calls for costs in MemoryClient("ana", settings=settings).costs(by="user", days=None)] == [3]
    with pytest.raises(InvalidInput):
        MemoryClient("ana", settings=settings).costs(days=0)
    with pytest.raises(InvalidInput):
        MemoryClient("ana", settings=settings).costs(by="model")

    async def ask():
        try:
            return await AsyncMemoryClient("ana", settings=settings).costs()
        finally:
            await api_shim.close_async_connections()

    assert asyncio.run(ask()) == found


def test_the_http_api_returns_costs(some_calls, settings):
    with TestClient(create_app(settings)) as http:
        answer = http.get("/v1/users/ana/costs", params={"by": "day", "days": 1})
        assert answer.status_code == 200
        [row] = answer.json()["costs"]
        assert (date.fromisoformat(row["day"]), figures(row)) == (
            datetime.now(UTC).date(),
            (2, 1_000, 800, 100, 1, 5_000),
        )
        assert http.get("/v1/users/nobody/costs").json() == {"costs": []}
        assert http.get("/v1/users/ana/costs", params={"by": "model"}).status_code == 422
