"""The summary's text: within its limit, most detail of the newest, something of each part, each line with episodes."""

from hypothesis import given
from hypothesis import strategies as st

from afterturn import tokens
from afterturn.summaries import packing
from afterturn.summaries.tree import SummaryEpisode
from tests.unit.summaries.examples import digest, episode


def texts(parts, limit_tokens):
    return [statement.text for statement in packing.pack_summary(parts, limit_tokens=limit_tokens).statements]


def test_parts_that_fit_are_complete_and_in_order():
    parts = [digest(0, 1, 8, "The most important.", "The second."), episode(9), episode(10)]
    assert texts(parts, 1_000) == [
        "The most important.",
        "The second.",
        "2026-01-10: Ana walked for 9 hours and then told the assistant about it.",
        "2026-01-11: Ana walked for 10 hours and then told the assistant about it.",
    ]
    assert packing.pack_summary(parts, limit_tokens=1_000).statements[0].episode_ids == ("e1",)


def test_the_newest_episodes_keep_their_text_and_older_ones_their_title():
    assert texts([episode(number) for number in range(1, 6)], 95) == [
        "2026-01-02: Day 1",
        "2026-01-03: Day 2",
        "2026-01-04: Day 3",
        "2026-01-05: Ana walked for 4 hours and then told the assistant about it.",
        "2026-01-06: Ana walked for 5 hours and then told the assistant about it.",
    ]


def test_every_digest_gives_its_first_statement_before_any_gives_a_second():
    digests = [digest(1, 1, 64, *[f"old {n} " + "x" * 30 for n in range(4)]), digest(0, 65, 72, *["new " * 10] * 4)]
    found = texts([*digests, *(episode(number) for number in range(73, 80))], 90)
    assert found[0].startswith("old 0")
    assert any(text.startswith("new") for text in found)
    assert found[-1].startswith("2026-03-21: Ana walked")


def test_a_single_episode_that_is_too_long_is_cut_off():
    [text] = texts([episode(1, summary="word " * 1_000)], 50)
    assert text.endswith(" …")
    assert 40 < tokens.estimate(text) < 50
    assert texts([], 50) == []


words = st.text(alphabet="abcdefgh é", min_size=1, max_size=400)
part = st.one_of(
    st.builds(lambda number, summary: episode(number, summary=summary, title=summary[:20]), st.integers(1, 900), words),
    st.builds(lambda level, lines: digest(level, 1, 2, *lines), st.integers(0, 3), st.lists(words, max_size=6)),
)


@given(parts=st.lists(part, max_size=30), limit_tokens=st.integers(50, 600))
def test_a_summary_never_exceeds_its_limit_and_names_only_given_episodes(parts, limit_tokens):
    packed = packing.pack_summary(parts, limit_tokens=limit_tokens)
    assert tokens.estimate(packed.text) <= limit_tokens or not packed.statements
    given_ids = {part.episode_id if isinstance(part, SummaryEpisode) else f"e{part.first_user_seq}" for part in parts}
    for statement in packed.statements:
        assert statement.episode_ids and set(statement.episode_ids) <= given_ids
