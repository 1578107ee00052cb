"""The episode of a batch, made of its best statements."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from afterturn.candidate import Candidate, EpisodeDraft
from afterturn.extraction.offline import topics
from afterturn.extraction.offline.speech import Utterance

_TITLE_WORDS = 10
_SUMMARY_FACTS = 3
_SUMMARY_CHARACTERS = 500
_RESOLVED = re.compile(
    r"\b(?:that|it|this) (?:worked|fixed it|solved it|did the trick)\b"
    r"|\b(?:problem|issue) (?:is )?(?:solved|fixed|resolved)\b|\bworks (?:now|perfectly)\b",
    re.IGNORECASE,
)
_ABANDONED = re.compile(r"^(?:never ?mind|forget (?:it|about it)|i give up)\b", re.IGNORECASE)


def draft(facts: Sequence[Candidate], said: Sequence[Utterance]) -> EpisodeDraft | None:
    """Return the episode of a batch with these facts, in which this was said; None when there is nothing to tell."""
    if not facts:
        return None
    return EpisodeDraft(
        title=_title(facts, said),
        summary=_summary(facts),
        outcome=_outcome(said),
        participants=tuple(dict.fromkeys(utterance.speaker for utterance in said)),
    )


def _title(facts: Sequence[Candidate], said: Sequence[Utterance]) -> str:
    speakers = list(dict.fromkeys(utterance.speaker for utterance in said))[:2]
    who = " and ".join(speakers)
    room = max(1, _TITLE_WORDS - len(who.split()))
    about = topics.frequent([fact.text for fact in facts], speakers, min(4, room))
    title = f"{who}: {', '.join(about)}" if about else who
    return " ".join(title.split()[:_TITLE_WORDS])


def _summary(facts: Sequence[Candidate]) -> str:
    best = sorted(range(len(facts)), key=lambda index: -facts[index].importance)[:_SUMMARY_FACTS]
    chosen = [facts[index].text for index in sorted(best)]
    while len(chosen) > 1 and len(" ".join(chosen)) > _SUMMARY_CHARACTERS:
        chosen.pop()
    return " ".join(chosen)


def _outcome(said: Sequence[Utterance]) -> Literal["resolved", "abandoned", "none"]:
    last = said[-1].text[-500:].strip() if said else ""
    if _ABANDONED.search(last):
        return "abandoned"
    return "resolved" if _RESOLVED.search(last) else "none"
