"""The language of a text is that which the library's own table gives: ours only has another layout in memory."""

import pytest
from py3langid.langid import MODEL_FILE, LanguageIdentifier

from afterturn.languages import configurations, detection

TEXTS = [
    "I have started a pottery class in an old tram shed.",
    "Unser Hund Balu ist ein neunjähriger Rauhaardackel.",
    "Аренда квартиры стоит сорок восемь тысяч рублей в месяц.",
    "Mi vecino toca el violín en la orquesta municipal.",
    "Deixei a bicicleta na oficina do Raimundo.",
    "Bahçeye üç tane kiraz fidanı diktik.",
    "أختي تدرس الهندسة في جامعة القاهرة.",
    "हमारी गाय ने कल एक बछड़े को जन्म दिया।",
    "Wczoraj kupiłem nowy rower.",
    "OK",
    "Ana 9",
    "SHOUTED ALL IN CAPITALS, AND LOUD",
    "il gatto " * 60,
]


@pytest.fixture(scope="module")
def identifier():
    """The library's own table, of the languages that we detect."""
    loaded = LanguageIdentifier.from_model_file(MODEL_FILE)
    known = {*configurations.CONFIGURATIONS, *detection.MORE_LANGUAGES} & set(loaded.nb_classes)
    loaded.set_languages(sorted(known))
    return loaded


@pytest.mark.parametrize("text", TEXTS)
def test_the_table_in_another_layout_gives_the_same_language_and_score(identifier, text):
    language, score = identifier.classify(text[: detection.MAX_CHARACTERS])
    ours, our_score = detection._identifier().classify(text[: detection.MAX_CHARACTERS])
    assert (ours, our_score) == (language, pytest.approx(score, rel=1e-5))
    assert detection.detect(text) == language
