"""Memories in several languages: what is said in any of them is found, also after an upgrade."""

import asyncio

import pytest

from afterturn import AsyncMemoryClient, MemoryClient
from afterturn.pipeline.stages import index
from afterturn.scopes import UserScope

SAID = {
    "en": "I have started a pottery class in an old tram shed.",
    "de": "Unser Hund Balu ist ein neunjähriger Rauhaardackel.",
    "ru": "Аренда квартиры стоит сорок восемь тысяч рублей в месяц.",
    "zh": "同事陈静借给我一本书，史铁生的《我与地坛》。",
    "th": "คุณพ่อจะผ่าตัดเข่าที่โรงพยาบาลลานนา",
    "ja": "母の誕生日は十二月三日です。",
    "ko": "우리 강아지 보리는 아홉 살 시츄인데 매일 산책을 해요.",
    "es": "Mi vecino toca el violín en la orquesta municipal.",
    "pt": "Deixei a bicicleta na oficina do Raimundo.",
    "tr": "Bahçeye üç tane kiraz fidanı diktik.",
    "ar": "أختي تدرس الهندسة في جامعة القاهرة.",
    "hi": "हमारी गाय ने कल एक बछड़े को जन्म दिया।",
}
#: Each asks with another form of a word of the answer, or with its words in another order.
QUESTIONS = {
    "en": "Which classes do I take?",
    "de": "Welche Hunde haben wir?",
    "ru": "Сколько стоит аренда?",
    "zh": "陈静借的是哪本书？",
    "th": "คุณพ่อผ่าตัดที่ไหน",
    "ja": "母の誕生日はいつですか。",
    "ko": "강아지 이름이 뭐예요?",
    "es": "¿Qué vecinos tocan un instrumento?",
    "pt": "Onde ficaram as bicicletas?",
    "tr": "Bahçede hangi fidanlar var?",
    "ar": "ماذا تدرس الأخت في الجامعة؟",
    "hi": "गायों के कितने बछड़े हैं?",
}
#: Questions that have only a word that is related to one of the answer.
RELATED = {
    "en": ("We watched a film at the Rex.", "Which movie was it?"),
    "de": ("Wir haben einen gebrauchten Kombi gekauft.", "Welches Auto haben wir?"),
    "es": ("Hemos comprado un coche de segunda mano.", "¿Qué vehículo tenemos?"),
    "pt": ("Compramos um carro usado.", "Qual é o nosso veículo?"),
    "ru": ("Мы купили подержанную машину.", "Какой у нас автомобиль?"),
    "tr": ("İkinci el bir araba aldık.", "Otomobilimiz hangisi?"),
    "ar": ("اشترينا سيارة مستعملة.", "ما مركبتنا؟"),
    "hi": ("हमने पुरानी कार ख़रीदी।", "हमारी गाड़ी कौन सी है?"),
    "ko": ("드디어 중고로 차를 샀어요.", "우리 자동차는 뭐예요?"),
    "ja": ("中古の車を買いました。", "うちの自動車は何ですか。"),
    "zh": ("我们买了一辆二手轿车。", "我家的汽车是什么？"),
    "th": ("เราซื้อรถมือสองแล้ว", "พาหนะของเราคืออะไร"),
}
BESIDE = {
    "en": "The kitchen was painted green by my uncle.",
    "de": "Mein Onkel hat die Küche grün gestrichen.",
    "es": "Mi tío pintó la cocina de verde.",
    "pt": "Meu tio pintou a cozinha de verde.",
    "ru": "Мой дядя покрасил кухню в зелёный.",
    "tr": "Amcam mutfağı yeşile boyadı.",
    "ar": "طلى عمي المطبخ بالأخضر.",
    "hi": "मेरे चाचा ने रसोई हरी रंग दी।",
    "ko": "삼촌이 부엌을 초록으로 칠했어요.",
    "ja": "叔父が台所を緑に塗りました。",
    "zh": "叔叔把厨房刷成了绿的。",
    "th": "ลุงทาครัวเป็นสีเขียว",
}
#: A value, its newest change, and a question for what holds now.
CHANGES = {
    "de": ("Ich arbeite im Rathaus.", "Ich habe gewechselt und arbeite beim Zoll.", "Wo arbeite ich inzwischen?"),
    "es": ("Trabajo en el museo.", "Ya no estoy allí, ahora trabajo en el puerto.", "¿Dónde trabajo actualmente?"),
    "ru": ("Я работаю в музее.", "Я сменила место и работаю в порту.", "Где я сейчас работаю?"),
    "ja": ("市役所で働いています。", "転職して港で働いています。", "現在どこで働いていますか。"),
    "zh": ("我在博物馆工作。", "我换工作了，在港口工作。", "我现在在哪里工作？"),
}


@pytest.fixture
def memory(settings, pipeline):
    memory = MemoryClient("ana", settings=settings)
    for text in SAID.values():
        memory.write("user", text, name="Ana")
    pipeline.settle()
    return memory


@pytest.mark.parametrize("language", SAID)
def test_a_memory_of_twelve_languages_is_found_in_each(memory, language):
    assert memory.recall(QUESTIONS[language], 1, kinds=["turn"])[0].text == SAID[language]


def test_turns_that_no_worker_has_seen_are_found_in_each_language(settings, hot_store, database):
    memory = MemoryClient("ben", settings=settings)
    for text in SAID.values():
        memory.write("user", text)
    for language, question in QUESTIONS.items():
        assert memory.recall(question, 1)[0].text == SAID[language]


def test_the_asynchronous_client_finds_the_same(memory, settings):
    async def ask():
        found = AsyncMemoryClient("ana", settings=settings)
        return [(await found.recall(question, 1, kinds=["turn"]))[0].text for question in QUESTIONS.values()]

    assert asyncio.run(ask()) == list(SAID.values())


def test_the_http_api_finds_the_same(memory, api):
    for language, question in QUESTIONS.items():
        asked = {"query": question, "limit": 1, "kinds": "turn"}
        answer = api.get("/v1/users/ana/sessions/default/memories", params=asked)
        assert [found["text"] for found in answer.json()["memories"]] == [SAID[language]]


def test_a_question_for_what_holds_now_finds_the_newest_change_first(settings, pipeline):
    memory = MemoryClient("eve", settings=settings)
    memory.write("user", "I drink coffee every morning before work.", name="Eve")
    memory.write("user", "I gave up coffee, so now I drink rooibos every morning.", name="Eve")
    memory.write("user", "We painted the kitchen.", name="Eve")
    pipeline.settle()
    assert "rooibos" in memory.recall("What do I drink these days?", 1)[0].text


@pytest.mark.parametrize("language", CHANGES)
def test_a_question_for_what_holds_now_finds_the_change_in_each_language(settings, pipeline, language):
    before, change, question = CHANGES[language]
    memory = MemoryClient("eve", settings=settings)
    memory.write("user", before)
    memory.write("user", change)
    memory.write("user", BESIDE[language])
    pipeline.settle()
    assert memory.recall(question, 1, kinds=["turn"])[0].text == change


@pytest.mark.parametrize("language", RELATED)
def test_a_related_word_is_found_in_each_language(settings, pipeline, language):
    text, question = RELATED[language]
    memory = MemoryClient("max", settings=settings)
    others = [said for other, said in SAID.items() if other != language]
    for said in (BESIDE[language], *others[:6], text, *others[6:]):
        memory.write("user", said)
    pipeline.settle()
    assert text in [found.text for found in memory.recall(question, 3, kinds=["turn"])]


def test_a_word_that_no_text_has_finds_a_related_word(settings, pipeline):
    memory = MemoryClient("max", settings=settings)
    memory.write("user", "We watched a film by Tarkovsky on Friday.")
    memory.write("user", "The kitchen was painted green by my uncle.")
    memory.write("user", "My bicycle has a flat tyre again.")
    pipeline.settle()
    assert "Tarkovsky" in memory.recall("Which movie was it?", 1, kinds=["turn"])[0].text


def test_texts_of_an_earlier_release_get_the_stems_of_their_language_in_the_background(memory, pipeline, database):
    stems = "SELECT array_agg(stems ORDER BY position) FROM turns"
    [(written,)] = database.execute(stems).fetchall()
    # As an earlier release wrote them.
    database.execute("UPDATE turns SET stems = stem_codes(coalesce(name, '') || ' ' || content)")
    database.execute("UPDATE users SET owes_stems = true")
    assert memory.recall("Balu", 1, kinds=["turn"])[0].text == SAID["de"]
    assert pipeline.sweep()["index"] == 1
    pipeline.settle()
    assert database.execute(stems).fetchone() == (written,)
    assert database.execute("SELECT owes_stems FROM users").fetchall() == [(False,)]
    assert memory.recall(QUESTIONS["zh"], 1, kinds=["turn"])[0].text == SAID["zh"]


def test_a_worker_of_an_earlier_release_writes_texts_without_stems(memory, pipeline, database):
    database.execute(
        "INSERT INTO turns (tenant_id, user_id, session_id, position, turn_id, role, content, tokens, occurred_at,"
        " written_at, archived_at) SELECT tenant_id, user_id, session_id, 100, 'old', role, '我们家的猫叫豆包。', 9,"
        " now(), now(), now() - interval '1 hour' FROM turns LIMIT 1"
    )
    assert database.execute("SELECT owes_stems FROM users").fetchall() == [(True,)]
    assert not index.index(pipeline.runtime, UserScope("default", "ana"))
    assert memory.recall("豆包", 1, kinds=["turn"])[0].text == "我们家的猫叫豆包。"
