"""The model: it decides on the reply to each call, without network I/O."""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.llm_server import answers, prompt, replies
from harness.llm_server.answers import ToolCall
from harness.llm_server.faults import (
    ANSWER_FAULTS,
    CONNECTION_FAULTS,
    HALFWAY_FAULTS,
    VECTOR_FAULTS,
    Fault,
    FaultBox,
)
from harness.llm_server.http import Reply, Request
from harness.llm_server.personality import Personality
from harness.llm_server.recording import Recording

#: It returns the answer to a request: the text, an object that is sent as JSON, a call of a tool, or None for the
#: default answer.
Script = Callable[[Mapping[str, Any]], str | Mapping[str, Any] | ToolCall | None]

#: A feature that an endpoint may not support -> the error message of a real endpoint. An endpoint without streaming
#: sends no error, but its answer in one piece.
INABILITIES = {
    "json_schema": "This response_format type is unavailable now",
    "json_object": "'response_format.type' must be 'json_schema' or 'text'",
    "tools": "test-model does not support tools",
    "temperature": "Unsupported value: 'temperature' does not support 0 with this model.",
    "max_tokens": "Unsupported parameter: 'max_tokens' is not supported with this model. "
    "Use 'max_completion_tokens' instead.",
    "stream_options": "Unknown parameter: 'stream_options'.",
    "streaming": "",
    "dimensions": "Model does not support matryoshka representation, changing output dimensions will lead to poor "
    "results.",
}


class ScriptedModel:
    """Answers calls by a script, and records them. It can be changed while the server receives calls."""

    def __init__(
        self,
        *,
        answer: Script | None = None,
        latency_seconds: float = 0.0,
        without: Collection[str] = (),
        context_tokens: int | None = None,
        personality: Personality | None = None,
        keep: int = 20_000,
        record_file: Path | None = None,
    ) -> None:
        if unknown := set(without) - set(INABILITIES):
            raise ValueError(f"without: {', '.join(sorted(unknown))} is none of {', '.join(INABILITIES)}")
        self.faults = FaultBox()
        self.recording = Recording(keep=keep, file=record_file)
        self.latency_seconds = latency_seconds
        self._answer = answer
        self._without = frozenset(without)
        self._context_tokens = context_tokens
        self.personality = personality or Personality(name="OpenAI")
        self._lock = threading.Lock()
        self._queued: deque[tuple[str, str | Mapping[str, Any]]] = deque()
        self._systems_seen: set[int] = set()
        #: The exceptions of the script; their calls got status 500.
        self.errors: list[Exception] = []
        self._held: list[tuple[Callable[[Reply], None], Reply]] = []

    def queue(self, *given: str | Mapping[str, Any], on: str = "*") -> None:
        """Answer the next calls of this kind with these answers, in order."""
        with self._lock:
            self._queued.extend((on, answer) for answer in given)

    def handle(self, request: Request, answer_later: Callable[[Reply], None]) -> Reply | None:
        """Return the reply to a call; None if a `hold` fault delays it."""
        endpoint = self.personality.endpoint_of(request)
        if isinstance(endpoint, Reply):
            self.recording.add("unknown", request.path, request.headers, request.body, ())
            return endpoint
        try:
            asked = json.loads(request.body) if request.body else {}
        except ValueError:
            return replies.error(400, "We could not parse the JSON body of your request.")
        match endpoint:
            case "chat/completions":
                kind = prompt.kind_of(asked)
                return self._reply("chat", kind, request, answer_later, lambda fault: self._chat(asked, kind, fault))
            case "embeddings":
                return self._reply(
                    "embeddings", "embeddings", request, answer_later, lambda fault: self._embeddings(asked, fault)
                )
            case "models":
                return self._reply("models", "models", request, answer_later, lambda _: replies.models(["test-model"]))
        return replies.error(404, f"Unknown request URL: {request.method} {request.path}", code="unknown_url")

    def release(self) -> list[tuple[Callable[[Reply], None], Reply]]:
        """Return the callbacks and replies of the calls that `hold` faults have delayed."""
        with self._lock:
            held, self._held = self._held, []
            return held

    def _reply(
        self,
        endpoint: str,
        kind: str,
        request: Request,
        answer_later: Callable[[Reply], None],
        healthy: Callable[[Fault | None], Reply],
    ) -> Reply | None:
        hits = self.faults.hitting(endpoint, kind, request.body)
        self.recording.add(kind, request.path, request.headers, request.body, tuple(hit.what for hit in hits))
        fault = next((hit for hit in hits if hit.what != "latency"), None)
        if fault is None or fault.what in (*ANSWER_FAULTS, *HALFWAY_FAULTS, *VECTOR_FAULTS, "hold"):
            reply = self._healthy(healthy, fault)
            if fault is not None and fault.what in HALFWAY_FAULTS:
                reply.manner = fault.what
        elif fault.what in CONNECTION_FAULTS:
            reply = Reply(manner="close" if fault.what == "refuse" else fault.what)
        else:
            reply = replies.failure(fault)
        reply.delay_seconds = self.latency_seconds + sum(hit.seconds for hit in hits if hit.what == "latency")
        if fault is not None and fault.what == "hold":
            with self._lock:
                self._held.append((answer_later, reply))
            return None
        return reply

    def _healthy(self, healthy: Callable[[Fault | None], Reply], fault: Fault | None) -> Reply:
        try:
            return healthy(fault)
        except Exception as error:
            self.errors.append(error)
            return replies.error(500, "The test's script failed.", kind="server_error")

    def _chat(self, asked: Mapping[str, Any], kind: str, fault: Fault | None) -> Reply:
        refusal = self.personality.refusal("chat", asked) or self._refusal(asked)
        if refusal := refusal or self._overflow([prompt.all_text(asked)]):
            return refusal
        said = self._said(asked, kind)
        system = hash((asked.get("model"), prompt.system_text(asked)))
        asked = {**asked, "stream": asked.get("stream") and "streaming" not in self._without}
        cached = system in self._systems_seen
        reply = replies.chat(asked, said, cached=cached, fault=fault, reshape=self.personality.reshape)
        self._systems_seen.add(system)
        return reply

    def _embeddings(self, asked: Mapping[str, Any], fault: Fault | None) -> Reply:
        if refusal := self.personality.refusal("embeddings", asked):
            return refusal
        if "dimensions" in asked and "dimensions" in self._without:
            return replies.error(400, INABILITIES["dimensions"])
        texts = [asked["input"]] if isinstance(asked.get("input"), str) else asked.get("input", [])
        if not texts or not all(texts):
            return replies.error(400, "'$.input' is invalid: an input cannot be an empty string.")
        if overflow := self._overflow(texts):
            return overflow
        return replies.embeddings(asked, fault=fault, reshape=self.personality.reshape_vectors)

    def _said(self, asked: Mapping[str, Any], kind: str) -> str | ToolCall:
        given: str | Mapping[str, Any] | ToolCall | None = self._next_queued(kind)
        if given is None and self._answer is not None:
            given = self._answer(asked)
        if given is None:
            return answers.default(asked)
        return given if isinstance(given, str | ToolCall) else answers.as_json(given)

    def _next_queued(self, kind: str) -> str | Mapping[str, Any] | None:
        with self._lock:
            for place, (on, answer) in enumerate(self._queued):
                if on in ("*", "chat", kind):
                    del self._queued[place]
                    return answer
        return None

    def _overflow(self, texts: Sequence[str]) -> Reply | None:
        if self._context_tokens is None or max(map(replies.tokens, texts)) <= self._context_tokens:
            return None
        return replies.failure(Fault(what="context_length"))

    def _refusal(self, asked: Mapping[str, Any]) -> Reply | None:
        form = (asked.get("response_format") or {}).get("type")
        used = {form, "tools" if asked.get("tools") else None, *asked}
        for inability in INABILITIES:
            if inability in self._without and inability in used:
                return replies.error(400, INABILITIES[inability])
        return None
