"""What extraction shows of a long answer of an assistant: as little as its use allows.

Kept are its beginning and its end, its questions there, what it undertakes or advises, what the user's next message
takes up, and the sentences that share most with the words of the user; of a list that the user may choose from, the
heads of its items. In case of doubt a sentence is kept, as long as there is room.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from afterturn import tokens
from afterturn.extraction.excerpts import words
from afterturn.extraction.excerpts.blocks import find_blocks
from afterturn.extraction.excerpts.sentences import Kind, Unit, find_units, is_question
from afterturn.extraction.excerpts.spans import Block, Span, show_pieces
from afterturn.languages import addressing

#: An answer of at most so many tokens is shown whole, and of a longer one about so many are shown. Smaller: what the
#: user takes up or was promised is lost. Larger: answers are paid for twice.
SHOWN_TOKENS = 200
#: A token has at least a sixth of a character, or there would be no need to count.
_SURELY_LONGER = 8
#: What is farther from the beginning and the end of an answer is left out unread.
_READ_CHARACTERS = 20_000
#: The heads of so many items are shown, and of so many tokens, besides.
_MOST_HEADS = 16
_HEADS_TOKENS = 100
#: So many sentences of undertakings and advice go before others.
_MOST_OWN = 4
#: And so many with words that the user says only afterwards.
_MOST_TAKEN_UP = 6
#: How many of the last sentences are searched for a question.
_END_SENTENCES = 4
#: A longer message says in words what it refers to.
_CHOOSING_CHARACTERS = 240
_SURELY_CHOOSING_CHARACTERS = 60
#: A word that the user says only after the answer was perhaps taken from it.
_TAKEN_UP_WEIGHT = 3.0
_NUMBER_WEIGHT = 1.5
#: What a word counts that another kept sentence has already.
_REPEATED_WEIGHT = 0.25
#: What it counts that a sentence speaks to the user.
_ADDRESS_WEIGHT = 1.3
#: Of two sentences that share as much with the user's words, the shorter one is better, but little.
_SHORT_CHARACTERS = 20
_LENGTH_WEIGHT = 10
#: A sentence that shares less with the user's words is left out, although there is room.
_LEAST_SCORE = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What the user says around an answer."""

    #: The keys of the words of the messages before it.
    before: frozenset[str] = frozenset()
    #: The next message; empty if there is none.
    reply: str = ""
    #: The keys of the words of the next message, and of those after it.
    after: frozenset[str] = frozenset()


def shorten(content: str, around: Around, *, limit_tokens: int = SHOWN_TOKENS) -> str:
    """Return what is shown of an assistant's answer: all of a short one, else pieces of it with marks between them.

    Args:
        content: of the turn.
        around: what the user says around it.
        limit_tokens: how long an answer may be to be shown whole, and about how much of a longer one is shown.
    """
    return content if is_short(content, limit_tokens) else _Answer(content, around).excerpt(limit_tokens)


def is_short(content: str, limit_tokens: int = SHOWN_TOKENS) -> bool:
    """Return whether an answer is shown whole."""
    return len(content) <= _SURELY_LONGER * limit_tokens and tokens.estimate(content) <= limit_tokens


class _Answer:
    """A long answer, with the worth of its sentences."""

    def __init__(self, content: str, around: Around) -> None:
        self._content = content
        self._around = around
        self._language = words.find_language(content)
        self._blocks: list[Block] = []
        self._units: list[Unit] = []
        for part in _read_parts(content):
            text = content[part.start : part.end]
            blocks = find_blocks(text)
            self._units += [unit.moved(part.start) for unit in find_units(text, blocks)]
            self._blocks += [Block(block.start + part.start, block.end + part.start, block.kind) for block in blocks]
        self._weights = self._weigh()
        self._own = [unit for unit in self._units if addressing.speaks_of_itself(self._text(unit), self._language)]
        self._kept: list[Span] = []
        self._covered: set[str] = set()
        self._room = 0

    def excerpt(self, limit_tokens: int) -> str:
        self._room = limit_tokens
        for unit in self._ends():
            self._keep(unit)
        self._kept += self._heads()
        before = self._around.before
        taken_up = [unit for unit in self._units if not before.issuperset(self._weights[unit])]
        self._keep_best(self._own, _MOST_OWN, least=0)
        self._keep_best(taken_up, _MOST_TAKEN_UP, least=_LEAST_SCORE)
        self._keep_best(self._units, len(self._units), least=_LEAST_SCORE)
        return show_pieces(self._content, self._kept, self._blocks)

    def _text(self, span: Span) -> str:
        return self._content[span.start : span.end]

    def _weigh(self) -> dict[Unit, dict[str, float]]:
        """Return for each sentence the words that it shares with the user's, with their weights."""
        keys = {unit: words.find_keys(self._text(unit), self._language) for unit in self._units}
        frequency = Counter(key for unit in self._units for key in keys[unit])
        said = self._around.before | self._around.after
        weight = {key: self._weight(key, frequency[key]) for key in frequency if key in said}
        shared = {unit: {key: weight[key] for key in keys[unit] if key in weight} for unit in self._units}
        for unit, weights in shared.items():
            if weights and addressing.addresses_other(self._text(unit), self._language):
                shared[unit] = {key: _ADDRESS_WEIGHT * each for key, each in weights.items()}
        return shared

    def _weight(self, key: str, frequency: int) -> float:
        weight = math.log(1 + len(self._units) / frequency)
        if key not in self._around.before:
            weight *= _TAKEN_UP_WEIGHT
        return weight * _NUMBER_WEIGHT if words.is_number(key) else weight

    def _ends(self) -> Iterator[Unit]:
        """Yield the beginning, the end, and a question before the end."""
        if not self._units:
            return
        yield from self._units[:1]
        yield self._units[-1]
        if self._units[0].kind is Kind.HEADING:
            yield from self._units[1:2]
        last = self._units[-_END_SENTENCES:]
        yield from [unit for unit in last if is_question(self._text(unit))][-1:]

    def _heads(self) -> list[Span]:
        """Return the heads of the items that the user's next message may choose from, and of the headings."""
        reply = self._around.reply
        if len(reply) > _CHOOSING_CHARACTERS or not reply.strip():
            return []
        if len(reply) > _SURELY_CHOOSING_CHARACTERS and not addressing.may_choose(reply, words.find_language(reply)):
            return []
        level = min((unit.level for unit in self._units if unit.kind is Kind.ITEM), default=0)
        heads = [
            unit
            for unit in self._units
            if unit.kind is Kind.HEADING or (unit.kind is Kind.ITEM and unit.level == level)
        ]
        spans, room = [], _HEADS_TOKENS
        for unit in heads[: _MOST_HEADS - 1] + heads[_MOST_HEADS - 1 :][-1:]:
            head = Span(unit.start, unit.head_end)
            room -= tokens.estimate(self._text(head))
            if room >= 0:
                spans.append(head)
        return spans

    def _keep_best(self, candidates: Collection[Unit], most: int, *, least: float) -> None:
        """Keep the best sentences, at most so many and as many as there is room for.

        The best shares most with the user's words, and has words that no kept sentence has.
        """
        left = set(candidates).difference(self._kept)
        for _ in range(min(most, len(left))):
            best = max(left, key=lambda unit: (self._score(unit), -unit.start))
            if self._score(best) < least or self._room <= 0:
                return
            left.discard(best)
            if self._room > self._size(best) // 2:
                self._keep(best)

    def _score(self, unit: Unit) -> float:
        shared = self._weights[unit]
        if not shared:
            return 0.0
        score = sum(weight * (_REPEATED_WEIGHT if key in self._covered else 1) for key, weight in shared.items())
        return _LENGTH_WEIGHT * score / math.sqrt(_SHORT_CHARACTERS + unit.end - unit.start)

    def _keep(self, unit: Unit) -> None:
        if unit in self._kept:
            return
        self._kept.append(unit)
        self._covered.update(self._weights.get(unit, ()))
        self._room -= self._size(unit)

    def _size(self, unit: Unit) -> int:
        return tokens.estimate(self._text(unit))


def _read_parts(content: str) -> list[Span]:
    """Return the parts of an answer that are read: all of it, or its first and its last lines."""
    if len(content) <= 2 * _READ_CHARACTERS:
        return [Span(0, len(content))]
    begin = len(content) - _READ_CHARACTERS
    if content.count("```", 0, begin) % 2:
        # It is inside of code: the last part begins after that.
        fence = content.find("```", begin)
        begin = fence + 3 if fence >= 0 else begin
    line_end = content.find("\n", begin)
    return [Span(0, _READ_CHARACTERS), Span(line_end + 1 if line_end >= 0 else begin, len(content))]
