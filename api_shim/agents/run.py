"""One run of an agent, and what happens in it. No I/O."""

from __future__ import annotations

import json
import time
import uuid
from dataclasses import dataclass, field
from typing import Any, Literal

from afterturn import AsyncMemoryClient, ids
from afterturn.client.session import ClientSession
from afterturn.llm.streaming import StreamEnd

MemoryState = Literal["on", "unavailable"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One message of a user to an agent, which is to be answered."""

    agent_id: str
    message: str
    #: The user's name, for the facts about the user.
    name: str | None
    #: What the model is told first.
    instructions: str
    client: AsyncMemoryClient
    session: ClientSession
    #: Whether the answer is delivered piece by piece.
    is_stream: bool
    #: The id that is derived from the request's Idempotency-Key; None without one.
    request_id: uuid.UUID | None
    #: The ids of the turns of the message and of the answer.
    message_id: str
    answer_id: str
    created_at: int = field(default_factory=lambda: int(time.time()))

    @property
    def run_id(self) -> str:
        """The answer's turn has the id of the run."""
        return self.answer_id


def choose_turn_ids(request_id: uuid.UUID | None) -> tuple[str, str]:
    """Return the ids of the turns of a message and of its answer: derived from the request's id if it has one."""
    if request_id is None:
        return ids.new_turn_id(), ids.new_turn_id()
    return str(uuid.uuid5(request_id, "message")), str(uuid.uuid5(request_id, "answer"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """The first piece of the answer is there."""

    memory: MemoryState
    memory_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Completed:
    """The answer is complete, and written as far as the memory is there."""

    content: str
    model: str
    #: None if the answer is that of an earlier, equal request.
    end: StreamEnd | None


#: What a run yields, in this order: Started, the answer's text piece by piece, Completed.
RunEvent = Started | str | Completed


class Report:
    """Describes a run in the words of AgentOS: as events of a stream, or as one object."""

    def __init__(self, run: Run, model: str) -> None:
        self._run = run
        self._model = model
        self._started = Started(memory="unavailable")

    def as_event(self, event: RunEvent) -> bytes:
        """Return an event as a server-sent event."""
        match event:
            case Started():
                self._started = event
                return self._encode("RunStarted", {"model": self._model} | self._memory())
            case str():
                return self._encode("RunContent", {"content": event, "content_type": "str"})
            case Completed():
                said = {"content": event.content, "content_type": "str", "model": event.model}
                return self._encode("RunCompleted", said | {"metrics": _metrics(event.end)} | self._memory())

    def as_error(self, code: str, message: str) -> bytes:
        """Return the event that ends the stream of an answer that broke off."""
        return self._encode("RunError", {"content": message, "error_type": code})

    def as_object(self, started: Started, completed: Completed) -> dict[str, Any]:
        """Return the run as one object: the fields of `RunOut`."""
        self._started = started
        said = {"content": completed.content, "content_type": "str", "model": completed.model, "status": "COMPLETED"}
        return self._names() | said | {"metrics": _metrics(completed.end)} | self._memory()

    def _names(self) -> dict[str, Any]:
        run, scope = self._run, self._run.session.scope
        return {
            "run_id": run.run_id,
            "agent_id": run.agent_id,
            "agent_name": run.agent_id,
            "user_id": scope.user_id,
            "session_id": scope.session_id,
            "created_at": run.created_at,
        }

    def _memory(self) -> dict[str, Any]:
        return {"memory": self._started.memory, "memory_ids": list(self._started.memory_ids)}

    def _encode(self, name: str, fields: dict[str, Any]) -> bytes:
        data = {"event": name} | self._names() | fields
        return f"event: {name}\ndata: {json.dumps(data, separators=(',', ':'))}\n\n".encode()


def _metrics(end: StreamEnd | None) -> dict[str, int] | None:
    """Return the fields of `RunMetricsOut`."""
    if end is None:
        return None
    return {
        "input_tokens": end.prompt_tokens,
        "output_tokens": end.completion_tokens,
        "total_tokens": end.prompt_tokens + end.completion_tokens,
        "cache_read_tokens": end.cached_tokens,
    }
