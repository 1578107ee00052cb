"""Valid and invalid replies in the form of the OpenAI API."""

from __future__ import annotations

import base64
import json
import math
import re
import zlib
from array import array
from collections.abc import Mapping, Sequence
from typing import Any

from harness.llm_server import answers, prompt
from harness.llm_server.answers import ToolCall
from harness.llm_server.faults import Fault
from harness.llm_server.http import Reply
from harness.llm_server.personality import Reshape, as_it_is

CHARACTERS_PER_TOKEN = 4
DEFAULT_DIMENSION = 256

_WORD = re.compile(r"\w+")

_PROSE = "Sure! Here are the facts that I found in the conversation: the user said several things."


def chat(
    request: Mapping[str, Any],
    said: str | ToolCall,
    *,
    cached: bool,
    fault: Fault | None = None,
    reshape: Reshape = as_it_is,
) -> Reply:
    """Return a completion with `said` as its answer, changed by an answer fault and in the form of a personality."""
    text = said if isinstance(said, str) else said.arguments
    text, finish_reason, refusal = corrupted(text, None if fault is None else fault.what)
    message: dict[str, Any] = {"role": "assistant", "content": text, "refusal": refusal}
    if isinstance(said, ToolCall):
        message |= {"content": None, "tool_calls": [_tool_call(said.name, text)]}
        finish_reason = "tool_calls"
    elif request.get("tools") and request.get("tool_choice") not in (None, "auto", "none") and refusal is None:
        message |= {"content": None, "tool_calls": [_tool_call(request["tools"][0]["function"]["name"], text)]}
    body = {
        "id": f"chatcmpl-{zlib.crc32(text.encode('utf-8', 'surrogatepass')):08x}",
        "object": "chat.completion",
        "created": 0,
        "model": request.get("model"),
        "choices": [{"index": 0, "message": message, "finish_reason": finish_reason, "logprobs": None}],
        "usage": _usage(request, text, cached=cached),
    }
    if fault is None:
        body = reshape(body)
        message = body["choices"][0]["message"]
    if not request.get("stream"):
        return Reply(body=json.dumps(body).encode())
    events = _events(body, message, has_usage=bool((request.get("stream_options") or {}).get("include_usage")))
    if fault is not None and fault.what == "stream_error":
        events = [*events[: len(events) // 2], {"error": {"code": fault.status, "message": "Provider disconnected"}}]
    lines = [f"data: {json.dumps(event)}\n\n" for event in events]
    return Reply(body="".join([*lines, "data: [DONE]\n\n"]).encode(), content_type="text/event-stream")


def _tool_call(name: str, arguments: str) -> dict[str, Any]:
    return {"id": "call_1", "type": "function", "function": {"name": name, "arguments": arguments}}


def _usage(request: Mapping[str, Any], text: str, *, cached: bool) -> dict[str, Any]:
    prompt_tokens = tokens(prompt.all_text(request))
    return {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": tokens(text),
        "total_tokens": prompt_tokens + tokens(text),
        "prompt_tokens_details": {"cached_tokens": tokens(prompt.system_text(request)) if cached else 0},
    }


def _events(body: dict[str, Any], message: dict[str, Any], *, has_usage: bool) -> list[dict[str, Any]]:
    """Return the completion as events: each word, then the finish reason, then the usage if it is requested."""
    frame = {name: body[name] for name in ("id", "created", "model")} | {"object": "chat.completion.chunk"}
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    for name in ("reasoning_content", "content"):
        deltas += [{name: word} for word in re.findall(r"\S+\s*|\s+", message.get(name) or "")]
    if message.get("refusal"):
        deltas = [{"role": "assistant", "refusal": message["refusal"]}]
    if message.get("tool_calls"):
        deltas = [{"role": "assistant", "tool_calls": [{"index": 0, **message["tool_calls"][0]}]}]
    chunks = [frame | {"choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in deltas]
    reason = body["choices"][0]["finish_reason"]
    chunks.append(frame | {"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})
    if has_usage:
        chunks.append(frame | {"choices": [], "usage": body["usage"]})
    return chunks


def corrupted(text: str, what: str | None) -> tuple[str, str, str | None]:
    """Return text, finish reason and refusal, changed by an answer fault."""
    match what:
        case "truncated_json":
            return text[: len(text) // 2], "stop", None
        case "length":
            return text[: len(text) // 2], "length", None
        case "wrong_schema":
            return '{"facts": "none", "episode": [1, 2]}', "stop", None
        case "prose":
            return _PROSE, "stop", None
        case "fenced":
            return f"```json\n{text}\n```", "stop", None
        case "empty":
            return "", "stop", None
        case "nul":
            # One NUL is raw between two values, one is escaped inside a value.
            return text.replace('"text":"', '"text":"\\u0000', 1).replace(",", ",\x00", 1), "stop", None
        case "unknown_turns" | "invented_quotes":
            return _with_false_evidence(text, what), "stop", None
        case "refusal":
            return "", "stop", "I cannot help with that."
        case "content_filter":
            return "", "content_filter", None
    return text, "stop", None


def embeddings(request: Mapping[str, Any], fault: Fault | None = None, *, reshape: Reshape = as_it_is) -> Reply:
    """Return one unit vector per input. It depends only on the text; similar texts have similar vectors.

    A vector fault changes the vectors of those texts that contain its text.
    """
    given = request.get("input", "")
    texts = [given] if isinstance(given, str) else list(given)
    vectors = [_vector(str(text), int(request.get("dimensions") or DEFAULT_DIMENSION)) for text in texts]
    if fault is not None:
        corrupted_here = [fault.containing in str(text) for text in texts]
        vectors = [
            _corrupted_vector(vector, fault.what) if is_corrupted else vector
            for vector, is_corrupted in zip(vectors, corrupted_here, strict=True)
            if not (is_corrupted and fault.what == "no_vector")
        ]
    if request.get("encoding_format") == "base64":
        shown: Sequence[Any] = [base64.b64encode(vector.tobytes()).decode() for vector in vectors]
    else:
        shown = [vector.tolist() for vector in vectors]
    spent = sum(tokens(str(text)) for text in texts)
    body = {
        "object": "list",
        "model": request.get("model"),
        "data": [{"object": "embedding", "index": place, "embedding": vector} for place, vector in enumerate(shown)],
        "usage": {"prompt_tokens": spent, "total_tokens": spent},
    }
    return Reply(body=json.dumps(reshape(body)).encode())


def _corrupted_vector(vector: array[float], what: str) -> array[float]:
    match what:
        case "nan":
            return array("f", [math.nan, *vector[1:]])
        case "other_dimension":
            return vector[1:]
    return vector


def embed(texts: Sequence[str], dimension: int = DEFAULT_DIMENSION) -> list[list[float]]:
    """Return the vectors that the server gives these texts."""
    return [_vector(text, dimension).tolist() for text in texts]


def _vector(text: str, dimension: int) -> array[float]:
    """Hash each word to a dimension and a sign. It is cheap, so that it does not slow benches on the same machine."""
    weights: dict[int, float] = {}
    for word in _WORD.findall(text.lower()) or [""]:
        hashed = zlib.crc32(word.encode("utf-8", "replace"))
        place = (hashed >> 1) % dimension
        weights[place] = weights.get(place, 0.0) + (1.0 if hashed & 1 else -1.0)
    length = math.hypot(*weights.values())
    vector = array("f", bytes(4 * dimension))
    if length == 0:
        vector[0] = 1.0
        return vector
    for place, weight in weights.items():
        vector[place] = weight / length
    return vector


def models(names: Sequence[str]) -> Reply:
    listed = [{"id": name, "object": "model", "created": 0, "owned_by": "tests"} for name in names]
    return Reply(body=json.dumps({"object": "list", "data": listed}).encode())


def error(status: int, message: str, *, kind: str = "invalid_request_error", **fields: Any) -> Reply:
    """Return an error in OpenAI's form. `headers` among the fields are the headers of the reply."""
    headers = fields.pop("headers", {})
    details = {"message": message, "type": kind, "param": None, "code": None} | fields
    return Reply(status=status, body=json.dumps({"error": details}).encode(), headers=headers)


def failure(fault: Fault) -> Reply:
    """Return the reply of a reply fault."""
    headers = {} if fault.retry_after is None else {"retry-after": fault.retry_after}
    match fault.what:
        case "context_length":
            words = "This model's maximum context length is 8192 tokens. Please reduce the length of the messages."
            return error(400, fault.message or words, param="messages", code="context_length_exceeded")
        case "html":
            return Reply(body=b"<html><body>Welcome!</body></html>", content_type="text/html")
        case "gateway_error":
            body = {"error": {"code": fault.status, "message": fault.message or "Provider returned error"}}
            return Reply(body=json.dumps(body).encode())
    kinds = {401: "authentication_error", 429: "rate_limit_error"}
    kind = kinds.get(fault.status, "server_error" if fault.status >= 500 else "invalid_request_error")
    return error(fault.status, fault.message or "The test says no.", kind=kind, code=fault.code, headers=headers)


def _with_false_evidence(text: str, what: str) -> str:
    try:
        answer = json.loads(text)
    except ValueError:
        return text
    for fact in answer.get("facts", ()):
        for quote in fact["evidence"]:
            if what == "unknown_turns":
                quote["turn"] += 1_000
            else:
                quote["quote"] = f"invented: {quote['quote'][::-1]}"
    return answers.as_json(answer)


def tokens(text: str) -> int:
    """Return the number of tokens that a text counts as."""
    return -(-len(text) // CHARACTERS_PER_TOKEN)
