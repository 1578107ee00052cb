"""Steering a server in another process."""

import time

import openai
import pytest

from harness.llm_server import LLMServer, LLMServerControl, LLMServerProcess


def ask(base_url: str, text: str = "hello") -> str:
    with openai.OpenAI(base_url=base_url, api_key="k", max_retries=0, timeout=5) as client:
        answer = client.chat.completions.create(model="m", messages=[{"role": "user", "content": text}])
        return answer.choices[0].message.content


def test_control_does_what_the_server_in_a_thread_does():
    with LLMServer() as server:
        control = LLMServerControl(server.base_url)
        control.queue("first", {"a": 1})
        assert [ask(server.base_url) for _ in range(3)] == ["first", '{"a":1}', "hello"]

        control.fail("status", status=500, count=1)
        with pytest.raises(openai.InternalServerError):
            ask(server.base_url)
        control.fail("hang")
        control.heal()
        assert ask(server.base_url) == "hello"

        assert control.counts() == {"chat": 5}
        assert [request.faults for request in control.requests] == [(), (), (), ("status",), ()]
        assert control.calls("chat")[0].json["messages"] == [{"role": "user", "content": "hello"}]
        with pytest.raises(ValueError, match="what must be one of"):
            control.fail("explode")
        control.forget()
        assert control.requests == []


def test_a_process_serves_until_it_is_left():
    with LLMServerProcess("--latency", "0.05") as server:
        began = time.monotonic()
        assert ask(server.base_url) == "hello"
        assert time.monotonic() - began >= 0.05
        server.set_latency(0)
        assert server.counts() == {"chat": 1}

    with pytest.raises(openai.APIConnectionError):
        ask(server.base_url)
