"""The steps of a checkpoint, as a document: what is completed, what failed and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

#: The version of the form of the document.
FORM = 1
#: Characters of an error's message that are kept.
MESSAGE_CHARACTERS = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of a task."""

    name: str
    #: running: it was begun and has not ended, or its process died.
    status: Literal["running", "completed", "failed"]
    #: How often it was begun.
    attempts: int
    #: What it returned, if it is completed.
    result: Any
    #: The class and the message of its last error, if it failed.
    error: str | None


def read_steps(document: Mapping[str, Any] | None) -> list[Step]:
    """Return the steps of a checkpoint's document in the order in which they were first begun."""
    steps = [] if document is None else document["steps"]
    return [
        Step(
            name=step["name"],
            status=step["status"],
            attempts=step["attempts"],
            result=step.get("result"),
            error=step.get("error"),
        )
        for step in steps
    ]


def find_step(document: Mapping[str, Any] | None, name: str) -> Step | None:
    """Return a step by its name; None if it was never begun."""
    return next((step for step in read_steps(document) if step.name == name), None)


def begin(document: Mapping[str, Any] | None, name: str) -> dict[str, Any]:
    """Return the document after a step was begun. A completed step is not changed."""
    step = find_step(document, name)
    if step is not None and step.status == "completed":
        return _with(document, name, {})
    attempts = 1 if step is None else step.attempts + 1
    earlier = {} if step is None or step.error is None else {"error": step.error}
    return _with(document, name, {"status": "running", "attempts": attempts, **earlier})


def complete(document: Mapping[str, Any] | None, name: str, result: Any) -> dict[str, Any]:
    """Return the document after a step returned. The first result of a step stays."""
    step = find_step(document, name)
    if step is not None and step.status == "completed":
        return _with(document, name, {})
    attempts = 1 if step is None else step.attempts
    return _with(document, name, {"status": "completed", "attempts": attempts, "result": result})


def fail(document: Mapping[str, Any] | None, name: str, error: Exception) -> dict[str, Any]:
    """Return the document after a step raised an error. A completed step is not changed."""
    step = find_step(document, name)
    if step is not None and step.status == "completed":
        return _with(document, name, {})
    attempts = 1 if step is None else step.attempts
    message = f"{type(error).__name__}: {error}"[:MESSAGE_CHARACTERS]
    return _with(document, name, {"status": "failed", "attempts": attempts, "error": message})


def _with(document: Mapping[str, Any] | None, name: str, changed: Mapping[str, Any]) -> dict[str, Any]:
    """Return the document with other values of a step; without values, unchanged."""
    steps = [] if document is None else list(document["steps"])
    if changed:
        names = [step["name"] for step in steps]
        new = {"name": name, **changed}
        steps = [new if step["name"] == name else step for step in steps] + ([] if name in names else [new])
    return {"form": FORM, "steps": steps}
