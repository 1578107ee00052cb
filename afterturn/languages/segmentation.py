"""Find the words of scripts without spaces between words, and write digits of every script alike.

Chinese, Japanese, Korean and Thai text has no words that Postgres's parser could find. It is split into overlapping
pieces of neighbouring characters, as search engines do it: a question and a text that share a word share its pieces. A
segmenter with a model would find other words in a question than in a text ("家小狗" or "小狗"), and particles stay
attached to its words. Korean has spaces, but attaches particles to words, so its words are split as well.
"""

from __future__ import annotations

import itertools
import re
import unicodedata

from afterturn.languages import korean

_HAN = "\u3005\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_KATAKANA = "\u30a1-\u30fa\u30fc\u31f0-\u31ff"
_HIRAGANA = "\u3041-\u3096\u309d\u309e"
_HANGUL = "\u1100-\u11ff\u3130-\u318f\uac00-\ud7a3"
#: Thai, Lao, Myanmar and Khmer. A vowel sign or tone mark belongs to the letter before it.
_SOUTH_EAST_ASIAN = "\u0e01-\u0e4e\u0e81-\u0ece\u1000-\u103f\u1050-\u109f\u1780-\u17d3"

#: A run of characters of one script. Katakana writes whole foreign words.
_RUN = re.compile(
    f"(?P<han>[{_HAN}]+)|(?P<katakana>[{_KATAKANA}]+)|(?P<hiragana>[{_HIRAGANA}]+)|(?P<hangul>[{_HANGUL}]+)"
    f"|(?P<south_east_asian>[{_SOUTH_EAST_ASIAN}]+)"
)
#: Neighbouring characters of a piece. Thai and its relatives have alphabets: two letters say too little.
_PIECE_CHARACTERS = {"han": 2, "katakana": 2, "hiragana": 2, "hangul": 2, "south_east_asian": 3}

#: Languages whose words are not found by spaces alone.
UNSPACED_LANGUAGES = ("zh", "ja", "ko", "th")
#: Characters that show the language; Japanese is written with Han characters too.
_CHARACTERS = {
    "ja": re.compile(f"[{_HIRAGANA}{_KATAKANA}]"),
    "ko": re.compile(f"[{_HANGUL}]"),
    "th": re.compile("[\u0e01-\u0e4e]"),
    "zh": re.compile(f"[{_HAN}]"),
}
_HAN_RUN = re.compile(f"[{_HAN}]{{2,}}")
_HANGUL_RUN = re.compile(f"[{_HANGUL}]+")
_SOUTH_EAST_ASIAN_RUN = re.compile(f"[{_SOUTH_EAST_ASIAN}]+")
_HIRAGANA_RUN = re.compile(f"[{_HIRAGANA}]+")
#: Signs that belong to the letter before them, although they are no word characters: accents, vowels of Hebrew, Arabic
#: and the Indic scripts. For a class of characters in a pattern.
MARKS = "\u0300-\u036f\u0591-\u05bd\u0610-\u061a\u064b-\u065f\u0900-\u0963\u0966-\u0dff"
_LETTER = re.compile(r"[^\W\d_]")
#: Full and half width, compatibility ideographs, and the presentation forms of Arabic. Not all that NFKC would change:
#: an ellipsis between two words must not become dots, with which Postgres takes them for one.
_VARIANTS = re.compile("[\u3000\uf900-\ufaff\ufb50-\ufdff\ufe70-\ufefc\uff01-\uffee]+")
_OTHER_DIGITS = re.compile(r"[^\D0-9]+")


def normalize(text: str) -> str:
    """Return the text with variants of width and form, and the digits of all scripts, written alike.

    >>> normalize("２０２５年 ٢٢")
    '2025年 22'
    """
    if text.isascii():
        return text
    text = _VARIANTS.sub(lambda run: unicodedata.normalize("NFKC", run[0]), unicodedata.normalize("NFC", text))
    return _OTHER_DIGITS.sub(lambda digits: "".join(str(unicodedata.decimal(digit)) for digit in digits[0]), text)


def split(text: str) -> tuple[str, list[str]]:
    """Return a text without its runs of scripts without spaces, and the pieces of these runs in order.

    >>> split("我家小狗 is 9")
    ('  is 9', ['我家', '家小', '小狗'])

    Args:
        text: normalized.
    """
    if text.isascii():
        return text, []
    pieces: list[str] = []

    def collect(run: re.Match[str]) -> str:
        pieces.extend(_pieces(run.group(), str(run.lastgroup)))
        return " "

    return _RUN.sub(collect, text), pieces


def has_letters(text: str) -> bool:
    """Return whether a text has a letter of any script."""
    return _LETTER.search(text) is not None


def language_of(text: str) -> str | None:
    """Return the language of a text that is mostly of a script without spaces; None for every other text."""
    if text.isascii():
        return None
    letters = len(_LETTER.findall(text))
    for language, characters in _CHARACTERS.items():
        found = len(characters.findall(text))
        if 2 * found > letters or (found and language == "ja"):
            return language
    return None


def short_words(text: str) -> list[str]:
    """Return what may be a word and is shorter than a piece: a text has these besides its pieces.

    A question with such a word alone finds the text. They are the Han characters that stand next to others, the one
    syllable of Korean before a particle, and one or two letters of Thai and its relatives with their vowels and tones.
    """
    if text.isascii():
        return []
    words = [character for run in _HAN_RUN.findall(text) for character in run]
    words += filter(None, map(korean.short_stem, _HANGUL_RUN.findall(text)))
    for run in _SOUTH_EAST_ASIAN_RUN.findall(text):
        letters = _clusters(run)
        words += [letter for letter in letters if len(letter) > 1]
        words += ["".join(pair) for pair in itertools.pairwise(letters)]
    return words


def without_particles(text: str) -> str:
    """Return a text with its Korean words without their particles."""
    return _HANGUL_RUN.sub(lambda run: korean.stem(run[0]), text)


def is_hiragana(piece: str) -> bool:
    """Return whether a piece is of the script of Japanese endings and particles."""
    return _HIRAGANA_RUN.fullmatch(piece) is not None


def _pieces(run: str, script: str) -> list[str]:
    characters = _clusters(run) if script == "south_east_asian" else list(run)
    size = _PIECE_CHARACTERS[script]
    if len(characters) <= size:
        return [run]
    return ["".join(characters[start : start + size]) for start in range(len(characters) - size + 1)]


def _clusters(run: str) -> list[str]:
    """Return the letters of a run, each with the marks that follow it."""
    clusters: list[str] = []
    for character in run:
        if clusters and unicodedata.category(character) in ("Mn", "Mc"):
            clusters[-1] += character
        else:
            clusters.append(character)
    return clusters
