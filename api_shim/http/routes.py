"""The routes of the API: they refuse unknown query parameters, and callers, before they read the body."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.convertors import register_url_convertor

from afterturn.errors import InvalidInput
from api_shim.http import problems
from api_shim.http.paths import IdConvertor
from api_shim.http.principal import authenticate

#: `{name:id}` in a path is an id.
register_url_convertor("id", IdConvertor())

_Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class StrictRoute(APIRoute):
    """A route that answers 422 to a query parameter that it does not have."""

    def get_route_handler(self) -> _Handler:
        handle = super().get_route_handler()
        known = frozenset(_query_names(self.dependant))

        async def handle_strictly(request: Request) -> Response:
            await self.admit(request)
            if unknown := request.query_params.keys() - known:
                raise InvalidInput(_describe_unknown(unknown, known))
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


def _query_names(dependant: Dependant) -> Iterator[str]:
    """Yield the names of the query parameters of a route and its dependencies."""
    for field in dependant.query_params:
        annotation = field.field_info.annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            yield from (part.alias or name for name, part in annotation.model_fields.items())
        else:
            yield field.alias
    for dependency in dependant.dependencies:
        yield from _query_names(dependency)


def _describe_unknown(unknown: set[str], known: frozenset[str]) -> str:
    names = [name for name in sorted(unknown) if name.isidentifier() and len(name) <= 40]
    shown = f"unknown query parameter {names[0]}" if names else "unknown query parameter"
    return f"{shown}; this call has {', '.join(sorted(known)) if known else 'none'}"
