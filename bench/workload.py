"""The turns of a bench: turns of many users, all different, so that each becomes a separate fact."""

from __future__ import annotations

import itertools
import json
import math
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How people in a chat write: turns with gaps between them make a thought, and then nobody writes for a while."""

    #: The median gap between two turns of a thought. Gaps vary by the factor e^spread.
    gap_seconds: float
    spread: float = 0.5
    #: The median number of turns of a thought: as in a session of LoCoMo, half of which have 16 to 34.
    turns: float = 20.5
    turns_spread: float = 0.32
    #: The shortest and the longest pause after a thought.
    pause_seconds: tuple[float, float] = (20.0, 40.0)

    def thought(self, lot: random.Random) -> list[float]:
        """Return the gap before each turn of one thought; the first has none."""
        turns = max(2, round(lot.lognormvariate(math.log(self.turns), self.turns_spread)))
        return [0.0, *(lot.lognormvariate(math.log(self.gap_seconds), self.spread) for _ in range(turns - 1))]


@dataclass(frozen=True, slots=True, order=True)
class PlannedTurn:
    """A turn of a thought."""

    #: When it is written, from the beginning.
    seconds: float
    user_id: str
    #: The number of its thought; each thought of a user has another one.
    thought: int


def planned_thoughts(*, users: int, pace: Pace, seconds: float) -> list[PlannedTurn]:
    """Return the turns of all thoughts that begin within a time, in order. Every run plans the same.

    Args:
        users: each has one session, and begins at a random time.
        pace: how they write.
        seconds: the time in which thoughts begin. Each of them is finished.
    """
    lot = random.Random(users)
    planned: list[PlannedTurn] = []
    thought = 0
    for user in range(users):
        now = lot.uniform(0.0, min(seconds, pace.turns * pace.gap_seconds))
        while now < seconds:
            for gap in pace.thought(lot):
                now += gap
                planned.append(PlannedTurn(now, f"user-{user}", thought))
            thought += 1
            now += lot.uniform(*pace.pause_seconds)
    return sorted(planned)


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
