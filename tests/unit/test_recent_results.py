"""A text that was examined a moment ago is not examined again. No text is kept."""

import threading

from hypothesis import given
from hypothesis import strategies as st

from afterturn.languages import detection
from afterturn.recent_results import RecentResults
from afterturn.redaction import credentials

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


def test_no_text_and_no_secret_is_kept():
    credentials.scan(SECRET)
    detection.detect(SECRET)
    for kept in (credentials._RECENT, detection._RECENT):
        assert all(len(digest) == 16 for digest in kept._results)
    assert all(
        isinstance(place, int) for spans in credentials._RECENT._results.values() for span in spans for place in span
    )
    assert all(len(language) <= 3 for language in detection._RECENT._results.values())


def test_a_language_is_detected_once():
    text = "Wir sind im Herbst nach Graz gezogen."
    assert detection.detect(text) == detection.detect(text) == detection._classify(text) == "de"


def counted(results):
    """Return a function of a text, and the texts for which it was called."""
    examined = []

    def examine(text):
        examined.append(text)
        return len(text)

    return lambda text: results.get(text, examine), examined


def test_a_text_is_examined_once():
    length, examined = counted(RecentResults(8))
    assert [length("ab"), length("abc"), length("ab")] == [2, 3, 2]
    assert examined == ["ab", "abc"]


def test_only_the_last_results_are_kept():
    length, examined = counted(RecentResults(2))
    for text in ("a", "b", "c", "c", "a"):
        length(text)
    assert examined == ["a", "b", "c", "a"]


def test_an_error_is_not_kept():
    results, answers = RecentResults(2), [ZeroDivisionError, 1]

    def examine(text):
        answer = answers.pop(0)
        if answer is ZeroDivisionError:
            raise ZeroDivisionError
        return answer

    try:
        results.get("a", examine)
    except ZeroDivisionError:
        assert results.get("a", examine) == 1
    else:
        raise AssertionError("the error was swallowed")


def test_threads_share_it():
    results, wrong = RecentResults(8), []

    def work():
        for number in range(3_000):
            if results.get(str(number % 20), int) != number % 20:
                wrong.append(number)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert len(results._results) == 8
