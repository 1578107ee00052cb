"""Split a sentence into clauses that are complete statements, and recognise clauses about the speaker."""

from __future__ import annotations

import re

_FIRST_PERSON = re.compile(r"\b(?:I|[Mm]y|[Mm]e|[Mm]ine|myself)\b")
_WE = re.compile(r"\b(?:[Ww]e|[Oo]ur|us)\b")
_ALL_OF_US = re.compile(
    r"\b[Ww]e (?:all|can|should|could|must|need|have to|will|want|cannot|live in a)\b|\b[Ll]et us\b"
)
_OURS = re.compile(r"^(?:[Oo]ur|[Ww]e) \w+|, we \w+|^[A-Z]\w+ \w+ (?:\w+ )?we \w+")
_SECOND_PERSON = re.compile(r"\b(?:you|your|yours|yourself)\b", re.IGNORECASE)
#: The start of a clause whose subject is in another sentence.
_DANGLING_SUBJECT = re.compile(
    r"^(?!it (?:is|was|has been) (?:\w+ ){1,3}(?:for|to) me to\b)"
    r"(?:(?:it|this|that|these|those|they|he|she|there|him|her|his|their|its|such|one of (?:them"
    r"|those))\b|here is\b)",
    re.IGNORECASE,
)
_ELIDED = re.compile(
    r"^(?P<adverb>(?:(?:just|recently|also|finally|still|really|already|currently) )*)"
    r"(?P<verb>got|went|had|took|started|finished|bought|saw|met|moved|joined|made|came|spent|found"
    r"|adopted|signed|tried"
    r"|passed|been(?= (?:\w+ly )?(?:busy|to|\w+ing)\b)|going|working|planning|thinking|looking forward"
    r"|trying|hoping|living|studying|love|loved|hate|enjoyed"
    r"|want|need|visited|ran|won|lost)\b(?![^,.;]{0,60} (?:is|are|was|has|helps|makes|gives|keeps)\b)",
    re.IGNORECASE,
)
_JOINT = re.compile(
    r"(?:[,;]? (?:and|but|so) |; |, )(?=(?:I|we) \w"
    r"|[Mm]y (?!\w+ and I\b)(?:[\w'-]+ ){1,4}(?:is|are|was|were|ha[sd]|have|works|lives|loves|likes|plays|studies)\b)"
)
_SAME_SUBJECT = re.compile(
    r",? and (?=(?:live|work|study|am|have|speak|own|was born|grew up) (?:an?|in|at|for|as|with|from|two"
    r"|my|on|\d|the|[A-Z]))"
)
_SUBORDINATE = re.compile(
    r"^(?:especially |ever |even |just |right |only )?(?:when|while|because|since|after|before|as"
    r"|although|though|once|until"
    r"|whenever)\b",
    re.IGNORECASE,
)
#: The end of a part that needs the following clause: "I think".
_INCOMPLETE = re.compile(
    r"\b(?:that|because|when|while|which|who|what|how|where|whether|as|since|after|before|think|believe"
    r"|feel|hope|know|said|says)$",
    re.IGNORECASE,
)
_BIRTHDAY = re.compile(
    r"^(?:it is my birthday (?P<at_end>today|tomorrow)|(?P<at_start>today|tomorrow) is my birthday)", re.IGNORECASE
)
_INTRODUCTION = re.compile(r"^I am (?P<name>[^\W\d_a-z][\w'-]*(?: [^\W\d_a-z][\w'-]*)?),? (?:and I am )?(?=from\b)")


def split_clauses(sentence: str) -> list[str]:
    """Return the clauses of a statement, each with its own subject. Dependent clauses are not split off."""
    sentence = _BIRTHDAY.sub(lambda match: f"My birthday is {match['at_end'] or match['at_start']}", sentence)
    sentence = _INTRODUCTION.sub(r"My name is \g<name>, and I am ", _with_subject(sentence))
    if _SUBORDINATE.match(sentence):
        return [sentence]
    parts: list[str] = []
    start = 0
    for joint in _JOINT.finditer(sentence):
        before, after = sentence[start : joint.start()], sentence[joint.end() :]
        if min(before.count(" "), after.count(" ")) < 2 or _INCOMPLETE.search(before) or not _has_speaker(before):
            continue
        parts.append(before)
        start = joint.end()
    return [clause for part in (*parts, sentence[start:]) for clause in _split_predicates(part)]


def is_about_speaker(clause: str, *, has_addressee: bool) -> bool:
    """Return whether a clause states something about its speaker and can be understood alone.

    Args:
        clause: of a statement.
        has_addressee: whether it is known who "you" is.
    """
    if _DANGLING_SUBJECT.match(clause) or (not has_addressee and _SECOND_PERSON.search(clause)):
        return False
    if _FIRST_PERSON.search(clause):
        return True
    return _OURS.search(clause) is not None and not _ALL_OF_US.search(clause)


def _has_speaker(clause: str) -> bool:
    return _FIRST_PERSON.search(clause) is not None or _WE.search(clause) is not None


def _split_predicates(clause: str) -> list[str]:
    """Split "I am a nurse and live in Lisbon" and repeat the subject."""
    if not clause.startswith("I "):
        return [clause]
    return [part if part.startswith("I ") else f"I {part}" for part in _SAME_SUBJECT.split(clause)]


def _with_subject(sentence: str) -> str:
    """Add the "I" that casual speech omits: "Just got back" -> "I just got back"."""
    elided = _ELIDED.match(sentence)
    if not elided:
        return sentence
    verb = elided["verb"].lower()
    auxiliary = "have " if verb == "been" else "am " if verb.endswith("ing") or verb == "looking forward" else ""
    return f"I {auxiliary}{elided['adverb'].lower()}{verb}{sentence[elided.end() :]}"
