"""Rewrite the episode of a batch after one of its turns was removed. Rules do it, without an LLM call."""

from __future__ import annotations

from dataclasses import asdict

from afterturn.batches.batch_row import Batch
from afterturn.database import queries
from afterturn.database.pool import Connection
from afterturn.languages import stemming

_SQL = queries.load("removal")

_TITLE_WORDS = 10
_SUMMARY_CHARACTERS = 1_000


def rewrite_episode(connection: Connection, batch: Batch) -> None:
    """Write an applied batch's episode from the facts that remain of it; delete it where none remain."""
    texts = [row["text"] for row in connection.execute(_SQL["texts_of_batch"], batch.key).fetchall()]
    if not texts:
        connection.execute(_SQL["delete_episode"], batch.key)
        return
    kept = texts[:1]
    for text in texts[1:]:
        if len(" ".join([*kept, text])) > _SUMMARY_CHARACTERS:
            break
        kept.append(text)
    span = {"first_position": batch.first_position, "last_position": batch.last_position}
    content = {"title": " ".join(texts[0].split()[:_TITLE_WORDS]), "summary": " ".join(kept)}
    stem_input = asdict(stemming.episode_input(**content))
    connection.execute(_SQL["rewrite_episode"], batch.key | batch.session_key | span | content | stem_input)
