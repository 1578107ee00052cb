"""Draft the episode of a batch from its best facts."""

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


def draft_episode(facts: Sequence[Candidate], utterances: Sequence[Utterance]) -> EpisodeDraft | None:
    """Return the episode of a batch with these facts and utterances; None for a batch without facts."""
    if not facts:
        return None
    return EpisodeDraft(
        title=_title(facts, utterances),
        summary=_summary(facts),
        outcome=_outcome(utterances),
        participants=tuple(dict.fromkeys(utterance.speaker for utterance in utterances)),
    )


def _title(facts: Sequence[Candidate], utterances: Sequence[Utterance]) -> str:
    speakers = list(dict.fromkeys(utterance.speaker for utterance in utterances))[:2]
    names = " and ".join(speakers)
    remaining_words = max(1, _TITLE_WORDS - len(names.split()))
    title_topics = topics.frequent_topics([fact.text for fact in facts], speakers, min(4, remaining_words))
    title = f"{names}: {', '.join(title_topics)}" if title_topics else names
    return " ".join(title.split()[:_TITLE_WORDS])


def _summary(facts: Sequence[Candidate]) -> str:
    most_important = sorted(range(len(facts)), key=lambda index: -facts[index].importance)[:_SUMMARY_FACTS]
    texts = [facts[index].text for index in sorted(most_important)]
    while len(texts) > 1 and len(" ".join(texts)) > _SUMMARY_CHARACTERS:
        texts.pop()
    return " ".join(texts)


def _outcome(utterances: Sequence[Utterance]) -> Literal["resolved", "abandoned", "none"]:
    last_words = utterances[-1].text[-500:].strip() if utterances else ""
    if _ABANDONED.search(last_words):
        return "abandoned"
    return "resolved" if _RESOLVED.search(last_words) else "none"
