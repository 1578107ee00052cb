"""Statements taken back within the batch: "no, I meant Berlin, not Munich", "just kidding"."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from afterturn.extraction.offline import contractions
from afterturn.extraction.offline.speech import Utterance
from afterturn.extraction.offline.statements import Statement

_MEANT = re.compile(
    r"^(?:(?:no|sorry|oops|wait|actually|correction|ah|oh|hmm)[,.:!]* ?){0,3}(?:I (?:meant"
    r"|mean)(?: to say)?|make that),? "
    r"(?:(?P<not_first>not )(?P<old_first>[\w' -]{1,40}?),? but )?(?P<new>[\w' -]{1,40}?)(?:,? (?:not"
    r"|rather than|instead of) (?P<old>[\w' -]{1,40}?))?[.!]*$",
    re.IGNORECASE,
)
_TAKEN_BACK = re.compile(
    r"^(?:(?:no|haha|lol|sorry|oops)[,.:!]* ?){0,2}(?:I (?:am|was) )?(?:just |only )?(?:kidding|joking"
    r"|scratch that|that was a joke"
    r"|that was a lie)(?: about that)?[.!]*$",
    re.IGNORECASE,
)

_MAYBE = re.compile(r"\b(?:mean|meant|make that|kidding|joking|scratch|joke|lie)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """What is said in place of what; without `new`, the last statement is taken back."""

    new: str | None
    old: str | None


def find(sentence: str) -> Correction | None:
    """Return the correction that `sentence` makes, or None."""
    if len(sentence) > 120 or not _MAYBE.search(sentence):
        return None
    written = contractions.written_out(sentence)
    if _TAKEN_BACK.match(written):
        return Correction(new=None, old=None)
    match = _MEANT.match(written)
    return Correction(new=match["new"], old=match["old"] or match["old_first"]) if match else None


def apply(correction: Correction, said: list[Statement], sentence: str, utterance: Utterance) -> None:
    """Change `said`, the statements so far, as the speaker's correction asks; without a match it changes nothing."""
    for index in range(len(said) - 1, -1, -1):
        statement = said[index]
        if statement.speaker != utterance.speaker:
            continue
        if correction.new is None:
            del said[index]
            return
        corrected = _corrected(statement, correction)
        if corrected:
            said[index] = replace(corrected, quotes=(*statement.quotes, (utterance.turn, sentence)))
            return
        if not correction.old:
            return


def _corrected(statement: Statement, correction: Correction) -> Statement | None:
    old = correction.old or statement.about.value
    if not old or not correction.new:
        return None
    wanted = re.compile(rf"\b{re.escape(old)}\b", re.IGNORECASE)
    if not wanted.search(statement.text):
        return None
    new = correction.new
    value = statement.about.value and wanted.sub(lambda _: new, statement.about.value)
    return replace(
        statement,
        text=wanted.sub(lambda _: new, statement.text),
        about=replace(statement.about, value=value),
        telling=(*statement.telling, *new.lower().split()),
    )
