"""Greetings, thanks, wishes and the weather are small talk in every language of the list; statements are not."""

from __future__ import annotations

import pytest

from afterturn.extraction import small_talk
from tests.unit.extraction.offline_batch import turn

NOTHING = [
    "¡Buenas! Cuánto tiempo, ¿no?",
    "Oi! Quanto tempo, né?",
    "Hallo! Herrlich heute, oder?",
    "오랜만이에요! 잘 지내셨어요?",
    "また明日！おやすみなさい。",
    "好久不见！最近好吗？",
    "ฝันดีนะคะ แล้วเจอกัน",
    "फिर मिलेंगे! शुभ रात्रि।",
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
    "Thanks, the second one.",
    "Danke, den zweiten.",
    "Gracias, el segundo.",
    "Obrigada, sem açúcar.",
    "Спасибо, второй.",
    "Teşekkürler, ikincisi.",
    "شكرا، الثاني.",
    "धन्यवाद, दूसरा।",
    "감사합니다, 두 번째요.",
    "안녕하세요, 저 아파요.",
    "안녕하세요! 저는 비를 좋아해요.",
    "ありがとう、二番目です。",
    "谢谢，第二个。",
    "ขอบคุณค่ะ อันที่สอง",
    "Hallo! Ich mag Regen.",
    "¡Hola! Me gusta la lluvia.",
]
#: Ordinary short answers.
ANSWERS = [
    "Tom.",
    "Yes, at 5.",
    "No, the blue one.",
    "Ja, um fünf.",
    "Nein, die blaue.",
    "Sí, a las cinco.",
    "No, el azul.",
    "Sim, às cinco.",
    "Não, o azul.",
    "Да, в пять.",
    "Нет, синий.",
    "Evet, beşte.",
    "Hayır, mavi olan.",
    "نعم، في الخامسة.",
    "لا، الأزرق.",
    "हाँ, पाँच बजे।",
    "नहीं, नीला वाला।",
    "네, 다섯 시요.",
    "아니요, 파란 거요.",
    "はい、五時です。",
    "いいえ、青いのです。",
    "是的，五点。",
    "不，蓝色的。",
    "ใช่ ห้าโมง",
    "ไม่ สีฟ้า",
]


@pytest.mark.parametrize("said", NOTHING)
def test_pleasantries_are_small_talk(said: str) -> None:
    assert small_talk.is_small_talk([turn(said)])


@pytest.mark.parametrize("said", SOMETHING)
def test_a_greeting_before_a_statement_does_not_hide_it(said: str) -> None:
    assert not small_talk.is_small_talk([turn(said)])


@pytest.mark.parametrize("said", ANSWERS)
def test_a_short_answer_is_no_small_talk(said: str) -> None:
    assert not small_talk.is_small_talk([turn(said)], [turn("When, and which one?", role="assistant")])


def test_names_of_the_speakers_are_no_statement() -> None:
    assert small_talk.is_small_talk([turn("Thanks, Hannah. Have a lovely evening!", name="Hannah Whitfield")])
    assert not small_talk.is_small_talk([turn("Thanks, Otto. Have a lovely evening!", name="Hannah Whitfield")])
