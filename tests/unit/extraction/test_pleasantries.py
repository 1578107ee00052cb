"""Greetings, thanks, wishes and the weather are small talk in every language of the list; statements are not."""

from __future__ import annotations

import pytest

from afterturn.extraction import small_talk
from tests.unit.extraction.offline_batch import turn

NOTHING = [
    "Hello! What miserable weather today.",
    "Thanks a lot, you're a star. Have a lovely evening!",
    "Guten Morgen! Das Wetter ist heute herrlich.",
    "Tausend Dank, schönen Abend noch!",
    "¡Buenas noches! Qué frío hace hoy.",
    "Bom dia! Que calor hoje, nossa.",
    "Привет! Ну и жара сегодня.",
    "Günaydın! Bugün hava çok güzel.",
    "صباح الخير! الجو حار اليوم.",
    "नमस्ते! आज बहुत गर्मी है।",
    "안녕하세요! 오늘 정말 춥네요.",
    "こんにちは！今日は寒いですね。",
    "早上好！今天好热啊。",
    "สวัสดีค่ะ! วันนี้ร้อนมาก",
]
SOMETHING = [
    "Hello! I'm allergic to hazelnuts.",
    "Hi! My dog died today.",
    "Good morning! I have a dentist appointment at 9.",
    "Thanks! Sunday then.",
    "Guten Morgen! Ich habe ein neues Auto.",
    "Hallo! Meine Schwester kommt heute.",
    "¡Hola! Me mudo a Madrid.",
    "Oi! Minha irmã teve neném.",
    "Привет! Я переехала в Москву.",
    "Merhaba! Babam hastanede.",
    "صباح الخير! اشتريت سيارة.",
    "नमस्ते! मेरी नई नौकरी लगी है।",
    "안녕하세요! 저 이직했어요.",
    "こんにちは！転職しました。",
    "你好！我换工作了。",
    "สวัสดีค่ะ! ฉันซื้อรถแล้ว",
    "What miserable weather today.",
]


@pytest.mark.parametrize("said", NOTHING)
def test_pleasantries_are_small_talk(said: str) -> None:
    assert small_talk.is_small_talk([turn(said)])


@pytest.mark.parametrize("said", SOMETHING)
def test_a_greeting_before_a_statement_does_not_hide_it(said: str) -> None:
    assert not small_talk.is_small_talk([turn(said)])


def test_names_of_the_speakers_are_no_statement() -> None:
    assert small_talk.is_small_talk([turn("Thanks, Hannah. Have a lovely evening!", name="Hannah Whitfield")])
    assert not small_talk.is_small_talk([turn("Thanks, Otto. Have a lovely evening!", name="Hannah Whitfield")])
