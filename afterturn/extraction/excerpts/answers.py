"""What extraction shows of a long answer of an assistant: as little as its use allows.

Kept are its beginning and its end, its questions there, what it undertakes or advises, what the user's next message
takes up, and the sentences that share most with the words of the user; of a list that the user may choose from, the
heads of its items. In case of doubt a sentence is kept, as long as there is room.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from afterturn import tokens
from afterturn.excerpts import words
from afterturn.excerpts.blocks import find_blocks
from afterturn.excerpts.sentences import Kind, Unit, find_units, is_question
from afterturn.excerpts.spans import Block, Span, show_pieces
from afterturn.extraction.excerpts.worth import Around, Worth
from afterturn.languages import addressing

#: An answer of at most so many tokens is shown whole, and of a longer one about so many are shown. Smaller: what the
#: user takes up or was promised is lost. Larger: answers are paid for twice.
SHOWN_TOKENS = 200
#: No text has fewer tokens than an eighth of its characters.
_SURELY_LONGER = 8
#: What is farther from the beginning and the end of an answer is left out unread.
_READ_CHARACTERS = 12_000
#: The heads of so many items are shown, and of so many tokens, besides.
_MOST_HEADS = 16
_HEADS_TOKENS = 100
#: So many sentences of undertakings and advice go before others.
_MOST_OWN = 4
#: And so many with words that the user says only afterwards.
_MOST_TAKEN_UP = 6
#: So many others are looked at, the best first: some may be too long for the room that is left.
_MOST_OTHERS = 40
#: How many of the last sentences are searched for a question; before a short reply, how many questions are shown.
_END_SENTENCES = 4
_MOST_QUESTIONS = 4
#: A longer message says in words what it refers to.
_CHOOSING_CHARACTERS = 240
_SURELY_CHOOSING_CHARACTERS = 60
#: A sentence of less worth is left out, although there is room.
_LEAST_SCORE = 1.0


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
    """A long answer, of which sentences are kept until there is no room left."""

    def __init__(self, content: str, around: Around) -> None:
        self._content = content
        self._language = words.find_language(content)
        self._blocks: list[Block] = []
        self._texts: dict[Unit, str] = {}
        for part in _read_parts(content):
            text = content[part.start : part.end]
            blocks = find_blocks(text)
            for unit in find_units(text, blocks):
                self._texts[unit.moved(part.start)] = text[unit.start : unit.end]
            self._blocks += [Block(block.start + part.start, block.end + part.start, block.kind) for block in blocks]
        self._worth = Worth(self._texts, around, self._language)
        self._is_chosen_from = _may_choose(around.reply)
        self._kept: list[Span] = []
        self._covered: set[str] = set()
        self._room = 0

    def excerpt(self, limit_tokens: int) -> str:
        """Return what is shown of it, with about so many tokens."""
        self._room = limit_tokens
        for unit in self._ends():
            self._keep(unit)
        if self._is_chosen_from:
            self._kept += self._heads()
        own = [unit for unit, text in self._texts.items() if addressing.speaks_of_itself(text, self._language)]
        self._keep_best(filter(self._worth.is_taken_up, self._texts), _MOST_TAKEN_UP, least=_LEAST_SCORE)
        self._keep_best(own, _MOST_OWN, least=0)
        # A reply like "the latter" says nothing without the answer.
        self._keep_best(self._texts, _MOST_OTHERS, least=0 if self._is_chosen_from else _LEAST_SCORE)
        return show_pieces(self._content, self._kept, self._blocks)

    def _ends(self) -> Iterator[Unit]:
        """Yield the beginning, the end, and a question near the end; before a short reply also earlier questions."""
        units = list(self._texts)
        yield from [*units[:1], *units[-1:]]
        if units and units[0].kind is Kind.HEADING:
            yield from units[1:2]
        searched, most = (units, _MOST_QUESTIONS) if self._is_chosen_from else (units[-_END_SENTENCES:], 1)
        yield from [unit for unit in searched if is_question(self._texts[unit])][-most:]

    def _heads(self) -> list[Span]:
        """Return the heads of the items from which the user's next message may choose, and of the headings."""
        level = min((unit.level for unit in self._texts if unit.kind is Kind.ITEM), default=0)
        heads = [
            Span(unit.start, unit.head_end)
            for unit in self._texts
            if unit.kind is Kind.HEADING or (unit.kind is Kind.ITEM and unit.level == level)
        ]
        spans, room = [], _HEADS_TOKENS
        for head in heads[: _MOST_HEADS - 1] + heads[_MOST_HEADS - 1 :][-1:]:
            room -= tokens.estimate(self._content[head.start : head.end])
            if room >= 0:
                spans.append(head)
        return spans

    def _keep_best(self, candidates: Iterable[Unit], most: int, *, least: float) -> None:
        """Keep the best sentences, at most so many and as many as there is room for."""
        left = set(candidates).difference(self._kept)
        for _ in range(min(most, len(left))):
            score, _, best = max((self._worth.score(unit, self._covered), -unit.start, unit) for unit in left)
            if score < least or self._room <= 0:
                return
            left.discard(best)
            if self._room > tokens.estimate(self._texts[best]) // 2:
                self._keep(best)

    def _keep(self, unit: Unit) -> None:
        if unit not in self._kept:
            self._kept.append(unit)
            self._covered.update(self._worth.words_of(unit))
            self._room -= tokens.estimate(self._texts[unit])


def _may_choose(reply: str) -> bool:
    """Return whether a message may refer to an answer without saying to what of it."""
    if not reply.strip() or len(reply) > _CHOOSING_CHARACTERS:
        return False
    return len(reply) <= _SURELY_CHOOSING_CHARACTERS or addressing.may_choose(reply, words.find_language(reply))


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
