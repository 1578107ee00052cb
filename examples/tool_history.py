"""A conversation with tool calls that is kept whole, and shown to the model in parts.

It prints::

    Ana: Please look up the weather in Porto
    Bot: 21 degrees, sunny in Porto
    The history has the roles user, assistant, tool, assistant, and the call look_up_the_weather.
    After 24 more turns the history has 28 turns.
    last turns    ...tokens of 600, ... messages
    last tokens   ...tokens of 600, ... messages
    summary       ...tokens of 600, ... messages
    important     ...tokens of 600, ... messages
    A window never begins with the result of a call that it does not show.
    The oldest turns are ...: what was said in them is still found:
    - Ana is allergic to nuts.
    Removed: the history has 27 turns, and nothing about the key is found.
    LLM calls of the workers: ..., with ... tokens.
"""

from __future__ import annotations

import json
import os
from typing import Any

from openai import OpenAI

from afterturn import History, ImportantOnly, LastTokens, LastTurns, MemoryClient, SummaryAndRecent

BUDGET = 600
TOOL = {
    "type": "function",
    "function": {
        "name": "look_up_the_weather",
        "description": "Return the weather of a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}

model = OpenAI()  # OPENAI_BASE_URL and OPENAI_API_KEY say which
memory = MemoryClient(user_id="ana", session_id="trip", agent_id="planner")


def look_up_the_weather(city: str) -> str:
    """Return the weather of a city: your tool in place of it."""
    return f"21 degrees, sunny in {city}"


def ask(message: str) -> str:
    """Answer with tools. Each message goes to the memory as it is: calls, results, and the answer."""
    memory.write("user", message, name="Ana")
    while True:
        shown: list[Any] = list(memory.context(None, BUDGET, history=LastTurns(20)).messages)
        completion = model.chat.completions.create(
            model=os.environ.get("OPENAI_MODEL", "gpt-5-mini"), messages=shown, tools=[TOOL]
        )
        answer = completion.choices[0].message
        memory.write(answer)
        if not answer.tool_calls:
            return answer.content or ""
        for call in answer.tool_calls:
            result = look_up_the_weather(**json.loads(call.function.arguments))
            memory.write({"role": "tool", "tool_call_id": call.id, "content": result})


# Tool calls are kept, in the form of the chat API.
print("Ana: Please look up the weather in Porto")
print("Bot:", ask("Please look up the weather in Porto"))
turns = memory.history()
called = turns[1].metadata["tool_calls"][0]["function"]["name"]
print(f"The history has the roles {', '.join(turn.role for turn in turns)}, and the call {called}.")

memory.write("user", "I am allergic to nuts.", name="Ana")
key = memory.write("user", "My locker has the code heliotrope.", name="Ana")
for day in range(1, 12):
    memory.write("user", f"On day {day} I want to see another part of the city, and eat well.", name="Ana")
    memory.write("assistant", f"Day {day} is planned.")
memory.flush(wait_seconds=60)
print(f"After 24 more turns the history has {len(memory.history(100))} turns.")

# What of it is shown to the model: a window of turns, of tokens, a summary with the recent turns, what is important.
windows: dict[str, History] = {
    "last turns": LastTurns(8),
    "last tokens": LastTokens(200),
    "summary": SummaryAndRecent(),
    "important": ImportantOnly(),
}
for name, window in windows.items():
    context = memory.context("What should I know for today?", BUDGET, history=window)
    print(f"{name:<13} {context.tokens:>3} tokens of {BUDGET}, {len(context.messages)} messages")
    roles = [message["role"] for message in context.messages if message["role"] != "system"]
    assert roles[:1] != ["tool"]
print("A window never begins with the result of a call that it does not show.")

# What leaves the window is not lost.
oldest = [turn.content for turn in memory.history(100)][4:5]
print(f"The oldest turns are {oldest}: what was said in them is still found:")
print("-", memory.recall("What is Ana allergic to?", kinds=["fact"], limit=1)[0].text)

# Selective retention: a turn that must not stay is removed, with what was learnt from it.
memory.remove(key)
memory.flush(wait_seconds=60)
assert "heliotrope" not in str(memory.recall("code of the locker")) + str(memory.context("locker", BUDGET).messages)
print(f"Removed: the history has {len(memory.history(100))} turns, and nothing about the key is found.")

# What it costs: the tokens of each context are above; these are those of the workers.
for cost in memory.costs(by="user"):
    print(f"LLM calls of the workers: {cost.calls}, with {cost.prompt_tokens + cost.completion_tokens} tokens.")
