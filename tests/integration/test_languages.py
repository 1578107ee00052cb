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
}
QUESTIONS = {
    "en": "Which classes do I take?",
    "de": "Welche Hunde haben wir?",
    "ru": "Сколько стоит аренда?",
    "zh": "陈静借的是哪本书？",
    "th": "คุณพ่อผ่าตัดที่ไหน",
    "ja": "母の誕生日はいつですか。",
    "ko": "강아지 이름이 뭐예요?",
}


@pytest.fixture
def memory(settings, pipeline):
    memory = MemoryClient("ana", settings=settings)
    for text in SAID.values():
        memory.write("user", text, name="Ana")
    pipeline.settle()
    return memory


@pytest.mark.parametrize("language", SAID)
def test_a_memory_of_seven_languages_is_found_in_each(memory, language):
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
