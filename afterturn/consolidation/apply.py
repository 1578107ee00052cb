"""Apply a batch: write its decisions, evidence and episode to the user's memory, in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from pydantic_core import to_json

from afterturn import lives
from afterturn.batches.batch_row import Batch
from afterturn.consolidation import contradictions, fading, merging, user_names, user_timezone
from afterturn.consolidation.decisions import Decision, EndReason
from afterturn.database import queries
from afterturn.database.pool import Connection
from afterturn.embedding import items
from afterturn.errors import VersionConflict
from afterturn.extraction import candidate_rows
from afterturn.extraction.offline.extractor import OfflineExtractor
from afterturn.extraction.verified_answer import Episode, VerifiedAnswer
from afterturn.languages import stemming
from afterturn.scopes import UserScope

_SQL = queries.load("facts")


def lock_user(connection: Connection, batch: Batch, version: int) -> None:
    """Lock the user's row and increment its version. Raises VersionConflict if the memory changed since it was read."""
    if connection.execute(_SQL["bump_version"], batch.key | {"version": version}).fetchone() is None:
        raise VersionConflict()


def apply_decisions(
    connection: Connection, batch: Batch, answer: VerifiedAnswer, decisions: Sequence[Decision]
) -> None:
    """Write the decisions, the episode and the rejections, in the caller's transaction."""
    _add_facts(connection, batch, answer, [decision for decision in decisions if decision.repeats is None])
    ended = [row for decision in decisions for row in _ended_rows(batch, decision)]
    repeated = [_repeat_row(batch, answer, decision) for decision in decisions if decision.repeats is not None]
    with connection.cursor() as cursor:
        for query, rows in (("supersede", ended), ("repeat", repeated)):
            if rows:
                cursor.executemany(_SQL[query], rows)
    _add_evidence(connection, batch, decisions)
    for decision in decisions:
        _merge_facts(connection, batch.session.user, decision)
    for decision in decisions:
        _relate_contradictions(connection, batch.session.user, decision)
    if answer.episode is not None:
        connection.execute(_SQL["add_episode"], _episode_row(batch, answer.episode))
    candidate_rows.add_rejections(connection, batch, answer)
    stated_attributes = {decision.candidate.content.attribute for decision in decisions}
    if "name" in stated_attributes:
        user_names.update_display_name(connection, batch.key)
    if user_timezone.ATTRIBUTE in stated_attributes:
        user_timezone.update_timezone(connection, batch.key)
    fading.update_lives(connection, batch.session.user, [row["fact_id"] for row in repeated])
    repeats = [decision.candidate.fact_id for decision in decisions if decision.repeats]
    items.delete_fact_vectors(connection, batch.session.user, repeats)


def _merge_facts(connection: Connection, user: UserScope, decision: Decision) -> None:
    """Give the evidence of the facts that a decision merges to the facts that contain them."""
    for ending in decision.ends:
        if ending.because is EndReason.MERGED:
            merging.merge_fact(connection, user, ending.fact_id, into=decision.fact_id)
        elif ending.because is EndReason.REFINED:
            merging.refine_fact(connection, user, ending.fact_id, by=decision.fact_id)
    if decision.united is not None:
        merging.unite_facts(connection, user, decision.united, new_id=decision.candidate.fact_id)


def _relate_contradictions(connection: Connection, user: UserScope, decision: Decision) -> None:
    """Link the fact with those that it contradicts, and settle what it says again."""
    candidate = decision.candidate
    fact_id = decision.fact_id if decision.united is None else decision.united.fact_id
    contradictions.link_facts(connection, user, fact_id, decision.contradicts)
    is_fused = any(
        ending.because in (EndReason.MERGED, EndReason.REFINED, EndReason.UNITED) for ending in decision.ends
    )
    # What an assistant repeats is no clear word.
    if candidate.said_by != "assistant" and (decision.repeats is not None or is_fused):
        contradictions.settle_by_mention(connection, user, fact_id, candidate.said_at)


def _add_facts(connection: Connection, batch: Batch, answer: VerifiedAnswer, new: Sequence[Decision]) -> None:
    if not new:
        return
    facts = to_json([_fact_row(decision) for decision in new]).decode()
    connection.execute(
        _SQL["add_facts"],
        batch.key
        | {
            "session_id": batch.session.session_id,
            "is_pinned": bool(answer.pinned),
            "is_by_rules": batch.model == OfflineExtractor.model,
            "facts": facts,
        },
    )


def _fact_row(decision: Decision) -> dict[str, Any]:
    candidate = decision.candidate
    content = candidate.content
    stem_input = stemming.fact_input(content.text)
    return {
        "fact_id": candidate.fact_id,
        "text": content.text,
        "category": content.category,
        "topics": content.topics,
        "subject": content.subject,
        "attribute": content.attribute,
        "value": content.value,
        "importance": content.importance,
        "superseded_by": decision.superseded_by,
        "ended_because": decision.ended_because,
        "origin": candidate.origin,
        "said_by": candidate.said_by,
        "valid_from": content.valid_from or decision.valid_from,
        "valid_to": content.valid_to or decision.valid_to,
        "said_valid_to": content.valid_to,
        "said_at": candidate.said_at,
        **fading.life_columns(candidate),
        "words": stem_input.words,
        "configuration": stem_input.configuration,
        "pieces": stem_input.pieces.hex(),
    }


def _ended_rows(batch: Batch, decision: Decision) -> list[dict[str, Any]]:
    content = decision.candidate.content
    since = lives.holds_since(content.life, content.valid_from, decision.candidate.said_at)
    return [
        batch.key
        | {
            "fact_id": ending.fact_id,
            "superseded_by": decision.fact_id,
            "because": ending.because,
            "valid_to": since,
        }
        for ending in decision.ends
        if ending.because is not EndReason.UNITED
    ]


def _repeat_row(batch: Batch, answer: VerifiedAnswer, decision: Decision) -> dict[str, Any]:
    candidate = decision.candidate
    return batch.key | {
        "fact_id": decision.repeats,
        "said_at": candidate.said_at,
        "origin": candidate.origin,
        "said_by": candidate.said_by,
        "is_pinned": bool(answer.pinned),
        "is_by_rules": batch.model == OfflineExtractor.model,
    }


def _add_evidence(connection: Connection, batch: Batch, decisions: Sequence[Decision]) -> None:
    evidence = [
        (decision.fact_id, position, quote) for decision in decisions for position, quote in decision.candidate.evidence
    ]
    if not evidence:
        return
    fact_ids, positions, quotes = (list(column) for column in zip(*evidence, strict=True))
    columns = {"fact_ids": fact_ids, "positions": positions, "quotes": quotes}
    connection.execute(_SQL["add_evidence"], batch.key | {"session_id": batch.session.session_id} | columns)


def _episode_row(batch: Batch, episode: Episode) -> dict[str, Any]:
    return batch.key | {
        "session_id": batch.session.session_id,
        "user_seq": batch.user_seq,
        "title": episode.title,
        "summary": episode.summary,
        "outcome": episode.outcome,
        "participants": list(episode.participants),
        "started_at": episode.started_at,
        "ended_at": episode.ended_at,
        **asdict(stemming.episode_input(episode.title, episode.summary)),
    }
