"""Read the facts of a user that matters are found among, with what they are compared by."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from afterturn.consolidation import similar_facts
from afterturn.consolidation.rules import UserNames
from afterturn.consolidation.similarity import Scores
from afterturn.database import queries
from afterturn.database.pool import Connection
from afterturn.embedding import items
from afterturn.languages import stemming
from afterturn.scopes import UserScope
from afterturn.sleep.matters import Features, MatterFact
from afterturn.sleep.tidying import EndedFact
from afterturn.threads import thread

_SQL = queries.load("threads")

#: The codes of stems, each once.
Stems: TypeAlias = NDArray[np.uint32]

#: The facts that are compared: those that were last said. All pairs of this many take 100 MB of memory.
_FACTS_READ = 2_000
#: Reasons for which a superseded fact is left out: another fact contains what it says.
_CONTAINED = ("merged", "refined", "united")


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedFacts:
    """Facts and what they are compared by, in the order of time."""

    facts: Sequence[MatterFact]
    features: Features


def read_matter_facts(
    connection: Connection, scope: UserScope, names: UserNames, ended: Sequence[EndedFact]
) -> ComparedFacts:
    """Return the facts that matters are found among, as they are after tidying.

    Args:
        connection: to read with.
        scope: whose facts.
        names: the names of the user.
        ended: the facts that tidying ends.
    """
    left_out = (*thread.WRONG, *_CONTAINED)
    criteria = {"left_out": list(left_out), "limit": _FACTS_READ}
    rows = connection.execute(_SQL["matter_facts"], scope.key | criteria).fetchall()
    endings = {fact.fact_id: fact for fact in ended}
    kept = [row for row in rows if row["fact_id"] not in endings or endings[row["fact_id"]].reason not in left_out]
    kept.sort(key=lambda row: (row["since"], row["fact_id"]))
    facts = [_make_fact(row, endings.get(row["fact_id"])) for row in kept]
    stems = [_parse_stems(row["stems"]) for row in kept]
    return ComparedFacts(facts=facts, features=_read_features(connection, scope, facts, stems, names))


def _make_fact(row: Mapping[str, Any], ended: EndedFact | None) -> MatterFact:
    fact = MatterFact(**{name: value for name, value in row.items() if name != "stems"})
    return fact if ended is None else replace(fact, is_current=False, superseded_by=ended.superseded_by)


def _read_features(
    connection: Connection, scope: UserScope, facts: Sequence[MatterFact], stems: Sequence[Stems], names: UserNames
) -> Features:
    wanted = [items.fact_name(fact.fact_id) for fact in facts]
    rows = connection.execute(_SQL["matter_vectors"], scope.key | {"items": wanted}, binary=True).fetchall()
    sent: dict[str, bytes] = {row["item"]: row["embedding"] for row in rows}
    return Features(
        stems=stems,
        vectors=_parse_vectors([sent.get(name) for name in wanted]) if sent else None,
        has_vector=np.array([name in sent for name in wanted], dtype=np.bool_),
        ignored=_read_name_stems(connection, facts, names),
    )


def _read_name_stems(connection: Connection, facts: Sequence[MatterFact], names: UserNames) -> Stems:
    """Return the stems of the user's names, and of the subject of most facts: the user, while no name is known."""
    subjects = Counter(fact.subject for fact in facts if fact.subject)
    frequent = [subject for subject, count in subjects.most_common(1) if 2 * count > len(facts)]
    text = " ".join(sorted({*names.names, *frequent}))
    configurations = sorted({stemming.fact_input(fact.text).configuration for fact in facts} | {"simple"})
    given = {"text": text, "configurations": configurations}
    rows = connection.execute(_SQL["name_stems"], given, binary=True).fetchall()
    return _parse_stems(b"".join(row["stems"] for row in rows))


def _parse_stems(codes: bytes | None) -> Stems:
    return np.unique(np.frombuffer(codes or b"", dtype=">u4")).astype(np.uint32)


def _parse_vectors(sent: Sequence[bytes | None]) -> Scores:
    """Return vectors as the server's halfvec_send writes them; zeros for facts without one."""
    length = max(len(embedding) for embedding in sent if embedding is not None)
    return similar_facts.parse_vectors(b"".join(embedding or bytes(length) for embedding in sent), len(sent))
