"""Pack a session's summary into a token limit, without an LLM: most detail of the newest, something of the rest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from afterturn import tokens
from afterturn.summaries.summary import Summary, SummaryStatement
from afterturn.summaries.tree import Digest, SummaryEpisode, SummaryPart

#: A statement and its place: the index of its part, and its index within the part. Statements are sorted by place.
_PlacedStatement = tuple[tuple[int, int], SummaryStatement]


def pack_summary(parts: Sequence[SummaryPart], *, limit_tokens: int) -> Summary:
    """Return a summary of these parts within a limit.

    The newest episodes come with their full text, up to half of the limit, or more if the other parts leave it. Then
    every digest gives its most important statement, the widest digest first, and every older episode its title. Then
    the digests give further statements that fit.

    Args:
        parts: made digests and episodes, oldest first, that cover every episode once.
        limit_tokens: the longest summary.
    """
    digests = [(index, part) for index, part in enumerate(parts) if isinstance(part, Digest)]
    episodes = [(index, part) for index, part in enumerate(parts) if isinstance(part, SummaryEpisode)]
    selection = _Selection(_full_episodes_tokens(episodes, digests, limit_tokens))
    newest_first = list(reversed(episodes))
    while newest_first and selection.add((newest_first[0][0], 0), newest_first[0][1].statement):
        del newest_first[0]
    selection.set_limit(limit_tokens)
    if newest_first and not selection.statements:
        index, newest = newest_first.pop(0)
        selection.add((index, 0), _truncate(newest.statement, limit_tokens if not digests else limit_tokens // 2))
    digest_statements = list(_statements(sorted(digests, key=lambda item: -item[1].level)))
    for place, statement in digest_statements:
        if place[1] == 0:
            selection.add(place, statement)
    for index, episode in newest_first:
        selection.add((index, 0), episode.heading)
    for place, statement in sorted(digest_statements, key=lambda item: item[0][1]):
        if place[1] > 0:
            selection.add(place, statement)
    in_order = sorted(selection.statements, key=lambda item: item[0])
    return Summary(statements=tuple(statement for _, statement in in_order))


class _Selection:
    """The statements selected so far, within a token limit."""

    def __init__(self, limit_tokens: int) -> None:
        self._limit_tokens = limit_tokens
        self._left_tokens = limit_tokens
        self.statements: list[_PlacedStatement] = []

    def set_limit(self, limit_tokens: int) -> None:
        """Change the limit of all selected statements together."""
        self._left_tokens += limit_tokens - self._limit_tokens
        self._limit_tokens = limit_tokens

    def add(self, place: tuple[int, int], statement: SummaryStatement) -> bool:
        """Select a statement if it fits. Return whether it did."""
        cost_tokens = _cost_tokens(statement)
        if cost_tokens > self._left_tokens:
            return False
        self._left_tokens -= cost_tokens
        self.statements.append((place, statement))
        return True


def _full_episodes_tokens(
    episodes: Sequence[tuple[int, SummaryEpisode]], digests: Sequence[tuple[int, Digest]], limit_tokens: int
) -> int:
    """Return how many tokens the episodes with their full text may take."""
    left_tokens = limit_tokens - sum(_cost_tokens(statement) for _, statement in _statements(digests))
    if sum(_cost_tokens(episode.statement) for _, episode in episodes) <= left_tokens:
        return left_tokens
    return max(limit_tokens // 2, left_tokens - sum(_cost_tokens(episode.heading) for _, episode in episodes))


def _statements(digests: Sequence[tuple[int, Digest]]) -> Iterator[_PlacedStatement]:
    for index, digest in digests:
        for rank, statement in enumerate(digest.statements or ()):
            yield (index, rank), statement


def _cost_tokens(statement: SummaryStatement) -> int:
    # One more for the line break.
    return tokens.estimate_as_part(statement.text) + 1


def _truncate(statement: SummaryStatement, limit_tokens: int) -> SummaryStatement:
    """Return the beginning of a statement that exceeds the limit alone."""
    words = statement.text.split(" ")
    low, high = 1, len(words)
    while low < high:
        middle = (low + high + 1) // 2
        fits = tokens.estimate_as_part(" ".join(words[:middle]) + " …") < limit_tokens
        low, high = (middle, high) if fits else (low, middle - 1)
    return SummaryStatement(text=" ".join(words[:low]) + " …", episode_ids=statement.episode_ids)
