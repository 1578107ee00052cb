"""An agent with a state: preferences, facts, history, a plan with versions, and a task that survives its failures.

It prints::

    Ana: I live in Lisbon and I am allergic to nuts.
    Bot: ...
    Preference: reply_language = Portuguese
    Fact: Ana is allergic to nuts.
    Fact: Ana lives in Lisbon.
    History: user, assistant
    The planner stored version 1 of the plan.
    The booker changed it: version 2.
    The planner has an old version (concurrency_error): it reads again, and changes what is there: version 3.
    Plan: city=Porto, nights=3, train=10:15
    Step find: completed
    Step book: failed, ConnectionError: the hotel does not answer
    The process starts again: find is not repeated.
    Booked: Infante, number 17
    Step find: completed after 1 attempt
    Step book: completed after 2 attempts
    Given up after 3 attempts: refund (PermissionError: not allowed)
    The cause is fixed: refund is tried again: refunded
    Tasks that were given up: 0
    Batches and entries that the memory gave up on: 0
"""

from __future__ import annotations

import json
import os
import urllib.request
from typing import Any

from openai import OpenAI

from afterturn import ConcurrencyError, MemoryClient

ATTEMPTS = 3
model = OpenAI()  # OPENAI_BASE_URL and OPENAI_API_KEY say which
memory = MemoryClient(user_id="ana", session_id="trip", agent_id="planner")


def chat(message: str) -> str:
    """Answer a message of the user, and write both sides to the memory."""
    context = memory.context(message, token_budget=2_000)
    instructions = {"role": "system", "content": "You plan trips."}
    completion = model.chat.completions.create(
        model=os.environ.get("OPENAI_MODEL", "gpt-5-mini"),
        messages=[instructions, *context.messages, {"role": "user", "content": message}],
    )
    memory.write("user", message, name="Ana")
    memory.write(completion.choices[0].message, memories_shown=context.memory_ids)
    return completion.choices[0].message.content or ""


def know_the_user() -> None:
    """Long-term memory: what the user prefers, what is true of them, what was said."""
    print("Ana: I live in Lisbon and I am allergic to nuts.")
    print("Bot:", chat("I live in Lisbon and I am allergic to nuts."))
    memory.set_preference("reply_language", "Portuguese")
    memory.flush(wait_seconds=60)  # otherwise the facts follow by themselves, soon after the last turn
    for key, value in memory.preferences().items():
        print(f"Preference: {key} = {value}")
    for fact in sorted(memory.facts(subject="Ana"), key=lambda fact: fact.text):
        print("Fact:", fact.text)
    print("History:", ", ".join(turn.role for turn in memory.history()))


def change_one_plan_together() -> None:
    """Optimistic versions: two agents change one document, and no change is lost."""
    version = memory.state.put("plan", {"city": "Porto", "nights": 2})
    print(f"The planner stored version {version} of the plan.")
    booker = MemoryClient(user_id="ana", session_id="booking", agent_id="booker")
    _, changed = booker.state.update("plan", lambda plan: plan | {"train": "10:15"})
    print(f"The booker changed it: version {changed}.")
    try:
        memory.state.put("plan", {"city": "Porto", "nights": 3}, expected=version)
    except ConcurrencyError as error:
        plan, version = memory.state.update("plan", lambda plan: plan | {"nights": 3})
        print(
            f"The planner has an old version ({error.code}): it reads again, and changes what is there: "
            f"version {version}."
        )
    print("Plan:", ", ".join(f"{key}={plan[key]}" for key in sorted(plan)))


def find_hotels() -> list[str]:
    """Return hotels: your tool in place of it."""
    return ["Infante", "Ribeira"]


def book(hotel: str, *, is_up: bool) -> dict[str, Any]:
    """Book a hotel: your tool in place of it."""
    if not is_up:
        raise ConnectionError("the hotel does not answer")
    return {"hotel": hotel, "number": 17}


def book_a_trip(*, is_up: bool) -> dict[str, Any]:
    """Run a task. Steps that are completed return their stored results."""
    task = memory.checkpoint("trip-42")
    hotels = task.step("find", find_hotels)
    booking: dict[str, Any] = task.step("book", lambda: book(hotels[0], is_up=is_up))
    return booking


def survive_a_failure() -> None:
    """Checkpoints: a task continues after its last completed step."""
    try:
        book_a_trip(is_up=False)
    except ConnectionError:
        for step in memory.checkpoint("trip-42").steps():
            print(f"Step {step.name}: {step.status}" + (f", {step.error}" if step.error else ""))
    print("The process starts again: find is not repeated.")
    booking = book_a_trip(is_up=True)
    print(f"Booked: {booking['hotel']}, number {booking['number']}")
    for step in memory.checkpoint("trip-42").steps():
        print(f"Step {step.name}: completed after {step.attempts} attempt{'s' * (step.attempts > 1)}")


def refund(*, is_allowed: bool) -> str:
    """Pay money back: your tool in place of it."""
    if not is_allowed:
        raise PermissionError("not allowed")
    return "refunded"


def give_up_and_replay() -> None:
    """Dead letters: a task that fails too often is put aside with its reason, and tried again by request."""
    task = memory.checkpoint("refund")
    for _ in range(ATTEMPTS):
        try:
            task.step("refund", lambda: refund(is_allowed=False))
        except PermissionError:
            continue
    [step] = task.steps()
    memory.state.update("dead-letters", lambda letters: (letters or {}) | {"refund": step.error})
    letters, _ = memory.state.get("dead-letters")
    for name, reason in letters.items():
        print(f"Given up after {step.attempts} attempts: {name} ({reason})")
    print("The cause is fixed: refund is tried again:", task.step("refund", lambda: refund(is_allowed=True)))
    memory.state.update("dead-letters", lambda letters: {name: letters[name] for name in letters if name != "refund"})
    print("Tasks that were given up:", len(memory.state.get("dead-letters").value))
    with urllib.request.urlopen(f"{os.environ['API_URL']}/v1/dead-letters") as answer:  # or: afterturn dead list
        print("Batches and entries that the memory gave up on:", len(json.load(answer)["dead_letters"]))


know_the_user()
change_one_plan_together()
survive_a_failure()
give_up_and_replay()
