"""The time of a clause: former, past, present or planned."""

from __future__ import annotations

import re

from afterturn.extraction.offline import verbs

_USED_TO = re.compile(r"\b(?P<subject>I|[Ww]e) (?:\w+ly )?used to (?=\w)")
_NO_LONGER = re.compile(r"\b(?:I|[Ww]e)(?: am| have| are)? no longer (?=\w)")
_ANY_MORE = re.compile(r"\b(?:I|[Ww]e)(?: do| am| are)? not (?=\w)[^.!]*?\b(?P<more>,? ?(?:any ?more|any longer))\b")
_FUTURE = re.compile(
    r"\b(?:am|is|are) (?:\w+ly )?(?:going|flying|travell?ing|heading|moving|visiting|meeting|getting|starting|leaving"
    r"|planning|having|seeing|attending|hosting)\b|\bwill\b|\b(?:plan|plans|planning|hope|want"
    r"|intend) to\b|\bplanning on\b|\bthinking (?:of|about) \w+ing\b"
    r"|\bwould (?:like|love) to\b|\bhave an? \w+ (?:\w+ ){0,4}(?:on|at|next|tomorrow|in)\b",
    re.IGNORECASE,
)
_AFTER_SUBJECT = re.compile(
    r"\b(?:I|[Ww]e) (?:(?:\w+ly|just|also|never|already|finally|once|even|still) ){0,3}(?P<verb>\w+)"
)
_STATE = re.compile(r"^(?:I|[Ww]e) (?:\w+ly )?(?:am|feel|felt|was|are|were|have been|had)\b(?! \w+ing\b)")


def is_former(clause: str) -> bool:
    """Return whether a clause says that something is no longer true: "used to", "no longer", "not ... anymore"."""
    return any(pattern.search(clause) for pattern in (_USED_TO, _NO_LONGER, _ANY_MORE))


def without_former(clause: str) -> str:
    """Return what was true before: "I used to live in Rome" -> "I live in Rome"."""
    if _USED_TO.search(clause):
        return _USED_TO.sub(r"\g<subject> ", clause)
    if match := _NO_LONGER.search(clause):
        return clause[: match.start()] + match.group().replace("no longer ", "") + clause[match.end() :]
    if match := _ANY_MORE.search(clause):
        plain = clause[: match.start("more")] + clause[match.end("more") :]
        return re.sub(r"\b(I|[Ww]e)(?: do not|(?P<be> am| are) not) ", r"\1\g<be> ", plain, count=1)
    return clause


def is_future(clause: str) -> bool:
    """Return whether a clause states a plan."""
    return _FUTURE.search(clause) is not None


def is_past(clause: str) -> bool:
    """Return whether a clause is in the past tense."""
    if is_future(clause):
        return False
    subject = _AFTER_SUBJECT.search(clause)
    if subject:
        return verbs.is_past(subject["verb"].lower())
    return any(verbs.is_past(word) for word in clause.lower().split()[:12])


def is_state(clause: str) -> bool:
    """Return whether a clause describes a state or a feeling of the speaker, not an action."""
    return _STATE.match(clause) is not None
