"""The stems of a text are those that earlier releases made: stored texts and new ones are compared with each other."""

import random
from pathlib import Path

import pytest

import afterturn.database

FIRST_FORM = Path(afterturn.database.__file__).with_name("migrations") / "0011_languages.sql"

TEXTS = {
    "english": ["", " ", "I own 9 cats, and nine dogs; the cats' names ...", "run running runs " * 40],
    "german": ["Unser Hund Balu ist ein neunjähriger Rauhaardackel."],
    "simple": ["12 Ω 💡 a-b c_d https://example.com/x?y=1 ana@example.com"],
}


def long_text(characters: int) -> str:
    words = random.Random(7)
    return " ".join(f"w{words.randrange(3_000)}" for _ in range(characters // 5))[:characters]


@pytest.fixture
def earlier(database):
    """The function of the release that first knew languages."""
    source = FIRST_FORM.read_text("utf-8")
    start = source.index("CREATE FUNCTION stem_codes(said text, configuration regconfig)")
    body = source[start : source.index(";\n", start)]
    database.execute(body.replace("FUNCTION stem_codes", "FUNCTION pg_temp.earlier_stem_codes"))
    return database


@pytest.mark.parametrize("characters", [0, 64_999, 65_000, 65_001, 200_000])
def test_short_and_long_texts_have_the_stems_of_earlier_releases(earlier, characters):
    said = [(text, language) for language, texts in TEXTS.items() for text in texts]
    said += [(long_text(characters), "english"), ("ä" * 40_000 + " " + long_text(characters), "german")]
    for text, language in said:
        [(new, old)] = earlier.execute(
            "SELECT stem_codes(said, language), pg_temp.earlier_stem_codes(said, language) "
            "FROM (SELECT %s::text, %s::text::regconfig) AS given (said, language)",
            (text, language),
        ).fetchall()
        assert bytes(new) == bytes(old), (language, text[:40])
    assert characters == 0 or bytes(new), "the comparison has stems to compare"
