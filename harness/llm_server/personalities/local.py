"""Servers that run a model on the user's own machine, as their users report them."""

from __future__ import annotations

from harness.llm_server.personality import (
    NO_OBJECT,
    NO_SCHEMA,
    NO_TOOLS,
    THOUGHTS,
    Personality,
    Rule,
    error,
    has,
    has_more_texts_than,
    has_role,
    is_not,
    message_with,
)

LOCAL = (
    Personality(
        name="vLLM with a reasoning parser",
        reshape=message_with(lambda text: {"content": text, "reasoning_content": THOUGHTS, "tool_calls": []}),
    ),
    Personality(
        name="vLLM, the template begins the thoughts",
        reshape=message_with(lambda text: {"content": f"{THOUGHTS}\n</think>\n\n{text}"}),
    ),
    Personality(
        name="vLLM, all of it is taken for reasoning",
        reshape=message_with(lambda text: {"content": "", "reasoning_content": f"{THOUGHTS}\n\n{text}"}),
    ),
    Personality(
        name="vLLM with Gemma",
        chat=(
            Rule(
                hits=has_role("system"),
                body={
                    "object": "error",
                    "message": "System role not supported",
                    "type": "BadRequestError",
                    "code": 400,
                },
            ),
        ),
    ),
    Personality(
        name="Ollama without tools, the URL without /v1",
        base_path="",
        not_found=Rule(hits=bool, status=404, body="404 page not found"),
        chat=(
            Rule(hits=NO_TOOLS, body=error("registry.ollama.ai/library/gemma:2b does not support tools")),
            Rule(hits=NO_SCHEMA, body=error("json: cannot unmarshal string into Go struct field .format")),
        ),
        reshape=message_with(lambda text: {"content": f"<think>\n{THOUGHTS}\n</think>\n\n{text}", "reasoning": ""}),
    ),
    Personality(
        name="LM Studio, the URL without /v1",
        base_path="/",
        not_found=Rule(
            hits=bool,
            status=200,
            body={"error": "Unexpected endpoint or method. (POST /chat/completions). Returning 200 anyway"},
        ),
        chat=(Rule(hits=NO_OBJECT, body={"error": "'response_format.type' must be 'json_schema' or 'text'"}),),
        embeddings=(Rule(hits=has("dimensions"), body={"error": "Unrecognized key(s) in object: 'dimensions'"}),),
    ),
    Personality(
        name="llama.cpp",
        base_path="/v1/chat/completions",
        chat=(
            Rule(
                hits=NO_SCHEMA,
                status=500,
                body={"error": {"code": 500, "message": "failed to parse grammar", "type": "server_error"}},
            ),
        ),
        reshape_vectors=lambda body: (
            body | {"data": [{**item, "embedding": [item["embedding"]], "index": 0} for item in body["data"]]}
        ),
        embeddings=(
            Rule(
                hits=is_not("encoding_format", "float"),
                body={"error": {"code": 400, "message": 'The format to return the embeddings in. Can be "float"'}},
            ),
        ),
    ),
    Personality(
        name="text-embeddings-inference",
        embeddings=(
            Rule(
                hits=has_more_texts_than(32),
                status=413,
                body={"message": "batch size 64 > maximum allowed batch size 32", "type": "Validation"},
            ),
        ),
    ),
)
