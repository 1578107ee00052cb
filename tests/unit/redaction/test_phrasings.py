"""At least 95 of 100 phrasings of secrets are found, and at most 2 of 100 harmless texts are taken for one."""

from __future__ import annotations

from collections import Counter

import pytest

from afterturn.redaction import credentials
from tests.unit.redaction.phrasings import Phrasing, read_harmless, read_secrets

#: The twelve languages that recall and extraction are measured in.
LANGUAGES = {"ar", "de", "en", "es", "hi", "ja", "ko", "pt", "ru", "th", "tr", "zh"}


def is_missed(phrasing: Phrasing) -> bool:
    clean = credentials.redact(phrasing.text)
    return any(secret in clean for secret in phrasing.secrets)


def is_false_alarm(phrasing: Phrasing) -> bool:
    return credentials.redact(phrasing.text) != phrasing.text


def test_the_lists_are_long_enough_and_speak_many_languages() -> None:
    secrets, harmless = read_secrets(), read_harmless()
    assert len(secrets) >= 120
    assert len(harmless) >= 200
    assert all(phrasing.secrets for phrasing in secrets)
    assert not [phrasing for phrasing in harmless if phrasing.text in {secret.text for secret in secrets}]
    for phrasings in (secrets, harmless):
        counts = Counter(phrasing.language for phrasing in phrasings)
        assert counts.keys() >= LANGUAGES
        assert len([language for language, count in counts.items() if count >= 8]) >= 5


@pytest.mark.parametrize("is_held_back", [False, True], ids=["developed on", "held back"])
def test_secrets_are_found(is_held_back: bool) -> None:
    phrasings = [phrasing for phrasing in read_secrets() if phrasing.is_held_back is is_held_back]
    missed = [phrasing.text for phrasing in phrasings if is_missed(phrasing)]
    assert len(missed) <= 0.05 * len(phrasings), missed


@pytest.mark.parametrize("is_held_back", [False, True], ids=["developed on", "held back"])
def test_harmless_texts_do_not_change(is_held_back: bool) -> None:
    phrasings = [phrasing for phrasing in read_harmless() if phrasing.is_held_back is is_held_back]
    changed = [credentials.redact(phrasing.text) for phrasing in phrasings if is_false_alarm(phrasing)]
    assert len(changed) <= 0.02 * len(phrasings), changed


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_a_secret_is_found_in_each_language(language: str) -> None:
    missed = [phrasing.text for phrasing in read_secrets() if phrasing.language == language and is_missed(phrasing)]
    assert not missed


@pytest.mark.parametrize("phrasing", read_secrets(), ids=lambda phrasing: f"{phrasing.language}-{phrasing.number}")
def test_a_redacted_text_is_stable(phrasing: Phrasing) -> None:
    once = credentials.redact(phrasing.text)
    assert credentials.redact(once) == once
    assert not credentials.contains_secret(once)
