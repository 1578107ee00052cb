"""The routes of the API: they refuse unknown query parameters, and callers, before they read the body."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Coroutine, Iterator, Mapping
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.convertors import register_url_convertor
from starlette.datastructures import QueryParams

from afterturn.errors import InvalidInput
from api_shim.http import json_bodies, problems
from api_shim.http.paths import IdConvertor
from api_shim.http.principal import authenticate

#: `{name:id}` in a path is an id.
register_url_convertor("id", IdConvertor())

#: The largest number of values of one query parameter that is a list.
VALUES_LIMIT = 100

_Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class StrictRoute(APIRoute):
    """A route that answers 422 to a query parameter that it does not have."""

    def get_route_handler(self) -> _Handler:
        handle = super().get_route_handler()
        known = dict(_query_fields(self.dependant))

        async def handle_strictly(request: Request) -> Response:
            await self.admit(request)
            _check_query(request.query_params, known)
            if self.body_field is not None:
                json_bodies.check(await request.body())
            response = await handle(request)
            problems.add_headers(request, response)
            return response

        return handle_strictly

    async def admit(self, request: Request) -> None:
        """Raise an error if the caller may not call this route. The body is not read yet."""


class GuardedRoute(StrictRoute):
    """A route for authenticated callers."""

    async def admit(self, request: Request) -> None:
        await authenticate(request)


def make_router(prefix: str = "") -> APIRouter:
    """Return a router for authenticated callers."""
    return APIRouter(prefix=prefix, route_class=GuardedRoute)


def _check_query(query: QueryParams, known: Mapping[str, bool]) -> None:
    """Raise InvalidInput for unknown, repeated or too many query parameters."""
    if unknown := query.keys() - known.keys():
        raise InvalidInput(_describe_unknown(unknown, known.keys()))
    counts = Counter(name for name, _ in query.multi_items())
    for name, count in counts.items():
        if count > (VALUES_LIMIT if known[name] else 1):
            raise InvalidInput(f"the query parameter {name} is given {count} times")


def _query_fields(dependant: Dependant) -> Iterator[tuple[str, bool]]:
    """Yield the names of the query parameters of a route and its dependencies, and whether each is a list."""
    for field in dependant.query_params:
        annotation = field.field_info.annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            for name, part in annotation.model_fields.items():
                yield part.alias or name, "list[" in str(part.annotation)
        else:
            yield field.alias, "list[" in str(annotation)
    for dependency in dependant.dependencies:
        yield from _query_fields(dependency)


def _describe_unknown(unknown: set[str], known: Collection[str]) -> str:
    names = [name for name in sorted(unknown) if name.isidentifier() and len(name) <= 40]
    shown = f"unknown query parameter {names[0]}" if names else "unknown query parameter"
    return f"{shown}; this call has {', '.join(sorted(known)) if known else 'none'}"
