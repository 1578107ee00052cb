"""What Postgres needs to stem the texts that a worker stores: each in the language that is detected."""

from __future__ import annotations

from afterturn.languages import detection, texts
from afterturn.languages.texts import StemInput


def turn_input(name: str | None, content: str) -> StemInput:
    """Return what Postgres needs to stem a turn: the speaker's name, and the content in its language."""
    return texts.stem_input(f"{name or ''} {content}", detection.detect(content))


def fact_input(text: str) -> StemInput:
    """Return what Postgres needs to stem a fact."""
    return texts.stem_input(text, detection.detect(text))


def episode_input(title: str, summary: str) -> StemInput:
    """Return what Postgres needs to stem an episode."""
    return texts.stem_input(f"{title} {summary}", detection.detect(summary))
