"""The turns of a bench: turns of many users, all different, so that each becomes a separate fact."""

from __future__ import annotations

import itertools
import json
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.data import beam

_PLACES = ("Porto", "Lyon", "Ghent", "Turin", "Cork", "Graz", "Split", "Bergen", "Tartu", "Leipzig", "Bilbao")
_PEOPLE = ("my sister Ines", "my neighbour Omar", "a colleague", "my old teacher", "our daughter", "my flatmate Jo")
_DEEDS = (
    "went to see the exhibition about lighthouses",
    "tried the new bakery near the station",
    "finally repaired the blue bicycle",
    "talked about moving to a flat with a garden",
    "planted tomatoes and far too much basil",
    "signed up for the half marathon in spring",
    "missed the last train and walked home",
)
_FEELINGS = (
    "and I would do it again tomorrow, although my feet still hurt and the weather was nothing to write home about",
    "which was more tiring than I had thought, so this weekend I only want to read and to cook something simple",
    "and since then I have been thinking about how to find more time for such things during the week",
)
ANSWERS = (
    "That sounds lovely. Would you like me to put it into your calendar, or shall I remind you of it another time?",
    "Thank you for telling me. I have noted it, and I shall keep it in mind when we plan the coming weeks together.",
)


#: Longer turns are refused by default (AFTERTURN_TURN_LIMIT_BYTES).
_MAX_CHARACTERS = 60_000


@dataclass(frozen=True, slots=True)
class Message:
    """One turn to be written."""

    user_id: str
    role: str
    content: str


def messages(*, users: int, data: Path | None = None) -> Iterator[Message]:
    """Yield turns without end. The next user is random, but the same in every run; user and assistant alternate.

    Args:
        users: the number of users.
        data: a file in the form of LoCoMo, or a folder of BEAM, whose texts are used repeatedly; None: texts are
            generated.
    """
    if data is not None and data.is_dir():
        yield from _chats(users, data)
        return
    texts = itertools.cycle(_recorded(data)) if data else _invented()
    lot = random.Random(users)
    spoken: Counter[int] = Counter()
    for number in itertools.count():
        user = lot.randrange(users)
        spoken[user] += 1
        role = "user" if spoken[user] % 2 else "assistant"
        text = next(texts) if data or role == "user" else ANSWERS[number % len(ANSWERS)]
        # The number makes each turn different, even if a text is repeated.
        yield Message(f"user-{user}", role, f"{text} (No. {number})")


def _chats(users: int, data: Path) -> Iterator[Message]:
    """Yield the turns of the chats of BEAM: each user says one of them from its beginning, over and over."""
    chats = [[turn for session in one.conversation.sessions for turn in session.turns] for one in beam.load(data)]
    turns = [itertools.cycle(chats[user % len(chats)]) for user in range(users)]
    lot = random.Random(users)
    for number in itertools.count():
        user = lot.randrange(users)
        said = next(turns[user])
        # In front, because the test LLM makes a fact of the beginning of a long turn.
        yield Message(f"user-{user}", said.role, f"(No. {number}) {said.content[:_MAX_CHARACTERS]}")


def _invented() -> Iterator[str]:
    parts = (itertools.cycle(words) for words in (_PLACES, _PEOPLE, _DEEDS, _FEELINGS))
    for place, person, deed, feeling in zip(*parts, strict=False):
        yield f"When I was in {place} with {person}, we {deed}, {feeling}."


def _recorded(path: Path) -> list[str]:
    """Return the texts of all sessions of all conversations, in order."""
    conversations: list[dict[str, Any]] = json.loads(path.read_text("utf-8"))
    sessions = (
        session
        for conversation in conversations
        for name, session in conversation["conversation"].items()
        if name.startswith("session_") and isinstance(session, list)
    )
    return [turn["text"] for session in sessions for turn in session if turn.get("text", "").strip()]
