"""The built-in embedder: hashed words and letters, without a model. It compares spelling, not meaning.

A text becomes a set of features: stemmed words, pairs of neighbouring words, and sequences of 3 to 5 letters, by which
"Lisbonn" is similar to "Lisbon". The hash of a feature gives its place and its sign in the vector (signed feature
hashing). The weight of a repeated word grows with the logarithm of its count; stop words have a small weight.

Nothing is cached: a cache would keep the words of forgotten users, and would save little time.
"""

from __future__ import annotations

import itertools
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias
from zlib import crc32

#: Part of an embedding space's name. A change of the vectors must change it: the old vectors are then rebuilt.
MODEL = "hashing-1"

#: With a smaller dimension more features collide; with a larger one vectors cost more to store and scan. Recall at 10
#: over the turns of five long conversations: 36 % with 256, 42 % with 512, 44 % with 1,024, 45 % with 2,048.
DEFAULT_DIMENSION = 512

_WORD_WEIGHT = 1.0
_STOP_WORD_WEIGHT = 0.15
_PAIR_WEIGHT = 0.5
#: Weight of all letter sequences of a word together. If it is larger, different words of similar spelling are too near.
_LETTERS_WEIGHT = 0.6
_SEQUENCE_SIZES = (3, 4, 5)
#: One and two characters of four bytes each, for scripts without spaces between words.
_UNSPACED_SEQUENCE_SIZES = (4, 8)

#: Seeds of the hash, by kind of feature: a word and a sequence of the same letters have different hashes.
_WORD_SEED, _SEQUENCE_SEED, _PAIR_SEED = 0x77, 0x72, 0x70
_MIXER = 0x9E3779B1

_WORDS = re.compile(r"[^\W_]+")
#: Characters of scripts without spaces between words: a single character can be a word.
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u9fff\U00020000-\U0003ffff]")

_STOP_WORD_LIST = (
    "a about after again all also am an and any are as at be because been before being but by can could did do does "
    "doing don down for from had has have having he her here hers him his how i if in into is it its just let ll me "
    "more most my no nor not now of off on once only or other our out over own re s said same say she should so some "
    "such t than that the their them then there these they this those through to too under up us ve very was we were "
    "what when where which while who whom why will with would you your yours user assistant "
)
_STOP_WORDS = frozenset(_STOP_WORD_LIST.split())


class HashingEmbedder:
    """Embeds by signed feature hashing. The same text has the same vector in every process and release."""

    provider = "hashing"
    model = MODEL

    def __init__(self, dimension: int = DEFAULT_DIMENSION) -> None:
        if dimension < 8:
            raise ValueError(f"dimension must be at least 8, not {dimension}")
        self.dimension = dimension

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """Return one unit vector per text. All texts without a word have the same vector."""
        # The texts of one call share most of their words. Not kept beyond it: words are content.
        features = _Features(self.dimension)
        return [self._embed_one(text, features) for text in texts]

    def close(self) -> None:
        """Do nothing: it has no connections."""

    def _embed_one(self, text: str, features: _Features) -> list[float]:
        vector = [0.0] * self.dimension
        for entries, count in features.of_text(text):
            if count == 1:
                for place, weight in entries:
                    vector[place] += weight
            else:
                factor = 1.0 + math.log(count)
                for place, weight in entries:
                    vector[place] += weight * factor
        length = math.hypot(*vector)
        if length < 1e-9:
            return [1.0] + [0.0] * (self.dimension - 1)
        return [number / length for number in vector]


#: The places of features in the vector, and their weights. The sign of a hash is that of the weight: collisions cancel
#: out as often as they add up.
_Entries: TypeAlias = list[tuple[int, float]]


class _Features:
    """The features of words and pairs of words, each hashed once."""

    def __init__(self, dimension: int) -> None:
        self._dimension = dimension
        #: By word: its features, and its stem; None for a stop word.
        self._words: dict[str, tuple[_Entries, bytes | None]] = {}
        self._pairs: dict[tuple[bytes, bytes], _Entries] = {}

    def of_text(self, text: str) -> Iterator[tuple[_Entries, int]]:
        """Yield groups of features, and how often the group is in the text."""
        words = _WORDS.findall(_fold_case_and_accents(text))
        known = self._words
        for word, count in Counter(words).items():
            if word not in known:
                known[word] = self._of_word(word)
            yield known[word][0], count
        stems = [stem for word in words if (stem := known[word][1]) is not None]
        for pair, count in Counter(itertools.pairwise(stems)).items():
            yield self._pairs.get(pair) or self._of_pair(pair), count

    def _of_word(self, word: str) -> tuple[_Entries, bytes | None]:
        groups = [self._entries(weight, hashes) for weight, hashes in _word_features(word)]
        return list(itertools.chain(*groups)), None if word in _STOP_WORDS else _stem(word).encode()

    def _of_pair(self, pair: tuple[bytes, bytes]) -> _Entries:
        hashed = _hash(_PAIR_SEED, pair[0] + b" " + pair[1])
        entries = self._pairs[pair] = self._entries(_PAIR_WEIGHT, (hashed,))
        return entries

    def _entries(self, weight: float, hashes: Iterable[int]) -> _Entries:
        """Return the entries of hashed features. The top bit of a hash is the sign, the other bits are the place."""
        dimension = self._dimension
        return [((hashed & 0x7FFFFFFF) % dimension, weight if hashed & 0x80000000 else -weight) for hashed in hashes]


def _word_features(word: str) -> list[tuple[float, list[int]]]:
    """Return groups of a word's features: the weight of each feature of the group, and their hashes."""
    if word in _STOP_WORDS:
        return [(_STOP_WORD_WEIGHT, [_hash(_WORD_SEED, word.encode())])]
    if not word.isascii() and _UNSPACED.search(word):
        return [(_WORD_WEIGHT, _sequence_hashes(word.encode("utf-32-be"), _UNSPACED_SEQUENCE_SIZES, step=4))]
    sequences = _sequence_hashes(f"<{word}>".encode(), _SEQUENCE_SIZES)
    return [
        (_LETTERS_WEIGHT / math.sqrt(len(sequences) or 1), sequences),
        (_WORD_WEIGHT, [_hash(_WORD_SEED, _stem(word).encode())]),
    ]


def _hash(seed: int, feature: bytes) -> int:
    # CRC-32 alone is linear: similar features get similar hashes. The middle bits of a product depend on all bits.
    return crc32(feature, seed) * _MIXER >> 16 & 0xFFFFFFFF


def _sequence_hashes(letters: bytes, sizes: Sequence[int], step: int = 1) -> list[int]:
    """Hash every sequence of each size.

    Sizes are in bytes: a sequence may begin inside the encoding of an accented letter, which does no harm. The body of
    `_hash` is repeated here, because most of the embedder's time is spent here.
    """
    return [
        crc32(letters[start : start + size], _SEQUENCE_SEED) * _MIXER >> 16 & 0xFFFFFFFF
        for size in sizes
        for start in range(0, len(letters) - size + 1, step)
    ]


def _fold_case_and_accents(text: str) -> str:
    """Return the text in lower case without accents: "Ação" and "acao" are one word."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))


def _stem(word: str) -> str:
    """Remove the most common English endings: "moved", "moves" and "moving" become one word. Keep short words."""
    if len(word) < 5 or not word.isascii():
        return word[:-1] if len(word) == 4 and word[-1] == "s" and word[-2] not in "su" else word
    for ending, kept in (("ies", "y"), ("ing", ""), ("edly", ""), ("ed", ""), ("ly", "")):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return _drop_double_or_mute_letter(word[: -len(ending)] + kept)
    if word.endswith("es") and word[-3] in "sxzh":
        return word[:-2]
    if word.endswith("s") and word[-2] not in "su":
        word = word[:-1]
    return _drop_double_or_mute_letter(word)


def _drop_double_or_mute_letter(stem: str) -> str:
    """Remove the second of two equal final consonants, or a final e."""
    if len(stem) > 3 and stem[-1] == stem[-2] and stem[-1] not in "aeiouls":
        return stem[:-1]
    return stem[:-1] if len(stem) > 3 and stem[-1] == "e" else stem
