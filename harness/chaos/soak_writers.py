"""Writers with ledgers: each turn is written until it is acknowledged, and only then added to the ledger."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, Self

import psycopg

from afterturn.errors import MemoryUnavailable
from afterturn.local import environment
from afterturn.settings import Settings
from api_shim import MemoryClient

WRITERS = 4
SESSIONS_EACH = 3
#: The pause between two attempts while a server is away.
PAUSE_SECONDS = 0.2
STOP_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """The turns in Postgres, compared with the acknowledged turns."""

    lost: int
    doubled: int
    unknown: int
    out_of_order: int


class Ledgers:
    """The acknowledged turns of all writers."""

    def __init__(self, paths: Sequence[Path]) -> None:
        books = [json.loads(path.read_text()) for path in paths]
        #: (user, session) -> ids of the acknowledged turns, in the order in which they were written.
        self.turns: dict[tuple[str, str], list[str]] = {}
        for book in books:
            for user_id, session_id, turn_ids in book["sessions"]:
                self.turns[(user_id, session_id)] = turn_ids
        self.refused = sum(int(book["refused"]) for book in books)

    @property
    def acknowledged(self) -> int:
        return sum(len(turn_ids) for turn_ids in self.turns.values())

    @property
    def sessions(self) -> list[tuple[str, str]]:
        return list(self.turns)

    def compared(self, connection: psycopg.Connection[Any]) -> Compared:
        """Compare the ledgers with the turns in Postgres."""
        lost = doubled = unknown = out_of_order = 0
        for (user_id, session_id), written in self.turns.items():
            rows = connection.execute(
                "SELECT turn_id FROM turns WHERE user_id = %s AND session_id = %s ORDER BY position",
                (user_id, session_id),
            ).fetchall()
            found = [row[0] for row in rows]
            lost += len(set(written) - set(found))
            doubled += len(found) - len(set(found))
            unknown += len(set(found) - set(written))
            kept = [turn_id for turn_id in found if turn_id in set(written)]
            out_of_order += sum(here != there for here, there in zip(kept, written, strict=False)) if not lost else 0
        return Compared(lost=lost, doubled=doubled, unknown=unknown, out_of_order=out_of_order)


class Writers:
    """Four processes, each with its own user and sessions."""

    def __init__(self, settings: Settings, directory: Path, *, per_second: float) -> None:
        self._environment = environment.child_environment(settings)
        self._paths = [directory / f"ledger-{number}.json" for number in range(WRITERS)]
        self._per_second = per_second
        self._processes: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        for number, path in enumerate(self._paths):
            command = [sys.executable, "-m", __name__, str(number), str(path), str(self._per_second)]
            self._processes.append(subprocess.Popen(command, env=self._environment))
        return self

    def __exit__(self, *exception: object) -> None:
        for process in self._processes:
            if process.poll() is None:
                process.kill()
                process.wait()

    def stop(self) -> Ledgers:
        """Let each writer finish its current turn, and return the ledgers."""
        for process in self._processes:
            process.send_signal(signal.SIGTERM)
        for process in self._processes:
            assert process.wait(STOP_SECONDS) == 0, "a writer failed"
        return Ledgers(self._paths)


class Writer:
    """One writer. It writes to its sessions in rotation until it receives SIGTERM."""

    def __init__(self, number: int, per_second: float) -> None:
        self._user_id = f"writer-{number}"
        self._memories = {
            session_id: MemoryClient(self._user_id, session_id)
            for session_id in (f"session-{session}" for session in range(SESSIONS_EACH))
        }
        self._written: dict[str, list[str]] = {session_id: [] for session_id in self._memories}
        self._pause_seconds = 1 / per_second
        self._is_ending = False
        self.refused = 0

    def end(self, _number: int, _frame: FrameType | None) -> None:
        self._is_ending = True

    def run(self) -> None:
        number = 0
        while not self._is_ending:
            session_id = f"session-{number % SESSIONS_EACH}"
            self._write(session_id, f"{self._user_id}-{number}")
            number += 1
            time.sleep(self._pause_seconds)

    def _write(self, session_id: str, turn_id: str) -> None:
        """Write one turn until it is acknowledged. After an error it is unknown whether Redis has it."""
        while True:
            try:
                self._memories[session_id].write("user", f"I own the red bicycle {turn_id}.", turn_id=turn_id)
            except MemoryUnavailable:
                self.refused += 1
                time.sleep(PAUSE_SECONDS)
            else:
                self._written[session_id].append(turn_id)
                return

    def book(self) -> dict[str, Any]:
        sessions = [[self._user_id, session_id, turn_ids] for session_id, turn_ids in self._written.items()]
        return {"sessions": sessions, "refused": self.refused}


def main() -> None:
    number, path, per_second = sys.argv[1:]
    writer = Writer(int(number), float(per_second))
    signal.signal(signal.SIGTERM, writer.end)
    writer.run()
    Path(path).write_text(json.dumps(writer.book()))


if __name__ == "__main__":
    main()
