"""A first-person clause said in the third person: "I love my dog" -> "Ana loves their dog"."""

from __future__ import annotations

import re
from dataclasses import dataclass

from afterturn.extraction.offline import verbs

_TOKEN = re.compile(r"\w+(?:['-]\w+)*|\s+|[^\w\s]")
_COMPANION = re.compile(
    r"^(?:my|our) ((?:[\w-]+ ){0,2}[\w-]+) and I\b|^me and my ((?:[\w-]+ ){0,2}[\w-]+)\b", re.IGNORECASE
)
_NAMED_COMPANION = re.compile(r"^([A-Z][\w-]+) and I\b")
_FIRST_PERSON = frozenset({"i", "me", "my", "mine", "myself", "we", "us", "our", "ours", "ourselves"})
_SECOND_PERSON = frozenset({"you", "your", "yours", "yourself"})
#: Before these, "you" is a subject, and its verb follows.
_SUBJECT_FOLLOWERS = frozenset(
    {
        "are",
        "were",
        "have",
        "do",
        "did",
        "will",
        "would",
        "can",
        "could",
        "should",
        "might",
        "was",
        "had",
        "know",
        "think",
        "feel",
        "make",
        "help",
        "love",
        "like",
    }
)


@dataclass(slots=True)
class _Teller:
    """What has been said so far of a clause: who it is about decides how the next pronoun reads."""

    speaker: str
    addressee: str | None
    tokens: list[str]
    #: The name stands in the text already, so that "they" and "their" have something to refer to.
    named: bool = False
    #: The named subject is singular and its verb was in the present: verbs after "and" follow it.
    conjugating: bool = False
    infinitive: bool = False

    def tell(self) -> str:
        told: list[str] = []
        position = 0
        while position < len(self.tokens):
            token = self.tokens[position]
            lower = token.lower()
            if token == "I" or (lower != "i" and lower in _FIRST_PERSON):
                self._tell_first_person(lower, position, told)
            elif lower in _SECOND_PERSON:
                self._tell_second_person(lower, position, told)
            else:
                self._follow(lower, position)
                told.append(self.tokens[position])
            position += 1
        return "".join(told)

    def _tell_first_person(self, lower: str, position: int, told: list[str]) -> None:
        if lower == "i":
            self._tell_subject(position, told)
        elif lower == "we":
            told.append("they" if self.named else f"{self.speaker} and others")
            self.named, self.conjugating = True, False
        elif lower in ("my", "our"):
            told.append("their" if self.named else possessive(self.speaker))
            self.named = True
        elif lower in ("me", "us"):
            told.append("them" if self.named else self.speaker)
            self.named = True
        elif lower in ("mine", "ours"):
            told.append("theirs" if self.named else possessive(self.speaker))
            self.named = True
        else:
            told.append("themselves" if self.named else self.speaker)

    def _tell_subject(self, position: int, told: list[str]) -> None:
        verb_at = self._verb_after(position)
        first = not self.named
        told.append(self.speaker if first else "they")
        self.named = True
        if verb_at is None:
            return
        verb = self.tokens[verb_at].lower()
        self.tokens[verb_at] = verbs.third_person(verb) if first else verbs.plural(verb)
        self.infinitive = False
        self.conjugating = first and not verbs.is_past(verb) and verb not in verbs.MODALS and verb != "do"

    def _tell_second_person(self, lower: str, position: int, told: list[str]) -> None:
        name = self.addressee or "you"
        if lower == "you":
            told.append(name)
            verb_at = self._verb_after(position)
            if verb_at is not None and self.tokens[verb_at].lower() in _SUBJECT_FOLLOWERS:
                self.tokens[verb_at] = verbs.third_person(self.tokens[verb_at].lower())
        elif lower == "yourself":
            told.append("themselves" if self.addressee else lower)
        else:
            told.append(possessive(name))

    def _verb_after(self, position: int) -> int | None:
        """Index of the verb that belongs to the subject at `position`, adverbs skipped."""
        at = position + 2
        while at < len(self.tokens) and verbs.is_adverb(self.tokens[at].lower()):
            at += 2
        if at >= len(self.tokens) or not self.tokens[at][0].isalpha():
            return None
        return at

    def _follow(self, lower: str, position: int) -> None:
        """Conjugate the verb that continues the predicate: "lives in Lisbon and work" -> "works"."""
        if not self.conjugating:
            return
        if lower == "to":
            self.infinitive = self.infinitive or self._before_infinitive(position)
            return
        if lower in ("because", "that", "who", "which", "when", "while", "since", "if", "where", ";", ":"):
            self.conjugating = False
            return
        if lower not in ("and", "but", "or", ","):
            return
        at = self._verb_after(position)
        if at is None:
            return
        verb = self.tokens[at].lower()
        if self.infinitive:
            continues = verb in verbs.STATIVE and self._like_a_verb(at)
        else:
            continues = verb in verbs.CONTINUING or (verb in verbs.CONTINUING_OR_NOUN and self._like_a_verb(at))
        if continues:
            self.tokens[at] = verbs.third_person(verb)

    def _before_infinitive(self, position: int) -> bool:
        return position + 2 < len(self.tokens) and verbs.is_infinitive(self.tokens[position + 2])

    def _like_a_verb(self, at: int) -> bool:
        return at + 2 < len(self.tokens) and self.tokens[at + 2].lower() in verbs.AFTER_A_VERB


def possessive(name: str) -> str:
    """Return the possessive of a name: `Ana` -> `Ana's`."""
    return f"{name}'s"


def value_told(value: str) -> str:
    """Return a property's value with "their" for "my": it stands beside its subject."""
    return _IN_VALUE.sub(lambda found: _VALUE_WORDS[found.group().lower()], value)


_VALUE_WORDS = {"my": "their", "our": "their", "me": "them", "us": "them", "myself": "themselves", "i": "they"}
_IN_VALUE = re.compile(r"\b(?:my|our|me|us|myself|I)\b", re.IGNORECASE)


def told(clause: str, speaker: str, addressee: str | None = None) -> str:
    """Return `clause` (contractions written out) as said about `speaker`, who is named at the first mention.

    "you" becomes `addressee` where given.
    """
    companion = _COMPANION.match(clause)
    named_companion = _NAMED_COMPANION.match(clause)
    if companion:
        clause = clause[companion.end() :]
        opening = f"{speaker} and their {companion.group(1) or companion.group(2)}"
    elif named_companion:
        clause = clause[named_companion.end() :]
        opening = f"{named_companion.group(1)} and {speaker}"
    else:
        opening = ""
    teller = _Teller(speaker, addressee, _plural_verb(clause, bool(opening)), named=bool(opening))
    return opening + teller.tell()


def _plural_verb(clause: str, plural: bool) -> list[str]:
    tokens = _TOKEN.findall(clause)
    if plural and len(tokens) > 1:
        tokens[1] = verbs.plural(tokens[1].lower()) if tokens[1].lower() in ("am", "was", "is") else tokens[1]
    return tokens
