"""Read the texts of turns that are in the cold archive.

A reader of turns first reads the rows of Postgres. A row whose text is in the archive has no content. `place_statement`
finds these rows with their objects, and `read_texts` reads the objects. An object that is missing may have been
restored meanwhile: the caller then reads the rows again.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from afterturn.cold import files
from afterturn.cold.files import Place
from afterturn.cold.object_store import open_store
from afterturn.database import queries
from afterturn.database.statement import Row, Statement
from afterturn.errors import AfterturnError, ColdObjectDamaged, ColdUnavailable
from afterturn.scopes import UserScope

if TYPE_CHECKING:
    from afterturn.database.pool import Connection

logger = logging.getLogger("afterturn.cold")

_SQL = queries.load("cold")

#: Objects that one call reads at the same time.
_AT_ONCE = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class ColdTexts:
    """The texts of turns, and which of them cannot be read now."""

    #: Place -> the turn's content.
    contents: Mapping[Place, str] = field(default_factory=dict)
    #: Place -> why the content is away.
    away: Mapping[Place, AfterturnError] = field(default_factory=dict)

    @property
    def has_damaged(self) -> bool:
        """Whether an object is missing or damaged; it may have been restored while it was read."""
        return any(isinstance(error, ColdObjectDamaged) for error in self.away.values())


def place_statement(user: UserScope, places: Iterable[Place], *, with_removed: bool = False) -> Statement:
    """Return the statement that reads the contents of these turns, or the objects that have them."""
    named = list(places)
    arguments = {"sessions": [session for session, _ in named], "positions": [position for _, position in named]}
    return Statement(_SQL["all_places" if with_removed else "places"], user.key | arguments)


def read_texts(url: str | None, rows: Sequence[Row]) -> ColdTexts:
    """Read the objects that rows of `place_statement` name. It does I/O, and raises nothing that the store causes.

    Args:
        url: AFTERTURN_COLD_URL.
        rows: the rows. Those with a content were restored since.
    """
    contents = {(row["session_id"], row["position"]): row["content"] for row in rows if row["object_id"] is None}
    away: dict[Place, AfterturnError] = {}
    wanted: dict[tuple[str, str], set[Place]] = {}
    renamed: dict[str, Mapping[str, str]] = {}
    for row in rows:
        if row["object_id"] is None:
            continue
        place = (row["session_id"], row["position"])
        if row["key"] is None:
            away[place] = ColdObjectDamaged("the manifest of the cold archive lacks an object")
        else:
            wanted.setdefault((row["key"], row["digest"]), set()).add(place)
            renamed[row["key"]] = row["renamed_sessions"]
    if wanted:
        with ThreadPoolExecutor(max_workers=min(_AT_ONCE, len(wanted))) as threads:
            results = threads.map(lambda named: _read_object(url, named[0], named[1], renamed[named[0]]), wanted)
            for places, found in zip(wanted.values(), results, strict=True):
                if isinstance(found, AfterturnError):
                    away |= dict.fromkeys(places, found)
                    continue
                contents |= {place: found[place] for place in places & found.keys()}
                damaged = ColdObjectDamaged("an object of the cold archive lacks a turn")
                away |= dict.fromkeys(places - found.keys(), damaged)
    return ColdTexts(contents=contents, away=away)


def read_with(
    connection: Connection, url: str | None, user: UserScope, places: Iterable[Place], *, with_removed: bool = False
) -> ColdTexts:
    """Return the texts of these turns, those of restored ones included. Reads Postgres and the store."""
    statement = place_statement(user, places, with_removed=with_removed)
    texts = read_texts(url, connection.execute(statement.sql, statement.arguments).fetchall())
    if texts.has_damaged:
        texts = read_texts(url, connection.execute(statement.sql, statement.arguments).fetchall())
    log_away(texts)
    return texts


def log_away(texts: ColdTexts) -> None:
    """Log once why texts are away."""
    for message in sorted({f"{error.code}: {error}" for error in texts.away.values()}):
        logger.warning("the texts of old turns are away: %s", message)


def _read_object(
    url: str | None, key: str, digest: str, renamed: Mapping[str, str]
) -> dict[Place, str] | AfterturnError:
    try:
        if url is None:
            raise ColdUnavailable("AFTERTURN_COLD_URL is not set, and the texts of old turns are in the cold archive")
        turns = files.decode(open_store(url).get(key, digest=digest), renamed)
        return {turn.place: turn.content for turn in turns}
    except AfterturnError as error:
        return error
