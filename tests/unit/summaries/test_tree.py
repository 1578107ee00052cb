"""The tree of digests: each episode is always covered once, and is a source of a bounded number of calls."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from afterturn.summaries import tree
from afterturn.summaries.tree import Digest, SummaryEpisode
from tests.unit.summaries.examples import episode

NO_STATEMENTS = ()


class Session:
    """A session that gets episodes and makes digests in the same way as the stage."""

    def __init__(self, width: int) -> None:
        self.width = width
        self.episodes: list[SummaryEpisode] = []
        self.top_digests: list[Digest] = []
        self.calls = 0
        #: Number of sources of each call.
        self.source_counts: list[int] = []

    def add_episode(self, number: int) -> None:
        self.episodes.append(episode(number))

    def summarize(self) -> None:
        while (due := tree.next_digest(self.episodes, self.top_digests, width=self.width)) is not None:
            covered = [part for part in (*self.top_digests, *self.episodes) if self._is_covered(part, due)]
            remaining = [digest for digest in self.top_digests if digest not in covered]
            self.episodes = [episode for episode in self.episodes if episode not in covered]
            made = replace(due, statements=NO_STATEMENTS)
            self.top_digests = sorted([*remaining, made], key=lambda digest: digest.first_user_seq)
            self.calls += 1
            self.source_counts.append(len(covered))

    def _is_covered(self, part: Digest | SummaryEpisode, due: Digest) -> bool:
        level = part.level if isinstance(part, Digest) else -1
        return level == due.level - 1 and due.first_user_seq <= part.first_user_seq <= due.last_user_seq

    @property
    def spans(self) -> list[tuple[int, int]]:
        digests = [(digest.first_user_seq, digest.last_user_seq) for digest in self.top_digests]
        return [*digests, *((episode.user_seq, episode.user_seq) for episode in self.episodes)]


@given(
    width=st.integers(2, 10),
    arrivals=st.lists(st.tuples(st.integers(1, 3), st.booleans()), max_size=120),
)
def test_every_episode_is_covered_exactly_once_at_all_times(width, arrivals):
    session, number, added = Session(width), 0, []
    for gap, is_summarized in arrivals:
        number += gap  # batches of other sessions have the numbers between
        added.append(number)
        session.add_episode(number)
        if is_summarized:
            session.summarize()
        spans = session.spans
        assert all(last < first for (_, last), (first, _) in pairwise(spans))
        assert [sum(first <= number <= last for first, last in spans) for number in added] == [1] * len(added)
    session.summarize()
    assert all(count == width for count in session.source_counts)
    assert len(session.episodes) < width + width // 2


@given(width=st.integers(2, 10), pauses=st.lists(st.booleans(), min_size=1, max_size=150))
def test_the_digests_do_not_depend_on_when_they_are_made(width, pauses):
    at_the_end, in_between = Session(width), Session(width)
    for number, is_summarized in enumerate(pauses, 1):
        at_the_end.add_episode(number)
        in_between.add_episode(number)
        if is_summarized:
            in_between.summarize()
    at_the_end.summarize()
    in_between.summarize()
    assert at_the_end.top_digests == in_between.top_digests
    assert at_the_end.calls == in_between.calls


@pytest.mark.parametrize("length", [100, 500, 5_000])
def test_the_number_of_calls_per_episode_is_bounded(length):
    session, calls_after = Session(8), []
    for number in range(1, length + 1):
        session.add_episode(number)
        session.summarize()
        calls_after.append(session.calls)
    assert session.calls / length < 1 / 7  # 1/8 + 1/64 + …
    # The second half makes no more calls per episode than the first.
    assert calls_after[-1] - calls_after[length // 2] <= length // 2 / 7 + 4
    # A summary is made from a few parts per level.
    levels = {digest.level for digest in session.top_digests}
    assert len(session.spans) < 12 * (len(levels) + 1)


def test_the_newest_half_width_of_episodes_is_not_condensed():
    episodes = [episode(number) for number in range(1, 12)]
    assert tree.next_digest(episodes, [], width=8) is None
    due = tree.next_digest([*episodes, episode(12)], [], width=8)
    assert (due.level, due.first_user_seq, due.last_user_seq, due.statements) == (0, 1, 8, None)


def test_digests_of_episodes_are_made_before_wider_ones():
    digests = [Digest(level=0, first_user_seq=n, last_user_seq=n, statements=NO_STATEMENTS) for n in range(1, 4)]
    due = tree.next_digest([], digests, width=2)
    assert (due.level, due.first_user_seq, due.last_user_seq) == (1, 1, 2)
    due = tree.next_digest([episode(number) for number in (7, 9, 10)], digests, width=2)
    assert (due.level, due.first_user_seq, due.last_user_seq) == (0, 7, 9)
