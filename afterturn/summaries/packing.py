"""The summary of a session within a limit, without a model: what is newest in most detail, and something of it all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from afterturn import tokens
from afterturn.summaries.summary import Summary, SummaryStatement
from afterturn.summaries.tree import Digest, Episode, Part

#: A place in the summary, and what stands there: the parts in order, and within a digest its statements in order.
_Placed = tuple[tuple[int, int], SummaryStatement]


def pack(parts: Sequence[Part], *, limit_tokens: int) -> Summary:
    """Return what fits of the parts of a session, oldest first; they cover every episode once, with digests made.

    The newest episodes come in full, up to half of the limit, or to what the rest leaves. Then every digest gives its
    weightiest statement, the widest first, and every older episode its title; then the digests give what else fits.
    """
    digests = [(place, part) for place, part in enumerate(parts) if isinstance(part, Digest)]
    episodes = [(place, part) for place, part in enumerate(parts) if isinstance(part, Episode)]
    packed = _Packed(limit_tokens)
    packed.open(_share_of_episodes([episode for _, episode in episodes], list(_said(digests)), limit_tokens))
    newest_first = list(reversed(episodes))
    while newest_first and packed.add((newest_first[0][0], 0), newest_first[0][1].statement):
        del newest_first[0]
    packed.open(limit_tokens)
    if newest_first and not packed.chosen:
        place, newest = newest_first.pop(0)
        packed.add((place, 0), _cut(newest.statement, limit_tokens if not digests else limit_tokens // 2))
    said = list(_said(sorted(digests, key=lambda placed: -placed[1].level)))
    for placed in (entry for entry in said if entry[0][1] == 0):
        packed.add(*placed)
    for place, episode in newest_first:
        packed.add((place, 0), episode.heading)
    for placed in sorted((entry for entry in said if entry[0][1] > 0), key=lambda entry: entry[0][1]):
        packed.add(*placed)
    return Summary(statements=tuple(statement for _, statement in sorted(packed.chosen, key=lambda entry: entry[0])))


class _Packed:
    """What was chosen so far, within a limit."""

    def __init__(self, limit_tokens: int) -> None:
        self._left = limit_tokens
        self._total = limit_tokens
        self.chosen: list[_Placed] = []

    def open(self, limit_tokens: int) -> None:
        """Let what is chosen, all in all, take this much."""
        self._left += limit_tokens - self._total
        self._total = limit_tokens

    def add(self, place: tuple[int, int], statement: SummaryStatement) -> bool:
        """Choose it if it fits; returns whether it did."""
        cost = _cost(statement)
        if cost > self._left:
            return False
        self._left -= cost
        self.chosen.append((place, statement))
        return True


def _share_of_episodes(episodes: Sequence[Episode], said: Sequence[_Placed], limit_tokens: int) -> int:
    """Return how much the episodes that come in full may take."""
    left = limit_tokens - sum(_cost(statement) for _, statement in said)
    if sum(_cost(episode.statement) for episode in episodes) <= left:
        return left
    return max(limit_tokens // 2, left - sum(_cost(episode.heading) for episode in episodes))


def _said(digests: Sequence[tuple[int, Digest]]) -> Iterator[_Placed]:
    for place, digest in digests:
        for rank, statement in enumerate(digest.statements or ()):
            yield (place, rank), statement


def _cost(statement: SummaryStatement) -> int:
    # One more for the end of the line.
    return tokens.estimate_as_part(statement.text) + 1


def _cut(statement: SummaryStatement, limit_tokens: int) -> SummaryStatement:
    """Return the beginning of a statement that is too long alone."""
    words = statement.text.split(" ")
    low, high = 1, len(words)
    while low < high:
        middle = (low + high + 1) // 2
        fits = tokens.estimate_as_part(" ".join(words[:middle]) + " …") < limit_tokens
        low, high = (middle, high) if fits else (low, middle - 1)
    return SummaryStatement(text=" ".join(words[:low]) + " …", episode_ids=statement.episode_ids)
