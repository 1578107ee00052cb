"""When a clause holds: before, now, or only planned."""

from __future__ import annotations

import re

from afterturn.extraction.offline import verbs

_USED_TO = re.compile(r"\b(?P<who>I|[Ww]e) (?:\w+ly )?used to (?=\w)")
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
    """Whether `clause` says that something holds no more: "used to", "no longer", "not ... anymore"."""
    return any(pattern.search(clause) for pattern in (_USED_TO, _NO_LONGER, _ANY_MORE))


def without_former(clause: str) -> str:
    """Return what held before: "I used to live in Rome" -> "I live in Rome"."""
    if _USED_TO.search(clause):
        return _USED_TO.sub(r"\g<who> ", clause)
    if found := _NO_LONGER.search(clause):
        return clause[: found.start()] + found.group().replace("no longer ", "") + clause[found.end() :]
    if found := _ANY_MORE.search(clause):
        plain = clause[: found.start("more")] + clause[found.end("more") :]
        return re.sub(r"\b(I|[Ww]e)(?: do not|(?P<be> am| are) not) ", r"\1\g<be> ", plain, count=1)
    return clause


def is_future(clause: str) -> bool:
    """Whether `clause` tells a plan."""
    return _FUTURE.search(clause) is not None


def is_past(clause: str) -> bool:
    """Whether `clause` tells what was."""
    if is_future(clause):
        return False
    subject = _AFTER_SUBJECT.search(clause)
    if subject:
        return verbs.is_past(subject["verb"].lower())
    return any(verbs.is_past(word) for word in clause.lower().split()[:12])


def is_state(clause: str) -> bool:
    """Whether `clause` says how the speaker is or feels, and not what he does."""
    return _STATE.match(clause) is not None
