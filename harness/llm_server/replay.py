"""A model with known facts: it answers each extraction call with the gold facts of the shown turns."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from harness.llm_server import answers, prompt
from harness.llm_server.prompt import ShownTurn

#: In seconds: a turn without a time of its own is less than so much later than the time that is shown.
_MINUTES = 600
_SENTENCE_END = re.compile(r"(?<=[.!?])\s")


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldFact:
    """A fact that is learnt from a turn, according to a data set."""

    text: str
    #: Two sources of one fact have one name: shown together, they give one fact with two quotes.
    name: str | None = None
    category: str = "other"
    topics: tuple[str, ...] = ()
    subject: str | None = None
    attribute: str | None = None
    value: str | None = None
    importance: float = 0.5
    #: ISO 8601.
    valid_from: str | None = None
    valid_to: str | None = None

    def fields(self) -> dict[str, Any]:
        """Return what stands in an answer besides the text and the evidence."""
        names = ("category", "subject", "attribute", "value", "importance", "valid_from", "valid_to")
        return {name: getattr(self, name) for name in names} | {"topics": list(self.topics)}


@dataclass(slots=True)
class Replay:
    """The gold facts by turn; an instance is the `answer` of a server.

    Turns are found by their text. Where the same words stand in several places ("Thanks!"), the time tells them
    apart: give it with `add`, and as `occurred_at` when the turn is written.
    """

    #: Quote the first sentence only, rather than the whole turn.
    first_sentence: bool = False
    #: How many facts were answered, once per call that showed their turn.
    answered: int = 0
    #: By text and time.
    _facts: dict[str, dict[int | None, list[GoldFact]]] = field(default_factory=dict)

    def add(self, turn_text: str, facts: Iterable[GoldFact], *, at: datetime | str | None = None) -> None:
        """Say what is learnt from a turn."""
        self._facts.setdefault(normalised(turn_text), {}).setdefault(_moment(at), []).extend(facts)

    def __call__(self, request: Mapping[str, Any]) -> dict[str, Any] | None:
        turns = prompt.shown_turns(request)
        if not turns:
            return None
        quotes: dict[object, list[tuple[int, str]]] = {}
        facts: dict[object, GoldFact] = {}
        for turn in turns:
            for place, gold in enumerate(self.facts_of(turn)):
                name = gold.name if gold.name is not None else (turn.number, place)
                facts.setdefault(name, gold)
                quotes.setdefault(name, []).append((turn.number, self._quote(turn)))
        self.answered += len(facts)
        answered = [answers.fact(gold.text, quotes[name], **gold.fields()) for name, gold in facts.items()]
        return {"facts": answered, "episode": answers.episode(turns)}

    def facts_of(self, turn: ShownTurn) -> list[GoldFact]:
        """Return the facts of a shown turn: those of its text at its time, else those of its text at any."""
        said = self._find_texts(turn)
        shown = datetime.fromisoformat(turn.at).timestamp()
        later = {
            moment: facts for moment, facts in said.items() if moment is not None and 0 <= moment - shown < _MINUTES
        }
        return later[min(later)] if later else said.get(None, [])

    def _find_texts(self, turn: ShownTurn) -> dict[int | None, list[GoldFact]]:
        """Return the facts of the texts that the turn may be, by time: of its text, or of one with all its pieces."""
        found = self._facts.get(normalised(turn.content))
        if found is not None or (len(turn.pieces) < 2 and turn.content in turn.pieces):
            return found or {}
        pieces = [normalised(piece) for piece in turn.pieces]
        matching = [facts for text, facts in self._facts.items() if _contains(text, pieces)]
        # The first of two texts that begin and end alike, unless the time tells them apart.
        return {moment: facts for found in reversed(matching) for moment, facts in found.items()}

    @classmethod
    def from_file(cls, path: Path) -> Replay:
        """Read lines of JSON: {"turn": text, "at": time or null, "facts": [{"text": …}, …]}."""
        replay = cls()
        for line in path.read_text("utf-8").splitlines():
            item = json.loads(line)
            facts = [GoldFact(**{**fact, "topics": tuple(fact.get("topics", ()))}) for fact in item["facts"]]
            replay.add(item["turn"], facts, at=item.get("at"))
        return replay

    def _quote(self, turn: ShownTurn) -> str:
        words = answers.quote(turn)
        return _SENTENCE_END.split(words.strip(), maxsplit=1)[0] if self.first_sentence else words


def normalised(text: str) -> str:
    """Return `text` in the form in which turns are looked up: NFKC, single spaces, case folded."""
    return " ".join(unicodedata.normalize("NFKC", text).split()).casefold()


def _contains(text: str, pieces: Iterable[str]) -> bool:
    """Return whether a text has these pieces in this order."""
    place = 0
    for piece in pieces:
        place = text.find(piece, place)
        if place < 0:
            return False
        place += len(piece)
    return True


def _moment(at: datetime | str | None) -> int | None:
    if at is None:
        return None
    moment = datetime.fromisoformat(at) if isinstance(at, str) else at
    return int(moment.timestamp())
