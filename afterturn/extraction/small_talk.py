"""Recognise small talk, which contains nothing to remember, so that no LLM call is needed.

Only a message that consists entirely of listed phrases, or of pleasantries (`pleasantries.py`), is small talk. Every
other message is extracted.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Sequence
from enum import IntEnum

from afterturn.extraction import pleasantries
from afterturn.languages import segmentation
from afterturn.turns import Turn

#: A longer message is never small talk.
_MAX_CHARACTERS = 300


class _Kind(IntEnum):
    """How much a phrase can mean. A message has the highest kind of its phrases."""

    #: Means nothing in any context: a greeting, thanks, laughter.
    EMPTY = 0
    #: Acknowledges a message; after a question it may be the answer.
    ACKNOWLEDGEMENT = 1
    #: Answers; the meaning depends on what was said before.
    ANSWER = 2


_GREETINGS = """
    hi|hello|hey|heya|hiya|howdy|yo|greetings|welcome|welcome back|good morning|good afternoon|good evening|good night
    good day|bye|bye bye|goodbye|good bye|see you|see ya|see you later|see you soon|see you tomorrow
    see you then|talk to you later|talk later|talk soon|ttyl|take care|cya|cheers|hi there|hello there|hey there
    nice to meet you|nice to see you|have a nice day|have a great day|have a good day|have a good one
    have a good evening|have a nice evening|have a great evening|have a good night|have a nice weekend
    have a great weekend|have a good weekend
    thanks|thank you|thank you so much|thank you very much|thanks a lot|thanks so much|many thanks|thx|ty|tysm
    thanks again|thank you again|much appreciated|i appreciate it|thanks for your help|thank you for your help
    you're welcome|you are welcome|my pleasure|don't mention it
    glad i could help|happy to help|glad to help|always happy to help
    sorry|oops|excuse me|pardon
    hallo|guten morgen|guten tag|guten abend|gute nacht|servus|moin|grüß gott|danke|danke schön|vielen dank|dankeschön
    bitte schön|gern geschehen|tschüss|auf wiedersehen|bis später|bis morgen|bis bald
    bonjour|bonsoir|salut|bonne nuit|merci|merci beaucoup|de rien|au revoir|à bientôt|à demain
    hola|buenos días|buenas tardes|buenas noches|gracias|muchas gracias|adiós|hasta luego|hasta mañana
    ciao|buongiorno|buonasera|buonanotte|grazie|grazie mille|arrivederci|a presto|a domani
    olá|oi|bom dia|boa tarde|boa noite|obrigado|obrigada|muito obrigado|muito obrigada|tchau|até logo|até amanhã
    hoi|goedemorgen|goedemiddag|goedenavond|dank je|dank u|bedankt|doei|tot ziens|hej|tack|hei|kiitos|takk|tak
    cześć|dzień dobry|dziękuję|dzięki|do widzenia|merhaba|teşekkürler|привет|здравствуйте|спасибо|пока
    你好|您好|谢谢|謝謝|再见|早安|晚安|こんにちは|おはよう|こんばんは|ありがとう|ありがとうございます|さようなら
    안녕하세요|안녕|감사합니다|고마워|مرحبا|شكرا|שלום|תודה
    how are you|how are you doing|how are you today|how are you doing today|how's it going|what's up|whats up|sup
    how can i help|how can i help you|how can i help you today|how may i help you|how may i help you today
    how can i assist you|how can i assist you today|how may i assist you|how may i assist you today
    what can i do for you|what can i do for you today|is there anything else i can help you with
    is there anything else i can help with|anything else|let me know if you need anything else
    let me know if you need anything|feel free to ask|let me know
"""
_ACKNOWLEDGEMENTS = """
    no problem|no worries|anytime|any time|not at all|you too|same to you|likewise|morning|evening|please|bitte|prego
    de nada|ok|okay|k|kk|okey|okie|alright|all right|right|sure thing|got it|gotcha|i see|understood|noted|makes sense
    that makes sense|fair enough|good to know|cool|nice|great|awesome|amazing|wonderful|perfect|excellent|fantastic
    brilliant|lovely|good|very good|sounds good|sounds great|sounds nice|looks good|looks great|that's great
    that's good|that's nice|that's cool|that's awesome|how nice|how lovely|interesting|wow|whoa|oh|ah|aha|oh wow
    oh nice|oh no|hm|hmm|hmmm|mhm|uh|um|well|so|ooh|yay|hooray|congratulations|congrats|good job|well done|nice one
    good luck|exactly|indeed|lol|lmao|rofl|haha|xd|one moment|one sec|just a moment|wait|will do
    alles klar|verstanden|super|toll|prima|genau|d'accord|vale|va bene|perfetto|perfecto|parfait|entendido|claro
"""
_ANSWERS = """
    yes|no|yeah|yep|yup|nope|nah|yea|ya|sure|of course|certainly|absolutely|definitely|maybe|perhaps|probably
    not really|i think so|i don't think so|i guess|i guess so|never mind|nevermind|no thanks|no thank you|yes please
    i'm fine|i'm good|i'm great|i'm ok|i'm okay|i'm well|fine|doing well|doing good|and you|how about you|not bad
    pretty good|all good|it is|it was|i do|i don't|i did|i didn't|i am|i'm not|i will|i won't|i know|i agree|true|false
    ja|nein|oui|non|sí|si|sì|não|sim|nee|nej|tak|nie|evet|да|нет|是|不是|はい|いいえ|네|아니요
"""

_LETTERS = rf"(?:[^\W_]|[{segmentation.MARKS}])+"
_WORD = re.compile(rf"{_LETTERS}(?:['\u2019]{_LETTERS})*")
_LAUGHTER = re.compile(r"(?:a?(?:ha){2,}h?|(?:he){2,}h?|(?:hi){2,}|(?:ja){2,}|(?:ho){3,}|l+o+l+|(?:lol)+|w{3,})")
_SPEAKER = re.compile(r"^[ \t]{0,8}(?:user|human|assistant|ai|bot)[ \t]{0,8}:", re.IGNORECASE | re.MULTILINE)
_QUESTION = re.compile("[?\uff1f\u061f\u037e]")
#: Signs that can answer a question, such as thumbs and check marks.
_ANSWER_SIGN = re.compile("[\u2705\u2714\u274c\u274e\U0001f44c-\U0001f44e\U0001f646\U0001f645]")


def _words(text: str) -> list[str]:
    return [word.replace("\u2019", "'") for word in _WORD.findall(unicodedata.normalize("NFC", text).casefold())]


def _phrases(lines: str, kind: _Kind) -> dict[tuple[str, ...], _Kind]:
    return {tuple(_words(phrase)): kind for line in lines.split("\n") for phrase in line.strip().split("|") if phrase}


_PHRASES = (
    _phrases(_GREETINGS, _Kind.EMPTY)
    | _phrases(_ACKNOWLEDGEMENTS, _Kind.ACKNOWLEDGEMENT)
    | _phrases(_ANSWERS, _Kind.ANSWER)
)
_MAX_PHRASE_WORDS = max(map(len, _PHRASES))
_FIRST_WORDS = frozenset(phrase[0] for phrase in _PHRASES)


def is_small_talk(turns: Sequence[Turn], context: Sequence[Turn] = (), *, names: Collection[str] = ()) -> bool:
    """Return whether all turns are small talk. Removed and empty turns count as small talk.

    "Yes" is small talk only if all turns before it are small talk. "Ok" is small talk also after any other turn that
    is not a question.

    Args:
        turns: of a batch.
        context: the turns before the batch.
        names: names that a greeting may contain, besides those of the speakers.
    """
    name_words = words_of_names((*names, *(turn.name for turn in (*context, *turns) if turn.name)))
    only_small_talk_before, is_after_question = True, False
    for index, turn in enumerate((*context, *turns), start=-len(context)):
        kind = None if turn.is_removed else _message_kind(turn.content, name_words)
        if kind is None and not turn.is_removed and pleasantries.is_pleasantry(turn.content, name_words):
            kind = _Kind.EMPTY
        if index >= 0 and not turn.is_removed and not _means_nothing(kind, only_small_talk_before, is_after_question):
            return False
        only_small_talk_before = only_small_talk_before and (kind is not None or turn.is_removed)
        is_after_question = _QUESTION.search(turn.content) is not None
    return True


def is_empty(text: str, name_words: Collection[str] = ()) -> bool:
    """Return whether a text states nothing in any context: a greeting, thanks, a wish, an offer of help.

    Args:
        text: a message or a part of one.
        name_words: words of names that it may contain (`words_of_names`).
    """
    kind = _message_kind(text, name_words)
    return kind is _Kind.EMPTY or (kind is None and pleasantries.is_pleasantry(text, name_words))


def words_of_names(names: Collection[str]) -> frozenset[str]:
    """Return the words of names, in the form in which they are compared."""
    return frozenset(word for name in names for word in _words(name))


def _means_nothing(kind: _Kind | None, only_small_talk_before: bool, is_after_question: bool) -> bool:
    if kind is None:
        return False
    return kind is _Kind.EMPTY or only_small_talk_before or (kind is _Kind.ACKNOWLEDGEMENT and not is_after_question)


def _message_kind(content: str, name_words: Collection[str]) -> _Kind | None:
    """Return the kind of a message that consists of listed phrases; None for any other message."""
    if not content.strip():
        return _Kind.EMPTY
    if len(content) > _MAX_CHARACTERS:
        return None
    text = _SPEAKER.sub(" ", content)
    words = _words(text)
    index, is_after_phrase = 0, False
    kind = _Kind.EMPTY
    # Most messages end here, at a word that begins no phrase: only a listed one is searched for signs.
    while index < len(words):
        phrase = _phrase_at(words, index)
        if phrase is not None:
            length, phrase_kind = phrase
            index, kind, is_after_phrase = index + length, max(kind, phrase_kind), True
        elif _LAUGHTER.fullmatch(words[index]) or (is_after_phrase and words[index] in name_words):
            index += 1
        else:
            return None
    if any(_has_meaning(character) for character in _WORD.sub("", text)):
        return None
    return max(kind, _Kind.ANSWER) if _ANSWER_SIGN.search(text) else kind


def _phrase_at(words: Sequence[str], index: int) -> tuple[int, _Kind] | None:
    """Return the number of words and the kind of the longest phrase at an index; None if there is none."""
    if words[index] not in _FIRST_WORDS:
        return None
    for length in range(min(_MAX_PHRASE_WORDS, len(words) - index), 0, -1):
        kind = _PHRASES.get(tuple(words[index : index + length]))
        if kind is not None:
            return length, kind
    return None


def _has_meaning(character: str) -> bool:
    """Return whether a character outside of words can have a meaning: a currency sign can, an emoji cannot."""
    return unicodedata.category(character) in ("Sc", "Sm", "Nd", "Nl", "No", "Co") or character in "_@#/\\<>{}[]|`="
