"""Who speaks of whom, in twelve languages."""

import pytest

from afterturn.languages import addressing
from tests.unit.extraction.long_answers import LANGUAGES


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_undertaking_is_of_the_speaker_and_general_advice_is_not(language: str):
    told = LANGUAGES[language]
    assert addressing.speaks_of_itself(told.undertaking, language)
    assert not any(addressing.speaks_of_itself(sentence, language) for sentence in told.advice)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_choice_by_place_is_recognised(language: str):
    assert addressing.may_choose(LANGUAGES[language].choice, language)


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ("en", "Take your dog to the vet."),
        ("de", "Bringen Sie Ihren Hund hin."),
        ("es", "Lleva a tu perro al veterinario."),
        ("pt", "Leve o seu cão ao veterinário."),
        ("ru", "Покажите вашу собаку врачу."),
        ("tr", "Köpeğinizi veterinere götürün, size de iyi gelir."),
        ("ar", "خذ كلبك إلى الطبيب."),
        ("hi", "आप अपने कुत्ते को ले जाइए।"),
        ("ko", "고객님 강아지를 데려가세요."),
        ("ja", "あなたの犬を連れて行ってください。"),
        ("zh", "带你的狗去看医生。"),
        ("th", "พาหมาของคุณไปหาหมอ"),
    ],
)
def test_a_sentence_that_addresses_the_other_is_recognised(language: str, sentence: str):
    assert addressing.addresses_other(sentence, language)


@pytest.mark.parametrize("text", ["2", "#3 please", "B.", "Let us take B", "②"])
def test_a_lone_sign_may_choose_in_every_language(text: str):
    assert addressing.may_choose(text, "fi") and addressing.may_choose(text, None)


@pytest.mark.parametrize("text", ["at 14:30", "3.5 km", "50 %", "2024-03-15", "a b c"])
def test_times_and_amounts_choose_nothing(text: str):
    assert not addressing.may_choose(text, "en")


def test_the_words_of_all_languages_count_where_a_language_has_no_list():
    assert addressing.speaks_of_itself("Ich erinnere dich.", "fi")
    assert not addressing.speaks_of_itself("x(i) = i + 1", "en")
