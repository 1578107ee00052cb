"""The language of texts and questions, stop words, words of the present, and related words."""

import pytest

from afterturn.languages import configurations, detection, month_names, present, related_words, stop_words, texts
from afterturn.recall.question_text import QuestionText, guess_language

SAID = {
    "en": "We finally bought a second-hand car, bottle green, and my sister drives it.",
    "de": "Wir haben endlich ein gebrauchtes Auto gekauft, und meine Schwester fährt es.",
    "es": "Por fin nos hemos comprado un coche de segunda mano y mi hermana lo conduce.",
    "pt": "Finalmente compramos um carro usado, e a minha irmã não quer dirigir.",
    "fr": "Nous avons enfin acheté une voiture d'occasion, et ma sœur la conduit.",
    "it": "Abbiamo finalmente comprato una macchina usata e mia sorella la guida.",
    "ru": "Мы наконец-то купили подержанную машину, и моя сестра на ней ездит.",
    "tr": "Sonunda ikinci el bir araba aldık, kız kardeşim de onu kullanıyor.",
    "ar": "أخيرًا اشترينا سيارة مستعملة وأختي تقودها.",
    "hi": "आख़िरकार हमने पुरानी कार ख़रीद ली और मेरी बहन उसे चलाती है।",
    "ko": "드디어 중고차를 샀고 언니가 운전해요.",
    "ja": "やっと中古の車を買って、姉が運転しています。",
    "th": "ในที่สุดเราก็ซื้อรถมือสอง และพี่สาวฉันเป็นคนขับ",
    "zh": "我们终于买了一辆二手车，是姐姐在开。",
}


@pytest.mark.parametrize("language", SAID)
def test_a_stored_text_gets_the_language_that_is_detected(language):
    assert detection.detect(SAID[language]) == language


@pytest.mark.parametrize("language", SAID)
def test_a_question_gets_the_language_that_its_script_and_stop_words_show(language):
    assert guess_language(SAID[language]) == language


@pytest.mark.parametrize("text", ["", "42", "…", "?!"])
def test_a_text_without_letters_has_no_language(text):
    assert detection.detect(text) is None


def test_a_question_is_stemmed_in_its_own_language_first_and_in_those_that_it_may_be_of():
    german = QuestionText("Wann haben wir die Hunde geimpft?")
    assert german.configurations[0] == "german"
    assert {"english", "dutch", configurations.PLAIN} <= set(german.configurations)
    assert {"english", "german", "spanish", "turkish"} <= set(QuestionText("Hunde").configurations)
    assert set(QuestionText("Когда привита собака?").configurations) == {"russian", "serbian", configurations.PLAIN}


def test_stop_words_of_its_language_are_not_part_of_a_question():
    assert "welche" not in QuestionText("Welche Hunde haben wir?").words.lower()
    assert QuestionText("Which dogs do we have?").words == "Which dogs do we have?"
    assert stop_words.remove("und oder", "de") == "und oder"


def test_a_word_is_found_by_its_stem_in_any_language():
    [row] = [{"stem": "hund", "stems": ["hund", "hunde"]}]
    [word] = QuestionText("Hunde").decode([row])
    assert set(word.codes) == {texts.code("hund"), texts.code("hunde")}


@pytest.mark.parametrize(
    ("question", "is_present"),
    [
        ("Where do I work these days?", True),
        ("What do I drink now?", True),
        ("Where did I work in 2019?", False),
        ("Wo bin ich inzwischen angestellt?", True),
        ("Wo war ich angestellt?", False),
        ("¿Dónde trabajo actualmente?", True),
        ("Где я теперь работаю?", True),
        ("我现在在哪里工作？", True),
        ("私の現在の職場はどこですか。", True),
        ("지금 제가 일하는 곳은 어디예요?", True),
        ("ตอนนี้ฉันทำงานที่ไหน", True),
        ("आजकल मैं कहाँ काम करती हूँ?", True),
        ("أين أعمل الآن؟", True),
        ("Şu sıralar nerede çalışıyorum?", True),
    ],
)
def test_a_question_may_ask_for_what_holds_now(question, is_present):
    assert present.asks_for_present(question, guess_language(question)) is is_present


@pytest.mark.parametrize(
    ("text", "language", "is_told"),
    [
        ("Since July I have been at a clinic.", "en", True),
        ("I no longer drink coffee.", "en", True),
        ("I like coffee.", "en", False),
        ("Seit Juli bin ich in einer Praxis.", "de", True),
        ("Ich trinke gern Kaffee.", "de", False),
        ("7月1日起我在诊所上班。", "zh", True),
        ("コーヒーはやめました。", "ja", True),
    ],
)
def test_a_text_may_tell_a_change(text, language, is_told):
    assert present.tells_change(text, language) is is_told
    told = texts.code(texts.TELLS_CHANGE).to_bytes(4, "big")
    assert (told in texts.stem_input(text, language).pieces) is is_told


@pytest.mark.parametrize(
    ("word", "language", "other"),
    [("movi", "en", "film"), ("wein", "de", "heul"), ("影片", "zh", "电影"), ("ภาพยนตร์", "th", "หนัง")],
)
def test_related_words_come_from_the_annotations_of_cldr(word, language, other):
    assert other in related_words.related(word, language)


def test_an_unknown_word_or_language_has_no_related_words():
    assert related_words.related("xyzzy", "en") == []
    assert related_words.related("film", "xx") == []


def test_the_parts_of_a_compound_and_other_endings_are_similar_stems():
    assert {"film", "kinofilme", "kinof"} <= set(related_words.similar_stems("kinofilm"))
    assert related_words.similar_stems("cat") == ()


@pytest.mark.parametrize(
    ("question", "months"),
    [
        ("What did Ana do in June?", {6}),
        ("May I ask what she did in March?", {3, 5}),
        ("what may it be", set()),
        ("Was war im März und im Juni?", {3, 6}),
        ("¿Qué pasó en enero?", {1}),
        ("Что было в июне?", {6}),
        ("Haziranda ne oldu?", {6}),
        ("जून में क्या हुआ था?", {6}),
        ("ماذا حدث في يونيو؟", {6}),
        ("6月发生了什么？", {6}),
        ("6월에 뭐 했어요?", {6}),
        ("เดือนมิถุนายนทำอะไร", {6}),
    ],
)
def test_the_months_of_a_question_are_known_by_their_names_in_its_language(question, months):
    assert month_names.find_months(question, guess_language(question)) == months
