"""Gateways, proxies and smaller vendors, as their users report them."""

from __future__ import annotations

import json

from harness.llm_server.personality import (
    NO_FORM,
    NO_OBJECT,
    NO_SCHEMA,
    NO_TOOLS,
    THOUGHTS,
    Personality,
    Rule,
    error,
    has,
    has_mode,
    has_more_texts_than,
    is_not,
    message_with,
)


def _openrouter(raw: str, status: int = 400) -> dict[str, object]:
    """Return the error of a server behind OpenRouter, as it passes it on."""
    metadata = {"raw": raw, "provider_name": "Some provider"}
    return {"error": {"message": "Provider returned error", "code": status, "metadata": metadata}, "user_id": "user_x"}


def _halves(text: str) -> str:
    """Return an object of facts as two objects, one per line."""
    whole = json.loads(text)
    if "facts" not in whole:
        return text
    middle = len(whole["facts"]) // 2
    parts = ({**whole, "facts": whole["facts"][:middle]}, {**whole, "facts": whole["facts"][middle:]})
    return "\n".join(json.dumps(part) for part in parts)


def _list_of_items(text: str) -> str:
    """Return the list of an object instead of the object."""
    lists = [value for value in json.loads(text).values() if isinstance(value, list)]
    return json.dumps(lists[0]) if lists else text


def _with_trailing_commas(text: str) -> str:
    return text.replace("]}", "],}").replace("}]", "},]")


GATEWAYS = (
    Personality(
        name="OpenRouter, a provider without json_schema",
        prefix="/api/v1",
        base_path="/api/v1/",
        chat=(
            Rule(
                hits=has_mode("json_schema"),
                body=_openrouter('{"error":{"message":"Invalid value for response_format","code":null}}'),
            ),
            Rule(hits=NO_TOOLS, status=404, body=error("No endpoints found that support tool use.", code=404)),
        ),
    ),
    Personality(
        name="OpenRouter, a provider that does not say why",
        prefix="/api/v1",
        base_path="/api/v1",
        chat=(Rule(hits=NO_FORM, body=_openrouter("Bad Request")),),
    ),
    Personality(
        name="OpenRouter, status 200 with an error",
        prefix="/api/v1",
        base_path="/api/v1",
        chat=(
            Rule(hits=has("temperature"), status=200, body=_openrouter('{"detail":"temperature is not supported"}')),
        ),
        reshape=message_with(lambda text: {"content": text, "reasoning": THOUGHTS, "refusal": None}),
    ),
    Personality(
        name="Together",
        chat=(Rule(hits=NO_FORM, body={"id": "1", "error": {"message": "Bad Request", "type": "invalid_request"}}),),
        reshape=message_with(
            lambda text: {"content": f"Sure! Here is the JSON:\n\n{text}\n\nLet me know [if] it fits."}
        ),
    ),
    Personality(
        name="Fireworks, DeepSeek R1",
        prefix="/inference/v1",
        base_path="/inference/v1",
        reshape=message_with(lambda text: {"content": f"<think>{THOUGHTS}</think>{text}"}),
    ),
    Personality(
        name="Cerebras with gpt-oss",
        reshape=message_with(
            lambda text: {"content": f"<|channel|>analysis{THOUGHTS}<|channel|>final<|message|>{text}"}
        ),
    ),
    Personality(
        name="Anthropic's compatible API: the form is ignored",
        reshape=message_with(
            lambda text: {"content": f"Here are the facts:\n```\n{_with_trailing_commas(text)}\n```\n"}
        ),
    ),
    Personality(
        name="Perplexity: no /v1, only json_schema",
        base_path="",
        prefix="",
        chat=(Rule(hits=NO_OBJECT, body=error("response_format.type must be text or json_schema")),),
        reshape=message_with(lambda text: {"content": f"\ufeff{text}"}),
    ),
    Personality(
        name="SiliconFlow",
        chat=(
            Rule(
                hits=NO_SCHEMA,
                body={"code": 20024, "message": "Json mode is not supported for this model.", "data": None},
            ),
        ),
        embeddings=(
            Rule(
                hits=has_more_texts_than(32),
                status=413,
                body={"code": 20042, "message": "input batch size 64 > maximum allowed batch size 32", "data": None},
            ),
        ),
        reshape=message_with(lambda text: {"content": _list_of_items(text)}),
    ),
    Personality(
        name="a gateway that refuses base64, and says nothing",
        embeddings=(Rule(hits=is_not("encoding_format", "float"), body="Bad Request"),),
        chat=(Rule(hits=has("temperature"), body="Bad Request"),),
    ),
    Personality(
        name="a gateway with at most 16 texts, and says nothing",
        embeddings=(Rule(hits=has_more_texts_than(16), body="Bad Request"),),
        chat=(Rule(hits=is_not("stream", True), body="Bad Request"),),
    ),
    Personality(
        name="an old server: functions, one object a line",
        chat=(
            Rule(
                hits=NO_SCHEMA, status=422, body={"detail": "response_format: value is not a valid enumeration member"}
            ),
        ),
        reshape=message_with(
            lambda text: {"content": None, "function_call": {"name": "Answer", "arguments": _halves(text)}}
        ),
    ),
    Personality(
        name="a proxy that answers an unknown path with a page",
        base_path="",
        not_found=Rule(hits=bool, status=200, body="<!DOCTYPE html><html><body>Hello</body></html>"),
        reshape=message_with(lambda text: {"content": json.loads(text)}),
    ),
    Personality(
        name="Claude behind a proxy: the tool call as text",
        chat=(Rule(hits=has_mode("json_schema", "json_object"), body=error("response_format: Extra inputs")),),
        reshape=message_with(
            lambda text: {"content": json.dumps({"name": "Answer", "arguments": json.loads(text)}), "tool_calls": None}
        ),
    ),
)
