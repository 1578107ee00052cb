"""The Celery app of a newer release, with one more kind of entry: a note.

Notes become rows of a table `notes`, which a migration of that release would create. Only a worker process imports this
module, because it changes the whole process.
"""

from __future__ import annotations

from afterturn.hot import entries
from afterturn.pipeline.archiving import kinds
from afterturn.pipeline.archiving.kinds import Archiving
from afterturn.worker.app import app

__all__ = ["app"]


def _add_notes(archiving: Archiving) -> None:
    for session, entry in archiving.of_kind("note"):
        archiving.connection.execute(
            "INSERT INTO notes VALUES (%(tenant_id)s, %(user_id)s, %(session_id)s, %(note_id)s, %(text)s)"
            " ON CONFLICT DO NOTHING",
            session.scope.key | {"note_id": entry.entry_id, "text": entry.content},
        )


entries.READERS["note"] = lambda data: data["text"]
kinds.ARCHIVERS["note"] = _add_notes
