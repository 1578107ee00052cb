"""A text that was searched for secrets a moment ago is not searched again. Neither texts nor secrets are kept."""

import threading

from hypothesis import given
from hypothesis import strategies as st

from afterturn.redaction import credentials
from afterturn.redaction.recent_spans import RecentSpans

SECRET = "My password is Xk9#mmQ2vLp7 and nobody knows it."


def test_a_repeated_search_finds_the_same():
    first = [credentials.find_secrets(SECRET), credentials.redact(SECRET), credentials.contains_secret(SECRET)]
    again = [credentials.find_secrets(SECRET), credentials.redact(SECRET), credentials.contains_secret(SECRET)]
    assert first == again == [frozenset({"Xk9#mmQ2vLp7"}), "My password is [redacted] and nobody knows it.", True]


@given(st.text(max_size=60))
def test_any_text_is_searched_as_if_for_the_first_time(text):
    fresh = tuple(sorted(credentials._spans(text)))
    assert credentials.scan(text).spans == credentials.scan(text).spans == fresh


def test_a_lone_surrogate_can_be_searched():
    assert credentials.scan("a \ud800 b").spans == ()


def test_no_text_is_kept():
    text = "the canary " + "sings of " * 3 + "its password: Qq8$" + "zzTT11pp"
    credentials.scan(text)
    assert all(
        isinstance(place, int) for spans in credentials._RECENT._spans.values() for span in spans for place in span
    )
    assert all(len(digest) == 16 for digest in credentials._RECENT._spans)


def test_only_the_last_results_are_kept():
    recent = RecentSpans(2)
    for name in (b"a", b"b", b"c"):
        recent.put(name, ((0, 1),))
    assert [recent.get(name) for name in (b"a", b"b", b"c")] == [None, ((0, 1),), ((0, 1),)]


def test_a_result_that_is_put_again_takes_no_room():
    recent = RecentSpans(2)
    for name in (b"a", b"b", b"b"):
        recent.put(name, ())
    assert recent.get(b"a") == ()


def test_threads_share_it():
    recent = RecentSpans(8)
    threads = [
        threading.Thread(target=lambda: [recent.put(bytes([number % 256]), ()) for number in range(2_000)])
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(recent._spans) == 8
