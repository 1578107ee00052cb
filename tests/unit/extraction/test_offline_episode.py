"""The episode that the offline extractor drafts."""

from __future__ import annotations

import pytest

from afterturn.extraction.extractor import ExtractionRequest, Extractor
from afterturn.extraction.offline import OfflineExtractor
from tests.unit.extraction.offline_batch import extract, turn


def test_the_offline_extractor_uses_no_tokens() -> None:
    extractor: Extractor = OfflineExtractor()
    raw = extractor.extract(ExtractionRequest(turns=[turn("I own a boat.")]))
    assert (raw.model, raw.prompt_version, raw.prompt_tokens) == ("offline", "rules-3", 0)


def test_the_same_batch_gives_the_same_answer() -> None:
    request = ExtractionRequest(turns=[turn("I own a boat."), turn("I sail to Rome every summer.")])
    assert OfflineExtractor().extract(request) == OfflineExtractor().extract(request)


def test_small_talk_has_no_episode() -> None:
    assert extract(turn("Hi there!"), turn("Thanks, bye.")).episode is None


def test_an_empty_batch_has_no_episode() -> None:
    assert extract().episode is None


def test_title_and_summary_are_short_and_in_the_third_person() -> None:
    contents = [
        "I own a boat.",
        "I sail my boat to Rome every summer.",
        "I'm allergic to nuts.",
        "My dog is called Rex.",
    ]
    episode = extract(*map(turn, contents)).episode
    assert episode is not None
    assert episode.title.startswith("Ana: boat")
    assert len(episode.title.split()) <= 10
    assert "Ana is allergic to nuts." in episode.summary
    assert episode.summary.count(".") <= 3
    assert episode.participants == ("Ana",)


@pytest.mark.parametrize(
    ("last", "outcome"),
    [("That worked!", "resolved"), ("Never mind.", "abandoned"), ("I also own a car.", "none")],
)
def test_the_outcome_is_set_only_if_it_is_evident(last: str, outcome: str) -> None:
    episode = extract(turn("I bought a new router yesterday."), turn(last)).episode
    assert episode is not None
    assert episode.outcome == outcome
