"""Kinds of endpoints, as their users report them: the words of their refusals, and the forms of their answers."""

from __future__ import annotations

import json

from harness.llm_server.personality import (
    Personality,
    Rule,
    error,
    has,
    has_mode,
    has_more_texts_than,
    has_role,
    is_not,
    limit_above,
    message_with,
)

#: What a model says that thinks aloud: drafts, brackets and all.
THOUGHTS = 'The user lives [1] somewhere {maybe}. A draft: {"facts": [], "episode": null}. Now the answer.'

_NO_SCHEMA = has_mode("json_schema")
_NO_TOOLS = has_mode("tools")
_NO_OBJECT = has_mode("json_object")
_NO_FORM = has_mode("json_schema", "json_object", "tools")


def _openrouter(raw: str, status: int = 400) -> dict[str, object]:
    """Return the error of a server behind OpenRouter, as it passes it on."""
    metadata = {"raw": raw, "provider_name": "Some provider"}
    return {"error": {"message": "Provider returned error", "code": status, "metadata": metadata}, "user_id": "user_x"}


def _dashscope(message: str) -> dict[str, object]:
    details = {"code": "invalid_parameter_error", "param": None, "message": message, "type": "invalid_request_error"}
    return {"error": details, "id": "chatcmpl-1", "request_id": "1"}


def _halves(text: str) -> str:
    """Return an object of facts as two objects, one a line."""
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


OPENAI_REASONING = Personality(
    name="OpenAI, reasoning models",
    chat=(
        Rule(
            hits=has("max_tokens"),
            body=error(
                "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' "
                "instead.",
                param="max_tokens",
                code="unsupported_parameter",
            ),
        ),
        Rule(
            hits=has("temperature"),
            body=error(
                "Unsupported value: 'temperature' does not support 0 with this model. Only the default (1) value is "
                "supported.",
                param="temperature",
                code="unsupported_value",
            ),
        ),
    ),
)
OPENAI_O1_MINI = Personality(
    name="OpenAI, o1-mini",
    chat=(
        *OPENAI_REASONING.chat,
        Rule(
            hits=has_role("system"),
            body=error(
                "Unsupported value: 'messages[0].role' does not support 'system' with this model.",
                param="messages[0].role",
                code="unsupported_value",
            ),
        ),
        Rule(
            hits=_NO_FORM,
            body=error("Invalid parameter: 'response_format' of type 'json_schema' or tools are not supported."),
        ),
    ),
)

#: In the order of docs/how-to/endpoints.md.
PERSONALITIES = (
    Personality(name="OpenAI"),
    OPENAI_REASONING,
    OPENAI_O1_MINI,
    Personality(
        name="Azure, a deployment",
        prefix="/openai/deployments/m-1",
        base_path="/openai/deployments/m-1?api-version=2024-10-21",
        query="api-version=2024-10-21",
        header="api-key",
    ),
    Personality(
        name="Azure, the resource with a version",
        prefix="/openai/deployments/m-1",
        base_path="/?api-version=2024-10-21",
        query="api-version=2024-10-21",
        header="api-key",
        chat=(
            Rule(
                hits=has_mode("json_schema"),
                body=error(
                    "Invalid parameter: 'response_format' of type 'json_schema' is not supported with this model.",
                    param="response_format",
                ),
            ),
        ),
    ),
    Personality(
        name="vLLM with a reasoning parser",
        dress=message_with(lambda text: {"content": text, "reasoning_content": THOUGHTS, "tool_calls": []}),
    ),
    Personality(
        name="vLLM, the template begins the thoughts",
        dress=message_with(lambda text: {"content": f"{THOUGHTS}\n</think>\n\n{text}"}),
    ),
    Personality(
        name="vLLM, all of it is taken for reasoning",
        dress=message_with(lambda text: {"content": "", "reasoning_content": f"{THOUGHTS}\n\n{text}"}),
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
            Rule(hits=_NO_TOOLS, body=error("registry.ollama.ai/library/gemma:2b does not support tools")),
            Rule(hits=_NO_SCHEMA, body=error("json: cannot unmarshal string into Go struct field .format")),
        ),
        dress=message_with(lambda text: {"content": f"<think>\n{THOUGHTS}\n</think>\n\n{text}", "reasoning": ""}),
    ),
    Personality(
        name="LM Studio, the URL without /v1",
        base_path="/",
        not_found=Rule(
            hits=bool,
            status=200,
            body={"error": "Unexpected endpoint or method. (POST /chat/completions). Returning 200 anyway"},
        ),
        chat=(Rule(hits=_NO_OBJECT, body={"error": "'response_format.type' must be 'json_schema' or 'text'"}),),
        embeddings=(Rule(hits=has("dimensions"), body={"error": "Unrecognized key(s) in object: 'dimensions'"}),),
    ),
    Personality(
        name="llama.cpp",
        base_path="/v1/chat/completions",
        chat=(
            Rule(
                hits=_NO_SCHEMA,
                status=500,
                body={"error": {"code": 500, "message": "failed to parse grammar", "type": "server_error"}},
            ),
        ),
        dress_vectors=lambda body: (
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
        name="OpenRouter, a provider without json_schema",
        prefix="/api/v1",
        base_path="/api/v1/",
        chat=(
            Rule(
                hits=has_mode("json_schema"),
                body=_openrouter('{"error":{"message":"Invalid value for response_format","code":null}}'),
            ),
            Rule(hits=_NO_TOOLS, status=404, body=error("No endpoints found that support tool use.", code=404)),
        ),
    ),
    Personality(
        name="OpenRouter, a provider that does not say why",
        prefix="/api/v1",
        base_path="/api/v1",
        chat=(Rule(hits=_NO_FORM, body=_openrouter("Bad Request")),),
    ),
    Personality(
        name="OpenRouter, status 200 with an error",
        prefix="/api/v1",
        base_path="/api/v1",
        chat=(
            Rule(hits=has("temperature"), status=200, body=_openrouter('{"detail":"temperature is not supported"}')),
        ),
        dress=message_with(lambda text: {"content": text, "reasoning": THOUGHTS, "refusal": None}),
    ),
    Personality(
        name="DashScope, Qwen3: no thinking without a stream",
        prefix="/compatible-mode/v1",
        base_path="/compatible-mode/v1",
        chat=(
            Rule(
                hits=lambda asked: not asked.get("stream") and asked.get("enable_thinking") is not False,
                body=_dashscope("parameter.enable_thinking must be set to false for non-streaming calls"),
            ),
            Rule(
                hits=_NO_SCHEMA,
                body=_dashscope("'response_format.type' must be 'text' or 'json_object': json_schema is not supported"),
            ),
        ),
        embeddings=(
            Rule(
                hits=has_more_texts_than(10),
                body=_dashscope(
                    "<400> InternalError.Algo.InvalidParameter: Value error, batch size is invalid, it should not be "
                    "larger than 10.: input.contents"
                ),
            ),
        ),
    ),
    Personality(
        name="DashScope, QwQ: only as a stream",
        prefix="/compatible-mode/v1",
        base_path="/compatible-mode/v1",
        chat=(
            Rule(
                hits=is_not("stream", True),
                body=_dashscope(
                    "This model only support stream mode, please enable the stream parameter to access the model. "
                ),
            ),
            Rule(
                hits=_NO_TOOLS,
                body=_dashscope("The tool_choice parameter does not support being set to required or object"),
            ),
            Rule(hits=_NO_SCHEMA, body=_dashscope("'response_format' json_schema is not supported by this model")),
        ),
        dress=message_with(lambda text: {"content": text, "reasoning_content": THOUGHTS}),
    ),
    Personality(
        name="DeepSeek, chat",
        chat=(
            Rule(hits=_NO_SCHEMA, body=error("This response_format type is unavailable now")),
            Rule(
                hits=limit_above(8_192),
                body=error("Invalid max_tokens value, the valid range of max_tokens is [1, 8192]"),
            ),
        ),
    ),
    Personality(
        name="DeepSeek, reasoner",
        base_path="",
        prefix="",
        chat=(
            Rule(hits=_NO_SCHEMA, body=error("This response_format type is unavailable now")),
            Rule(hits=_NO_TOOLS, body=error("deepseek-reasoner does not support this tool_choice")),
        ),
        dress=message_with(lambda text: {"content": f"```json\n{text}\n```", "reasoning_content": THOUGHTS}),
    ),
    Personality(
        name="Gemini",
        prefix="/v1beta/openai",
        base_path="/v1beta/openai/",
        chat=(
            Rule(
                hits=has_mode("json_schema", "tools"),
                body='[{"error": {"code": 400, "message": "Invalid JSON payload received. Unknown name '
                '\\"additionalProperties\\" at \'generation_config.response_schema\' or the tool: Cannot find field.", '
                '"status": "INVALID_ARGUMENT"}}]',
            ),
        ),
        embeddings=(
            Rule(
                hits=has_more_texts_than(100),
                body='[{"error": {"code": 400, "message": "* BatchEmbedContentsRequest.requests: at most 100 requests '
                'can be in one batch", "status": "INVALID_ARGUMENT"}}]',
            ),
        ),
        dress=message_with(lambda text: {"content": f"```json\n{text}\n```"}),
    ),
    Personality(
        name="Mistral, Magistral",
        chat=(
            Rule(
                hits=has("max_completion_tokens"),
                status=422,
                body={
                    "object": "error",
                    "message": {
                        "detail": [
                            {
                                "type": "extra_forbidden",
                                "loc": ["body", "max_completion_tokens"],
                                "msg": "Extra inputs are not permitted",
                            }
                        ]
                    },
                    "type": "invalid_request_error",
                },
            ),
        ),
        embeddings=(
            Rule(
                hits=has("encoding_format"),
                status=422,
                body={
                    "detail": [
                        {
                            "type": "extra_forbidden",
                            "loc": ["body", "encoding_format"],
                            "msg": "Extra inputs are not permitted",
                        }
                    ]
                },
            ),
            Rule(
                hits=has_more_texts_than(64),
                body={"object": "error", "message": "Too many inputs in request. Try to reduce the number of inputs."},
            ),
        ),
        dress=message_with(
            lambda text: {
                "content": [
                    {"type": "thinking", "thinking": [{"type": "text", "text": THOUGHTS}]},
                    {"type": "text", "text": text},
                ]
            }
        ),
    ),
    Personality(
        name="Groq",
        prefix="/openai/v1",
        base_path="/openai/v1",
        chat=(
            Rule(
                hits=_NO_SCHEMA,
                body=error("This model does not support response format `json_schema`. See supported models."),
            ),
            Rule(
                hits=_NO_TOOLS,
                body=error("Failed to call a function. Please adjust your prompt.", code="tool_use_failed"),
            ),
            Rule(
                hits=limit_above(2_048),
                body=error(
                    "`max_tokens` must be less than or equal to `2048`, the maximum value for `max_tokens` is less "
                    "than the `context_window` for this model",
                    param="max_tokens",
                ),
            ),
        ),
    ),
    Personality(
        name="Together",
        chat=(Rule(hits=_NO_FORM, body={"id": "1", "error": {"message": "Bad Request", "type": "invalid_request"}}),),
        dress=message_with(lambda text: {"content": f"Sure! Here is the JSON:\n\n{text}\n\nLet me know [if] it fits."}),
    ),
    Personality(
        name="Fireworks, DeepSeek R1",
        prefix="/inference/v1",
        base_path="/inference/v1",
        dress=message_with(lambda text: {"content": f"<think>{THOUGHTS}</think>{text}"}),
    ),
    Personality(
        name="Cerebras with gpt-oss",
        dress=message_with(lambda text: {"content": f"<|channel|>analysis{THOUGHTS}<|channel|>final<|message|>{text}"}),
    ),
    Personality(
        name="Anthropic's compatible API: the form is ignored",
        dress=message_with(lambda text: {"content": f"Here are the facts:\n```\n{_with_trailing_commas(text)}\n```\n"}),
    ),
    Personality(
        name="Perplexity: no /v1, only json_schema",
        base_path="",
        prefix="",
        chat=(Rule(hits=_NO_OBJECT, body=error("response_format.type must be text or json_schema")),),
        dress=message_with(lambda text: {"content": f"\ufeff{text}"}),
    ),
    Personality(
        name="SiliconFlow",
        chat=(
            Rule(
                hits=_NO_SCHEMA,
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
        dress=message_with(lambda text: {"content": _list_of_items(text)}),
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
                hits=_NO_SCHEMA, status=422, body={"detail": "response_format: value is not a valid enumeration member"}
            ),
        ),
        dress=message_with(
            lambda text: {"content": None, "function_call": {"name": "Answer", "arguments": _halves(text)}}
        ),
    ),
    Personality(
        name="a proxy that answers an unknown path with a page",
        base_path="",
        not_found=Rule(hits=bool, status=200, body="<!DOCTYPE html><html><body>Hello</body></html>"),
        dress=message_with(lambda text: {"content": json.loads(text)}),
    ),
    Personality(
        name="Claude behind a proxy: the tool call as text",
        chat=(Rule(hits=has_mode("json_schema", "json_object"), body=error("response_format: Extra inputs")),),
        dress=message_with(
            lambda text: {"content": json.dumps({"name": "Answer", "arguments": json.loads(text)}), "tool_calls": None}
        ),
    ),
)
