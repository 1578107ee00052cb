"""`afterturn costs`: what LLM calls came to."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from afterturn.llm.costs import CostGrouping, Costs, DailyBudget, Prices
    from afterturn.settings import Settings


def costs(
    user: Annotated[
        str | None,
        typer.Option(help="Only this user's (of AFTERTURN_TENANT where --tenant names none).", show_default=False),
    ] = None,
    tenant: Annotated[str | None, typer.Option(help="Only this tenant's.", show_default=False)] = None,
    days: Annotated[int, typer.Option(min=1, help="Of the last days, in UTC, today included.")] = 30,
    by: Annotated[
        Literal["user", "day", "stage", "batch"], typer.Option(help="What the calls are counted by.")
    ] = "day",
    prompt_price: Annotated[
        float | None,
        typer.Option(min=0, help="Of a million tokens read (AFTERTURN_PROMPT_PRICE_PER_MILLION).", show_default=False),
    ] = None,
    completion_price: Annotated[
        float | None,
        typer.Option(
            min=0, help="Of a million tokens written (AFTERTURN_COMPLETION_PRICE_PER_MILLION).", show_default=False
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object; its keys are stable.")] = False,
) -> None:
    """Show the calls that the LLM was asked for, the tokens they took and, where prices are known, the money.

    A call is counted from its reservation on. One whose process died stays unfinished: what it came to is not known,
    and a budget counts all that it may have come to. With --user, where the user stands in the day's budget as well.
    """
    from afterturn import settings as settings_module
    from afterturn.watching import reading, reports

    settings = settings_module.load()
    prices = _prices(settings, prompt_price, completion_price)
    tenant_id = settings.tenant if user is not None and tenant is None else tenant
    found = reading.read(settings, reports.costs(tenant_id, user, by=by, days=days))
    today = _today(settings, tenant_id, user)
    if as_json:
        print(_dumped(found, prices, today))
    else:
        _print(found, by, prices, today)


def _prices(settings: Settings, prompt: float | None, completion: float | None) -> Prices | None:
    from afterturn.errors import InvalidInput
    from afterturn.llm.costs import Prices

    given = (
        settings.prompt_price_per_million if prompt is None else prompt,
        settings.completion_price_per_million if completion is None else completion,
    )
    if given == (None, None):
        return None
    if given[0] is None or given[1] is None:
        raise InvalidInput("money needs both prices: of the tokens read and of those written")
    return Prices(prompt=given[0], completion=given[1])


def _today(settings: Settings, tenant_id: str | None, user_id: str | None) -> DailyBudget | None:
    from afterturn.scopes import UserScope
    from afterturn.watching import reading, reports

    if settings.user_daily_tokens is None or tenant_id is None or user_id is None:
        return None
    daily_tokens = settings.user_daily_tokens
    return reading.read(settings, reports.daily_budget(UserScope(tenant_id, user_id), daily_tokens=daily_tokens))


def _dumped(found: list[Costs], prices: Prices | None, today: DailyBudget | None) -> str:
    from afterturn.llm import costs

    until = today.paused_until if today else None
    return json.dumps(
        {
            "costs": [costs.as_json(one, prices) for one in found],
            "total": costs.as_json(costs.total(found), prices),
            "today": None if today is None else asdict(today) | {"paused_until": until and until.isoformat()},
        },
        ensure_ascii=False,
    )


def _print(found: list[Costs], by: CostGrouping, prices: Prices | None, today: DailyBudget | None) -> None:
    from rich.console import Console

    from api_shim.cli import costs_table

    console = Console(highlight=False)
    console.print(costs_table.of(found, by, prices) if found else "no calls")
    if today is not None:
        console.print(costs_table.of_today(today))
