"""How a hand-out is divided among the shards of the due index."""

import hypothesis
from hypothesis import strategies

from afterturn.hot.pending import share_out

WANTED = strategies.dictionaries(strategies.integers(0, 63), strategies.integers(1, 10_000), max_size=64)


@hypothesis.given(WANTED, strategies.integers(0, 20_000))
def test_all_is_given_that_is_wanted_or_there(wanted, limit):
    shares = share_out(limit, wanted)
    assert sum(shares.values()) == min(limit, sum(wanted.values()))
    assert all(0 < share <= wanted[shard] for shard, share in shares.items())


@hypothesis.given(WANTED, strategies.integers(0, 20_000))
def test_no_shard_gets_less_than_it_wants_while_another_gets_more(wanted, limit):
    shares = share_out(limit, wanted)
    short = [shares.get(shard, 0) for shard in wanted if shares.get(shard, 0) < wanted[shard]]
    assert not short or max(shares.values(), default=0) <= min(short) + 1
