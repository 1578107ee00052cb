"""Recognise a turn that says goodbye at its end, in the languages that afterturn knows."""

from __future__ import annotations

import re

#: Characters after the words of a farewell, for a name or a wish. More: "bye" in the middle of a story counts.
_AFTER = 24

_SPACED = """
    bye|bye bye|goodbye|good bye|good night|see you|see ya|take care(?! of)|talk soon|talk later|ttyl|catch you later
    talk to you (?:soon|later|tomorrow)|speak to you (?:soon|later|tomorrow)|until next time|signing off|gotta go
    tschüss|tschüs|ciao|auf wiedersehen|auf wiederhören|gute nacht|bis bald|bis später|bis morgen|bis dann|mach's gut
    au revoir|bonne nuit|à bientôt|à demain|à plus|à plus tard|bonne soirée
    adiós|hasta luego|hasta mañana|hasta pronto|buenas noches|nos vemos|hablamos luego|cuídate|chao
    tchau|até logo|até amanhã|até mais|até breve|boa noite|se cuida|falamos depois
    arrivederci|buonanotte|a presto|a domani|ci sentiamo|ci vediamo
    doei|tot ziens|tot later|tot morgen|welterusten
    пока|до свидания|до встречи|до завтра|спокойной ночи|увидимся|созвонимся|до связи
    hoşça kal|hoşçakal|güle güle|görüşürüz|görüşmek üzere|iyi geceler|kendine iyi bak
    مع السلامة|إلى اللقاء|تصبح على خير|تصبحين على خير|وداعا|وداعاً|أراك لاحقا|أراك لاحقاً|نلتقي لاحقا
    अलविदा|फिर मिलेंगे|फिर मिलते हैं|शुभ रात्रि|बाद में बात करते हैं|अपना ख्याल रखना
    안녕히 계세요|안녕히 가세요|잘 자요|잘 자|나중에 봐|나중에 봐요|내일 봐|내일 봐요|또 봐|또 봐요|다음에 봐요
"""
_UNSPACED = """
    再见|再見|拜拜|晚安|明天见|回头见|下次见|回聊|下次再聊
    さようなら|さよなら|おやすみ|またね|また明日|また今度|じゃあね|ではまた|バイバイ|失礼します
    ลาก่อน|แล้วเจอกัน|ราตรีสวัสดิ์|ฝันดี|ไว้คุยกันใหม่|บ๊ายบาย|เจอกันใหม่
"""


def _phrases(lines: str) -> str:
    return "|".join(line.strip() for line in lines.split("\n") if line.strip())


_FAREWELL = re.compile(
    rf"(?:(?<!\w)(?:{_phrases(_SPACED)})(?!\w)|{_phrases(_UNSPACED)})[^?\uff1f\u061f]{{0,{_AFTER}}}\Z", re.IGNORECASE
)


def ends_with_farewell(ending: str) -> bool:
    """Return whether the end of a turn says goodbye."""
    return _FAREWELL.search(ending.replace("\u2019", "'").rstrip()) is not None
