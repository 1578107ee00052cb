"""`afterturn costs`: show the costs of LLM calls."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from api_shim.cli import owner
from api_shim.cli.owner import UserOption

if TYPE_CHECKING:
    from afterturn.llm.costs import CostGrouping, Costs, DailyBudget, Prices
    from afterturn.settings import Settings


def costs(
    user: Annotated[
        str | None,
        typer.Argument(metavar="[USER]", help="Only this user. Default tenant: AFTERTURN_TENANT.", show_default=False),
    ] = None,
    user_option: UserOption = None,
    tenant: Annotated[str | None, typer.Option(help="Only this tenant.", show_default=False)] = None,
    days: Annotated[int, typer.Option(min=1, help="The number of days (UTC), including today.")] = 30,
    by: Annotated[Literal["user", "day", "stage", "batch"], typer.Option(help="How the calls are grouped.")] = "day",
    prompt_price: Annotated[
        float | None,
        typer.Option(
            min=0,
            help="The price of a million prompt tokens. Default: AFTERTURN_PROMPT_PRICE_PER_MILLION.",
            show_default=False,
        ),
    ] = None,
    completion_price: Annotated[
        float | None,
        typer.Option(
            min=0,
            help="The price of a million completion tokens. Default: AFTERTURN_COMPLETION_PRICE_PER_MILLION.",
            show_default=False,
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object; its keys are stable.")] = False,
) -> None:
    """Show the LLM calls, their tokens and, if prices are set, their price.

    A call is counted as soon as it is reserved. If its process died, the call stays unfinished and its cost is unknown;
    a budget counts its reserved tokens. With --user, the user's budget of today is shown too.
    """
    from afterturn import settings as settings_module
    from afterturn.watching import reading, reports

    user = owner.choose(user, user_option) if user or user_option else None
    settings = settings_module.load()
    prices = _prices(settings, prompt_price, completion_price)
    tenant_id = settings.tenant if user is not None and tenant is None else tenant
    found = reading.read_report(settings, reports.costs(tenant_id, user, by=by, days=days))
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
        raise InvalidInput("set both prices or none: one is for prompt tokens, one for completion tokens")
    return Prices(prompt=given[0], completion=given[1])


def _today(settings: Settings, tenant_id: str | None, user_id: str | None) -> DailyBudget | None:
    from afterturn.scopes import UserScope
    from afterturn.watching import reading, reports

    if settings.user_daily_tokens is None or tenant_id is None or user_id is None:
        return None
    daily_tokens = settings.user_daily_tokens
    return reading.read_report(settings, reports.daily_budget(UserScope(tenant_id, user_id), daily_tokens=daily_tokens))


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
    console.print(costs_table.make_table(found, by, prices) if found else "no calls")
    if today is not None:
        console.print(costs_table.format_budget(today))
