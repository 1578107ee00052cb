"""A model of the Agents SDK that says what a test wants, and a client whose compaction does."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from agents import Model, ModelResponse, Usage
from openai.types.responses import ResponseOutputMessage, ResponseOutputText


class FakeModel(Model):
    """Answers with the given texts in order, then with "ok", and records what it was asked."""

    def __init__(self, *answers: str | Exception) -> None:
        self.answers = list(answers)
        self.inputs: list[list[Any]] = []
        self.instructions: list[str | None] = []

    async def get_response(self, system_instructions: Any, input: Any, *arguments: Any, **options: Any) -> Any:
        self.instructions.append(system_instructions)
        self.inputs.append(list(input) if isinstance(input, list) else [{"role": "user", "content": input}])
        said = self.answers.pop(0) if self.answers else "ok"
        if isinstance(said, Exception):
            raise said
        text = ResponseOutputText(text=said, type="output_text", annotations=[])
        number = len(self.inputs)
        output = ResponseOutputMessage(
            id=f"msg_{number}", content=[text], role="assistant", status="completed", type="message"
        )
        return ModelResponse(output=[output], usage=Usage(), response_id=f"resp_{number}")

    def stream_response(self, *arguments: Any, **options: Any) -> Any:
        raise NotImplementedError


class CompactingClient:
    """The part of AsyncOpenAI that compacts: the user's messages stay, everything else becomes one item."""

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []
        self.responses = SimpleNamespace(compact=self._compact)

    async def _compact(self, **arguments: Any) -> Any:
        self.calls.append(arguments)
        users = [item for item in arguments["input"] if item.get("role") == "user"]
        return SimpleNamespace(output=[*users, {"type": "compaction", "encrypted_content": "gAAA"}], usage=None)
