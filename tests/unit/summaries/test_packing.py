"""The summary's text: bounded, newest in most detail, something of everything, each line with its episodes."""

from hypothesis import given
from hypothesis import strategies as st

from afterturn import tokens
from afterturn.summaries import packing
from afterturn.summaries.tree import Episode
from tests.unit.summaries.said import digest, episode


def texts(parts, limit_tokens):
    return [said.text for said in packing.pack(parts, limit_tokens=limit_tokens).statements]


def test_what_fits_comes_whole_and_in_order():
    parts = [digest(0, 1, 8, "The most important.", "The second."), episode(9), episode(10)]
    assert texts(parts, 1_000) == [
        "The most important.",
        "The second.",
        "2026-01-10: Ana walked for 9 hours and then told the assistant about it.",
        "2026-01-11: Ana walked for 10 hours and then told the assistant about it.",
    ]
    assert packing.pack(parts, limit_tokens=1_000).statements[0].episode_ids == ("e1",)


def test_the_newest_keep_their_words_and_the_older_their_titles():
    assert texts([episode(number) for number in range(1, 6)], 95) == [
        "2026-01-02: Day 1",
        "2026-01-03: Day 2",
        "2026-01-04: Day 3",
        "2026-01-05: Ana walked for 4 hours and then told the assistant about it.",
        "2026-01-06: Ana walked for 5 hours and then told the assistant about it.",
    ]


def test_of_every_digest_comes_the_weightiest_before_any_second():
    digests = [digest(1, 1, 64, *[f"old {n} " + "x" * 30 for n in range(4)]), digest(0, 65, 72, *["new " * 10] * 4)]
    found = texts([*digests, *(episode(number) for number in range(73, 80))], 90)
    assert found[0].startswith("old 0")
    assert any(text.startswith("new") for text in found)
    assert found[-1].startswith("2026-03-21: Ana walked")


def test_one_episode_that_is_too_long_is_cut():
    [text] = texts([episode(1, summary="word " * 1_000)], 50)
    assert text.endswith(" …")
    assert 40 < tokens.estimate(text) < 50
    assert texts([], 50) == []


words = st.text(alphabet="abcdefgh é", min_size=1, max_size=400)
part = st.one_of(
    st.builds(lambda number, summary: episode(number, summary=summary, title=summary[:20]), st.integers(1, 900), words),
    st.builds(lambda level, said: digest(level, 1, 2, *said), st.integers(0, 3), st.lists(words, max_size=6)),
)


@given(parts=st.lists(part, max_size=30), limit_tokens=st.integers(50, 600))
def test_it_is_never_longer_than_the_limit_and_says_nothing_that_was_not_given(parts, limit_tokens):
    packed = packing.pack(parts, limit_tokens=limit_tokens)
    assert tokens.estimate(packed.text) <= limit_tokens or not packed.statements
    given_ids = {one.episode_id if isinstance(one, Episode) else f"e{one.first_user_seq}" for one in parts}
    assert all(set(said.episode_ids) <= given_ids and said.episode_ids for said in packed.statements)
