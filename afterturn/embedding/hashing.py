"""The built-in embedder: hashed words and letters, no model. It knows spelling, not meaning.

Each text becomes a bag of features, each hashed to a place and a sign in the vector: stemmed words, pairs of
neighbouring words, and runs of 3 to 5 letters, by which "Lisbonn" still meets "Lisbon". Words that come often weigh
sublinearly, words that say little weigh little.

Nothing is cached: a cache of words would keep a user's words beyond their forgetting, and would save little.
"""

from __future__ import annotations

import itertools
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from zlib import crc32

#: Part of the space's name. Whoever changes what a text hashes to must change it: old vectors are then rebuilt.
MODEL = "hashing-1"

#: Fewer places, and more features collide; more, and vectors cost more to store and scan. Recall at 10 over the turns
#: of five long conversations: 36 % with 256, 42 % with 512, 44 % with 1,024, 45 % with 2,048.
DEFAULT_DIMENSION = 512

_WORD_WEIGHT = 1.0
_STOP_WORD_WEIGHT = 0.15
_PAIR_WEIGHT = 0.5
#: All letter runs of a word together; more, and words that merely look alike meet.
_LETTERS_WEIGHT = 0.6
_RUN_SIZES = (3, 4, 5)
#: One and two signs of four bytes each, for scripts without spaces between words.
_UNSPACED_RUN_SIZES = (4, 8)

#: What a feature is goes into its hash as the seed: a word never meets a run of the same letters.
_WORD, _RUN, _PAIR = 0x77, 0x72, 0x70
_MIXER = 0x9E3779B1

_WORDS = re.compile(r"[^\W_]+")
#: Scripts without spaces between words: there a single sign is a word.
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
    """Embeds by signed feature hashing: the same text gives the same vector in every process, for ever."""

    provider = "hashing"
    model = MODEL

    def __init__(self, dimension: int = DEFAULT_DIMENSION) -> None:
        if dimension < 8:
            raise ValueError(f"dimension must be at least 8, not {dimension}")
        self.dimension = dimension

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """Return one unit vector per text; a text without a word gets the one that stands for "nothing"."""
        return [self._embed_one(text) for text in texts]

    def _embed_one(self, text: str) -> list[float]:
        dimension = self.dimension
        vector = [0.0] * dimension
        for weight, hashes in _features(text):
            for hashed in hashes:
                # The top bit is the sign, the others the place: collisions cancel out as often as they add up.
                vector[(hashed & 0x7FFFFFFF) % dimension] += weight if hashed & 0x80000000 else -weight
        length = math.sqrt(math.fsum(number * number for number in vector))
        if length < 1e-9:
            return [1.0] + [0.0] * (dimension - 1)
        return [number / length for number in vector]


def _features(text: str) -> Iterator[tuple[float, list[int]]]:
    """Yield groups of features: the weight of each, and their hashes."""
    words = _WORDS.findall(_folded(text))
    for word, count in Counter(words).items():
        factor = 1.0 + math.log(count)
        if word in _STOP_WORDS:
            yield _STOP_WORD_WEIGHT * factor, [_hash(_WORD, word.encode())]
        elif not word.isascii() and _UNSPACED.search(word):
            yield _WORD_WEIGHT * factor, _run_hashes(word.encode("utf-32-be"), _UNSPACED_RUN_SIZES, step=4)
        else:
            runs = _run_hashes(f"<{word}>".encode(), _RUN_SIZES)
            yield _LETTERS_WEIGHT * factor / math.sqrt(len(runs) or 1), runs
            yield _WORD_WEIGHT * factor, [_hash(_WORD, _stem(word).encode())]
    stems = [_stem(word).encode() for word in words if word not in _STOP_WORDS]
    for (first, second), count in Counter(itertools.pairwise(stems)).items():
        yield _PAIR_WEIGHT * (1.0 + math.log(count)), [_hash(_PAIR, first + b" " + second)]


def _hash(kind: int, feature: bytes) -> int:
    # CRC-32 alone is linear: like features land in like places. The middle of a product depends on all its bits.
    return crc32(feature, kind) * _MIXER >> 16 & 0xFFFFFFFF


def _run_hashes(letters: bytes, sizes: Sequence[int], step: int = 1) -> list[int]:
    """Hash every run of each of the sizes (in bytes; a run that begins within an accented letter is as good as any).

    This is where the time goes, so `_hash` stands here in full.
    """
    return [
        crc32(letters[start : start + size], _RUN) * _MIXER >> 16 & 0xFFFFFFFF
        for size in sizes
        for start in range(0, len(letters) - size + 1, step)
    ]


def _folded(text: str) -> str:
    """Lower case without accents: "Ação" and "acao" are one word."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))


def _stem(word: str) -> str:
    """Cut the commonest English endings, so that "moved", "moves" and "moving" are one word; leave short ones whole."""
    if len(word) < 5 or not word.isascii():
        return word[:-1] if len(word) == 4 and word[-1] == "s" and word[-2] not in "su" else word
    for ending, kept in (("ies", "y"), ("ing", ""), ("edly", ""), ("ed", ""), ("ly", "")):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return _without_doubled_or_mute_end(word[: -len(ending)] + kept)
    if word.endswith("es") and word[-3] in "sxzh":
        return word[:-2]
    if word.endswith("s") and word[-2] not in "su":
        word = word[:-1]
    return _without_doubled_or_mute_end(word)


def _without_doubled_or_mute_end(stem: str) -> str:
    if len(stem) > 3 and stem[-1] == stem[-2] and stem[-1] not in "aeiouls":
        return stem[:-1]
    return stem[:-1] if len(stem) > 3 and stem[-1] == "e" else stem
