"""Rewrite a clause from the first to the third person: "I love my dog" -> "Ana loves their dog"."""

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
#: Before one of these verbs, "you" is the subject.
_VERBS_AFTER_YOU = frozenset(
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
class _Rewriter:
    """Rewrites the tokens of a clause in order. What came before decides how the next pronoun is rewritten."""

    speaker: str
    addressee: str | None
    tokens: list[str]
    #: Whether the text already contains the name, to which "they" and "their" can refer.
    is_named: bool = False
    #: Whether the subject is the name and its verb is in the present. Then verbs after "and" are conjugated too.
    is_conjugating: bool = False
    #: Whether an infinitive follows the verb: "wants to".
    has_infinitive: bool = False

    def rewrite(self) -> str:
        """Return the clause in the third person."""
        output: list[str] = []
        position = 0
        while position < len(self.tokens):
            token = self.tokens[position]
            lower = token.lower()
            if token == "I" or (lower != "i" and lower in _FIRST_PERSON):
                self._rewrite_first_person(lower, position, output)
            elif lower in _SECOND_PERSON:
                self._rewrite_second_person(lower, position, output)
            else:
                self._conjugate_following_verb(lower, position)
                output.append(self.tokens[position])
            position += 1
        return "".join(output)

    def _rewrite_first_person(self, lower: str, position: int, output: list[str]) -> None:
        if lower == "i":
            self._rewrite_subject(position, output)
        elif lower == "we":
            output.append("they" if self.is_named else f"{self.speaker} and others")
            self.is_named, self.is_conjugating = True, False
        elif lower in ("my", "our"):
            output.append("their" if self.is_named else possessive(self.speaker))
            self.is_named = True
        elif lower in ("me", "us"):
            output.append("them" if self.is_named else self.speaker)
            self.is_named = True
        elif lower in ("mine", "ours"):
            output.append("theirs" if self.is_named else possessive(self.speaker))
            self.is_named = True
        else:
            output.append("themselves" if self.is_named else self.speaker)

    def _rewrite_subject(self, position: int, output: list[str]) -> None:
        verb_at = self._verb_after(position)
        is_first_mention = not self.is_named
        output.append(self.speaker if is_first_mention else "they")
        self.is_named = True
        if verb_at is None:
            return
        verb = self.tokens[verb_at].lower()
        self.tokens[verb_at] = verbs.third_person_form(verb) if is_first_mention else verbs.plural_form(verb)
        self.has_infinitive = False
        is_present = not verbs.is_past(verb) and verb not in verbs.MODALS and verb != "do"
        self.is_conjugating = is_first_mention and is_present

    def _rewrite_second_person(self, lower: str, position: int, output: list[str]) -> None:
        name = self.addressee or "you"
        if lower == "you":
            output.append(name)
            verb_at = self._verb_after(position)
            if verb_at is not None and self.tokens[verb_at].lower() in _VERBS_AFTER_YOU:
                self.tokens[verb_at] = verbs.third_person_form(self.tokens[verb_at].lower())
        elif lower == "yourself":
            output.append("themselves" if self.addressee else lower)
        else:
            output.append(possessive(name))

    def _verb_after(self, position: int) -> int | None:
        """Return the index of the verb of the subject at `position`, after any adverbs; None if there is none."""
        at = position + 2
        while at < len(self.tokens) and verbs.is_adverb(self.tokens[at].lower()):
            at += 2
        if at >= len(self.tokens) or not self.tokens[at][0].isalpha():
            return None
        return at

    def _conjugate_following_verb(self, lower: str, position: int) -> None:
        """Conjugate a further verb of the predicate: "lives in Lisbon and work" -> "works"."""
        if not self.is_conjugating:
            return
        if lower == "to":
            self.has_infinitive = self.has_infinitive or self._is_before_infinitive(position)
            return
        if lower in ("because", "that", "who", "which", "when", "while", "since", "if", "where", ";", ":"):
            self.is_conjugating = False
            return
        if lower not in ("and", "but", "or", ","):
            return
        at = self._verb_after(position)
        if at is None:
            return
        verb = self.tokens[at].lower()
        if self.has_infinitive:
            is_further_verb = verb in verbs.STATIVE and self._is_used_as_verb(at)
        else:
            is_further_verb = verb in verbs.CONTINUING or (
                verb in verbs.CONTINUING_OR_NOUN and self._is_used_as_verb(at)
            )
        if is_further_verb:
            self.tokens[at] = verbs.third_person_form(verb)

    def _is_before_infinitive(self, position: int) -> bool:
        return position + 2 < len(self.tokens) and verbs.is_infinitive(self.tokens[position + 2])

    def _is_used_as_verb(self, at: int) -> bool:
        return at + 2 < len(self.tokens) and self.tokens[at + 2].lower() in verbs.AFTER_A_VERB


def possessive(name: str) -> str:
    """Return the possessive form of a name: `Ana` -> `Ana's`."""
    return f"{name}'s"


def value_to_third_person(value: str) -> str:
    """Return the value of a property with "their" in place of "my"."""
    return _FIRST_PERSON_WORD.sub(lambda match: _THIRD_PERSON_WORDS[match.group().lower()], value)


_THIRD_PERSON_WORDS = {"my": "their", "our": "their", "me": "them", "us": "them", "myself": "themselves", "i": "they"}
_FIRST_PERSON_WORD = re.compile(r"\b(?:my|our|me|us|myself|I)\b", re.IGNORECASE)


def to_third_person(clause: str, speaker: str, addressee: str | None = None) -> str:
    """Return a clause in the third person.

    Args:
        clause: in the first person, with expanded contractions.
        speaker: the name that replaces the first "I".
        addressee: the name that replaces "you"; None: "you" stays.
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
    rewriter = _Rewriter(speaker, addressee, _tokens(clause, is_plural=bool(opening)), is_named=bool(opening))
    return opening + rewriter.rewrite()


def _tokens(clause: str, *, is_plural: bool) -> list[str]:
    """Return the tokens of a clause, with the verb in the plural if the subject is several people."""
    tokens = _TOKEN.findall(clause)
    if is_plural and len(tokens) > 1:
        tokens[1] = verbs.plural_form(tokens[1].lower()) if tokens[1].lower() in ("am", "was", "is") else tokens[1]
    return tokens
