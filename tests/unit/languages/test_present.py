"""Words of the present and of change are found alike in ASCII texts, which have a faster pattern, and in all others."""

import json
import random
import re
from importlib.resources import files

import pytest

from afterturn.languages import present

WORDS = json.loads(files("afterturn.languages").joinpath("data", "present.json").read_text("utf-8"))
FUNCTIONS = {"present": present.asks_for_present, "change": present.tells_change}


def ascii_texts(language, kind):
    """Texts with the words of a list as far as they can be written in ASCII, and with words that are near to them."""
    choice = random.Random(f"{language} {kind}")
    dotless = str.maketrans("ıſ", "is")
    for listed in WORDS[language][kind]:
        said = re.sub(r"\*", "xyz", listed.translate(dotless)).encode("ascii", "ignore").decode()
        for form in (said, said.upper(), said.title(), f"x{said}", f"{said}x", f"_{said}", f"{said}9", said[:-1]):
            yield f"{choice.choice(['I ', '(', '', 'a-'])}{form}{choice.choice(['.', '', ' it', chr(39) + 's'])}"


@pytest.mark.parametrize("kind", sorted(FUNCTIONS))
@pytest.mark.parametrize("language", sorted(WORDS))
def test_the_pattern_for_ascii_texts_finds_what_the_general_one_finds(language, kind):
    general = present._pattern(kind, language)
    results = set()
    for text in ascii_texts(language, kind):
        found = FUNCTIONS[kind](text, language)
        assert found == (general.search(text) is not None), text
        results.add(found)
    assert False in results


def test_a_letter_that_matches_an_ascii_letter_without_regard_to_case_still_does():
    assert present._in_ascii("artık") == "artik"
    assert present._in_ascii("früher") is None


@pytest.mark.parametrize(
    ("text", "language", "is_told"),
    [
        ("I moved to Porto.", "en", True),
        ("I MOVED to Porto.", "en", True),
        ("I removed it.", "en", False),
        ("café: I moved to Porto.", "en", True),
        ("Ich bin umgezogen, jetzt wohne ich in Köln.", "de", True),
        ("", "en", False),
    ],
)
def test_a_text_tells_a_change_in_its_own_words(text, language, is_told):
    assert present.tells_change(text, language) is is_told
