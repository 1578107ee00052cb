"""Vendors' own endpoints, as their users report them."""

from __future__ import annotations

from harness.llm_server.personality import (
    NO_FORM,
    NO_SCHEMA,
    NO_TOOLS,
    THOUGHTS,
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


def _dashscope(message: str) -> dict[str, object]:
    details = {"code": "invalid_parameter_error", "param": None, "message": message, "type": "invalid_request_error"}
    return {"error": details, "id": "chatcmpl-1", "request_id": "1"}


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
            hits=NO_FORM,
            body=error("Invalid parameter: 'response_format' of type 'json_schema' or tools are not supported."),
        ),
    ),
)

HOSTED = (
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
        name="DashScope, Qwen3: no thinking without a stream",
        prefix="/compatible-mode/v1",
        base_path="/compatible-mode/v1",
        chat=(
            Rule(
                hits=lambda asked: not asked.get("stream") and asked.get("enable_thinking") is not False,
                body=_dashscope("parameter.enable_thinking must be set to false for non-streaming calls"),
            ),
            Rule(
                hits=NO_SCHEMA,
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
                hits=NO_TOOLS,
                body=_dashscope("The tool_choice parameter does not support being set to required or object"),
            ),
            Rule(hits=NO_SCHEMA, body=_dashscope("'response_format' json_schema is not supported by this model")),
        ),
        reshape=message_with(lambda text: {"content": text, "reasoning_content": THOUGHTS}),
    ),
    Personality(
        name="DeepSeek, chat",
        chat=(
            Rule(hits=NO_SCHEMA, body=error("This response_format type is unavailable now")),
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
            Rule(hits=NO_SCHEMA, body=error("This response_format type is unavailable now")),
            Rule(hits=NO_TOOLS, body=error("deepseek-reasoner does not support this tool_choice")),
        ),
        reshape=message_with(lambda text: {"content": f"```json\n{text}\n```", "reasoning_content": THOUGHTS}),
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
        reshape=message_with(lambda text: {"content": f"```json\n{text}\n```"}),
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
        reshape=message_with(
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
                hits=NO_SCHEMA,
                body=error("This model does not support response format `json_schema`. See supported models."),
            ),
            Rule(
                hits=NO_TOOLS,
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
)
