"""The routes of OpenAI's API. They are not in the OpenAPI schema of this API: OpenAI's describes them."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute

from api_shim.chat.service import ChatService
from api_shim.http import problems
from api_shim.http.principal import authenticate


class PassedOnRoute(APIRoute):
    """A route for authenticated callers whose query parameters are the endpoint's."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_authenticated(request: Request) -> Response:
            await authenticate(request)
            response = await handle(request)
            problems.add_headers(request, response)
            return response

        return handle_authenticated


router = APIRouter(prefix="/v1", route_class=PassedOnRoute, include_in_schema=False)


@router.post("/chat/completions")
async def complete_chat(request: Request) -> Response:
    """Answer a call of the chat API."""
    return await _service(request).chat(request, "messages")


@router.post("/responses")
async def create_response(request: Request) -> Response:
    """Answer a call of the Responses API."""
    return await _service(request).chat(request, "input")


@router.get("/models")
@router.get("/models/{model_id:path}")
async def models(request: Request) -> Response:
    """Pass on the endpoint's models."""
    return await _service(request).pass_on(request)


def _service(request: Request) -> ChatService:
    service: ChatService = request.app.state.chat
    return service
