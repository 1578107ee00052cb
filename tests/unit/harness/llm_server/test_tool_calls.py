"""A script may call a tool that the request offers."""

import openai
import pytest

from harness.llm_server import LLMServer
from harness.llm_server.answers import ToolCall

TOOL = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}}}


@pytest.mark.parametrize("is_stream", [False, True])
def test_a_tool_is_called_as_openai_calls_it(is_stream):
    messages = [{"role": "user", "content": "What is the weather?"}]
    with (
        LLMServer(answer=lambda request: ToolCall("weather", '{"city":"Porto"}')) as server,
        openai.OpenAI(base_url=server.base_url, api_key="none", max_retries=0) as client,
    ):
        asked = {"model": "test-model", "messages": messages, "tools": [TOOL], "stream": is_stream}
        answer = client.chat.completions.create(**asked)
        if is_stream:
            chunks = [chunk.choices[0] for chunk in answer]
            [call] = [call for chunk in chunks for call in chunk.delta.tool_calls or ()]
            reason = chunks[-1].finish_reason
        else:
            [call], reason = answer.choices[0].message.tool_calls, answer.choices[0].finish_reason
            assert answer.choices[0].message.content is None
    assert (call.function.name, call.function.arguments) == ("weather", '{"city":"Porto"}')
    assert reason == "tool_calls"
