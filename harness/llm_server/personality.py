"""Differences of a kind of endpoint from OpenAI's API: its refusals, their texts, and the form of its answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from harness.llm_server.http import Reply, Request

Asked = Mapping[str, Any]
#: Changes the body of a correct answer to the form of the endpoint.
Reshape = Callable[[dict[str, Any]], dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A kind of request that the endpoint refuses, and its reply."""

    #: Whether a request is refused.
    hits: Callable[[Asked], bool]
    #: The body of the refusal.
    body: Mapping[str, Any] | str
    status: int = 400

    def reply(self) -> Reply:
        body = self.body if isinstance(self.body, str) else json.dumps(self.body)
        kind = "text/plain" if isinstance(self.body, str) else "application/json"
        return Reply(status=self.status, body=body.encode(), content_type=kind)


def as_it_is(body: dict[str, Any]) -> dict[str, Any]:
    """Return the body unchanged."""
    return body


@dataclass(frozen=True, slots=True, kw_only=True)
class Personality:
    """One kind of endpoint."""

    name: str
    #: The path before `/chat/completions`.
    prefix: str = "/v1"
    #: The path that is appended to the server's address to form the base URL that a user sets.
    base_path: str = "/v1"
    #: The answer to an unknown path; None: OpenAI's 404.
    not_found: Rule | None = None
    #: The query and the header that each request needs.
    query: str = ""
    header: str = ""
    chat: tuple[Rule, ...] = ()
    embeddings: tuple[Rule, ...] = ()
    reshape: Reshape = as_it_is
    reshape_vectors: Reshape = as_it_is

    def endpoint_of(self, request: Request) -> str | Reply:
        """Return what a request is for, such as `embeddings`, or the refusal of its path, query or header."""
        if self.header and self.header not in request.headers:
            return Rule(hits=bool, status=401, body=error("Access denied due to missing subscription key.")).reply()
        if self.query and self.query not in request.query:
            return Rule(hits=bool, status=404, body=error("Resource not found", code="404")).reply()
        if not request.path.startswith(f"{self.prefix}/"):
            return "" if self.not_found is None else self.not_found.reply()
        return request.path.removeprefix(self.prefix).strip("/")

    def refusal(self, endpoint: str, asked: Asked) -> Reply | None:
        """Return the refusal of a request; None if it is accepted."""
        rules = self.embeddings if endpoint == "embeddings" else self.chat
        return next((rule.reply() for rule in rules if rule.hits(asked)), None)


def error(message: str, **fields: Any) -> dict[str, Any]:
    """Return an error object in OpenAI's form."""
    return {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": None} | fields}


def has_mode(*modes: str) -> Callable[[Asked], bool]:
    """Return whether a request has one of these types of response_format; `tools` means that it has tools."""

    def hits(asked: Asked) -> bool:
        form = (asked.get("response_format") or {}).get("type")
        return form in modes or ("tools" in modes and "tools" in asked)

    return hits


def has(*names: str) -> Callable[[Asked], bool]:
    """Return whether a request has one of these fields."""
    return lambda asked: any(name in asked for name in names)


def has_role(role: str) -> Callable[[Asked], bool]:
    """Return whether a request has a message of this role."""
    return lambda asked: any(message.get("role") == role for message in asked.get("messages", ()))


def is_not(name: str, value: object) -> Callable[[Asked], bool]:
    """Return whether a field has another value, or is missing."""
    return lambda asked: asked.get(name) != value


def has_more_texts_than(count: int) -> Callable[[Asked], bool]:
    """Return whether a request for vectors has more texts."""
    return lambda asked: isinstance(asked.get("input"), list) and len(asked["input"]) > count


def limit_above(tokens: int) -> Callable[[Asked], bool]:
    """Return whether the limit of the answer is larger."""
    return lambda asked: max(asked.get("max_tokens") or 0, asked.get("max_completion_tokens") or 0) > tokens


def message_with(change: Callable[[str], Mapping[str, Any]], **choice: Any) -> Reshape:
    """Return a change of the message: its fields, made from the text of the answer."""

    def reshape(body: dict[str, Any]) -> dict[str, Any]:
        [first] = body["choices"]
        message = first["message"]
        calls = message.get("tool_calls")
        text = calls[0]["function"]["arguments"] if calls else message["content"]
        changed = {"role": "assistant", **change(text)}
        return body | {"choices": [first | choice | {"message": changed}]}

    return reshape


#: The text of a model's thoughts, with drafts and brackets that a reader must skip.
THOUGHTS = 'The user lives [1] somewhere {maybe}. A draft: {"facts": [], "episode": null}. Now the answer.'

NO_SCHEMA = has_mode("json_schema")
NO_TOOLS = has_mode("tools")
NO_OBJECT = has_mode("json_object")
NO_FORM = has_mode("json_schema", "json_object", "tools")
