"""The language of a text that is stored, by `py3langid`. Workers detect; a client only guesses (`stop_words`)."""

from __future__ import annotations

import threading
from functools import cache
from typing import TYPE_CHECKING

from afterturn.languages import configurations, segmentation, stop_words, unpacked_model
from afterturn.recent_results import RecentResults

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

#: The beginning of a text shows its language. Longer: more time, and hardly another answer.
MAX_CHARACTERS = 400

#: Languages without a stemmer that many people write: their texts shall not be taken for those of a neighbour.
MORE_LANGUAGES = ("pl", "cs", "sk", "sl", "hr", "uk", "bg", "be", "mk", "fa", "ur", "he", "vi", "et", "lv", "mr", "bn")

_LOCK = threading.Lock()

#: A fact is classified each time that its batch is planned, and when it is stored.
_RECENT: RecentResults[str] = RecentResults(4_096)


def load() -> None:
    """Load the model, if it is not loaded: half a second the first time, for which no transaction should wait."""
    with _LOCK:
        _identifier()


def detect(text: str) -> str | None:
    """Return the language of a text (ISO 639-1); None where it has no letters."""
    text = text[:MAX_CHARACTERS]
    if not segmentation.has_letters(text):
        return None
    script_language = segmentation.language_of(text)
    if script_language is not None:
        return script_language
    if stop_words.is_clearly_english(text):
        return "en"
    return _RECENT.get(text, _classify)


def _classify(text: str) -> str:
    with _LOCK:
        return str(_identifier().classify(text)[0])


@cache
def _identifier() -> LanguageIdentifier:
    return unpacked_model.load(sorted({*configurations.CONFIGURATIONS, *MORE_LANGUAGES}))
