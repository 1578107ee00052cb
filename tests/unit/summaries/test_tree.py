"""The tree over a session's episodes: each is covered once at all times, and read a constant number of times."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from afterturn.summaries import tree
from afterturn.summaries.tree import Digest, Episode
from tests.unit.summaries.said import episode

SAID = ()


class Session:
    """Episodes come, and digests are made of them as the stage makes them."""

    def __init__(self, width: int) -> None:
        self.width = width
        self.episodes: list[Episode] = []
        self.open: list[Digest] = []
        self.calls = 0
        #: How many sources each call had.
        self.read: list[int] = []

    def hear(self, number: int) -> None:
        self.episodes.append(episode(number))

    def summarize(self) -> None:
        while (due := tree.due(self.episodes, self.open, width=self.width)) is not None:
            covered = [part for part in (*self.open, *self.episodes) if self._is_covered(part, due)]
            self.open = [digest for digest in self.open if digest not in covered]
            self.episodes = [episode for episode in self.episodes if episode not in covered]
            self.open = sorted([*self.open, replace(due, statements=SAID)], key=lambda digest: digest.first_user_seq)
            self.calls += 1
            self.read.append(len(covered))

    def _is_covered(self, part: Digest | Episode, due: Digest) -> bool:
        level = part.level if isinstance(part, Digest) else -1
        return level == due.level - 1 and due.first_user_seq <= part.first_user_seq <= due.last_user_seq

    @property
    def spans(self) -> list[tuple[int, int]]:
        digests = [(digest.first_user_seq, digest.last_user_seq) for digest in self.open]
        return [*digests, *((episode.user_seq, episode.user_seq) for episode in self.episodes)]


@given(
    width=st.integers(2, 10),
    arrivals=st.lists(st.tuples(st.integers(1, 3), st.booleans()), max_size=120),
)
def test_every_episode_is_covered_exactly_once_at_all_times(width, arrivals):
    session, number, heard = Session(width), 0, []
    for gap, is_summarized in arrivals:
        number += gap  # batches of other sessions have the numbers between
        heard.append(number)
        session.hear(number)
        if is_summarized:
            session.summarize()
        spans = session.spans
        assert all(last < first for (_, last), (first, _) in pairwise(spans))
        assert [sum(first <= one <= last for first, last in spans) for one in heard] == [1] * len(heard)
    session.summarize()
    assert all(count == width for count in session.read)
    assert len(session.episodes) < width + width // 2


@given(width=st.integers(2, 10), pauses=st.lists(st.booleans(), min_size=1, max_size=150))
def test_when_it_is_summarized_makes_no_difference_in_the_end(width, pauses):
    at_once, now_and_then = Session(width), Session(width)
    for number, is_summarized in enumerate(pauses, 1):
        at_once.hear(number)
        now_and_then.hear(number)
        if is_summarized:
            now_and_then.summarize()
    at_once.summarize()
    now_and_then.summarize()
    assert at_once.open == now_and_then.open
    assert at_once.calls == now_and_then.calls


@pytest.mark.parametrize("length", [100, 500, 5_000])
def test_the_calls_per_episode_have_a_bound_that_does_not_grow(length):
    session, before = Session(8), []
    for number in range(1, length + 1):
        session.hear(number)
        session.summarize()
        before.append(session.calls)
    assert session.calls / length < 1 / 7  # 1/8 + 1/64 + …
    assert before[-1] - before[length // 2] <= length // 2 / 7 + 4  # the later half is no dearer than the earlier
    # What is read for a summary is a few per level.
    levels = {digest.level for digest in session.open}
    assert len(session.spans) < 12 * (len(levels) + 1)


def test_the_newest_half_run_stays_in_its_own_words():
    episodes = [episode(number) for number in range(1, 12)]
    assert tree.due(episodes, [], width=8) is None
    due = tree.due([*episodes, episode(12)], [], width=8)
    assert (due.level, due.first_user_seq, due.last_user_seq, due.statements) == (0, 1, 8, None)


def test_episodes_come_before_digests():
    digests = [Digest(level=0, first_user_seq=n, last_user_seq=n, statements=SAID) for n in range(1, 4)]
    due = tree.due([], digests, width=2)
    assert (due.level, due.first_user_seq, due.last_user_seq) == (1, 1, 2)
    due = tree.due([episode(number) for number in (7, 9, 10)], digests, width=2)
    assert (due.level, due.first_user_seq, due.last_user_seq) == (0, 7, 9)
