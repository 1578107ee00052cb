"""How much the sentences of an answer are worth to extraction: by the words that they share with the user's."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from afterturn.excerpts import words
from afterturn.excerpts.sentences import Kind, Unit
from afterturn.languages import addressing

#: A word that the user says only after the answer was perhaps taken from it.
_TAKEN_UP_WEIGHT = 3.0
_NUMBER_WEIGHT = 1.5
#: What a word counts that another kept sentence has already.
_REPEATED_WEIGHT = 0.25
#: What it counts that a sentence speaks to the user; with a number or a name, also if it shares no word.
_ADDRESS_WEIGHT = 1.3
_CONCRETE_WEIGHT = 1.5
#: A heading says little by itself.
_HEADING_WEIGHT = 0.8
#: Of two sentences that share as much with the user's words, the shorter one is better, but little.
_SHORT_CHARACTERS = 20
_LENGTH_WEIGHT = 10
#: A number, or a word with a capital letter that begins no sentence.
_CONCRETE = re.compile(r"\d|(?<=[\w,;)] )[^\W\d_a-zß-öø-ÿа-яё]\w*[a-zß-öø-ÿа-яё]")
#: The sign of an item stands at the beginning of its sentence: "Option B is cheaper."
_SIGN_CHARACTERS = 40
#: The key of a sentence with a sign that the user chooses by. No word has it.
_CHOSEN = "\x00chosen"


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What the user says around an answer."""

    #: The keys of the words of the messages before it.
    before: frozenset[str] = frozenset()
    #: The next message; empty if there is none.
    reply: str = ""
    #: The keys of the words of the next message, and of those after it.
    after: frozenset[str] = frozenset()


class Worth:
    """What each sentence of an answer is worth."""

    def __init__(self, texts: Mapping[Unit, str], around: Around, language: str | None) -> None:
        """Weigh the sentences.

        Args:
            texts: the text of each sentence.
            around: what the user says around the answer.
            language: of the answer.
        """
        self._texts = texts
        self._around = around
        self._language = language
        self._weights = self._weigh()
        self._concrete = {unit for unit, text in texts.items() if self._is_concrete(text)}

    def is_taken_up(self, unit: Unit) -> bool:
        """Return whether the user says a word of a sentence for the first time after the answer."""
        return not self._around.before.issuperset(self._weights[unit])

    def words_of(self, unit: Unit) -> Collection[str]:
        """Return the words of a sentence that the user says too."""
        return self._weights[unit]

    def score(self, unit: Unit, covered: Collection[str]) -> float:
        """Return what a sentence is worth beside sentences that have the words `covered`."""
        shared = self._weights[unit]
        score = _CONCRETE_WEIGHT if unit in self._concrete else 0.0
        if shared:
            score += sum(weight * (_REPEATED_WEIGHT if key in covered else 1) for key, weight in shared.items())
        if unit.kind is Kind.HEADING:
            score *= _HEADING_WEIGHT
        return _LENGTH_WEIGHT * score / math.sqrt(_SHORT_CHARACTERS + unit.end - unit.start)

    def _weigh(self) -> dict[Unit, dict[str, float]]:
        """Return for each sentence the words that it shares with the user's, and their weights."""
        signs = addressing.find_signs(self._around.reply)
        keys: dict[Unit, Collection[str]] = {}
        for unit, text in self._texts.items():
            is_chosen = bool(signs) and not signs.isdisjoint(addressing.find_signs(text[:_SIGN_CHARACTERS]))
            keys[unit] = words.find_keys(text, self._language).union((_CHOSEN,) if is_chosen else ())
        frequency = Counter(key for unit in keys for key in keys[unit])
        said = self._around.before | self._around.after | {_CHOSEN}
        weight = {key: self._weight(key, count) for key, count in frequency.items() if key in said}
        shared = {unit: {key: weight[key] for key in keys[unit] if key in weight} for unit in keys}
        for unit, weights in shared.items():
            if weights and addressing.addresses_other(self._texts[unit], self._language):
                shared[unit] = {key: _ADDRESS_WEIGHT * each for key, each in weights.items()}
        return shared

    def _weight(self, key: str, frequency: int) -> float:
        weight = math.log(1 + len(self._texts) / frequency)
        if key not in self._around.before:
            weight *= _TAKEN_UP_WEIGHT
        return weight * _NUMBER_WEIGHT if words.is_number(key) else weight

    def _is_concrete(self, text: str) -> bool:
        """Return whether a sentence tells the user a number or a name: "Your train leaves at 9:14"."""
        return _CONCRETE.search(text) is not None and addressing.addresses_other(text, self._language)
