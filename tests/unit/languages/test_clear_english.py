"""Clear English is known by a few words, without the model; whatever could be another language is left to the model."""

import pytest
import stopwordsiso

from afterturn.languages import detection, stop_words

CLEAR = [
    "When I was in Porto with my sister, we went to see the exhibition about lighthouses.",
    "They said that the studio should be open by May.",
    "I've been thinking about what would be best for her, and it is too early to say.",
]
#: English titles in other languages, and texts that are too short to tell.
DOUBTFUL = [
    ('Ich habe "The Lord of the Rings" gelesen, und danach "Pride and Prejudice".', "de"),
    ('Estoy leyendo "The Old Man and the Sea" en la playa.', "es"),
    ("Ik was in de stad en had het boek over de kat.", "nl"),
    ("Das ist so, wie wir es am Montag besprochen haben.", "de"),
    ("Je ne sais pas ce que c'est.", "fr"),
]


@pytest.fixture
def asked(monkeypatch):
    """The texts that the model is asked about."""
    texts = []
    classify = detection._classify

    def note(text):
        texts.append(text)
        return classify(text)

    monkeypatch.setattr(detection, "_classify", note)
    monkeypatch.setattr(detection, "_RECENT", type(detection._RECENT)(10))
    return texts


@pytest.mark.parametrize("text", CLEAR)
def test_clear_english_needs_no_model_which_would_say_the_same(text, asked):
    assert detection.detect(text) == "en"
    assert asked == []
    assert detection._identifier().classify(text)[0] == "en"


@pytest.mark.parametrize(("text", "language"), DOUBTFUL)
def test_what_may_be_another_language_is_left_to_the_model(text, language, asked):
    assert detection.detect(text) == language
    assert asked == [text]


def test_no_word_that_shows_english_is_a_stop_word_of_another_language():
    for language in stopwordsiso.langs() - {"en"}:
        assert not stop_words.ONLY_ENGLISH & set(stopwordsiso.stopwords(language)), language
