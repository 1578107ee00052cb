"""What a plan can ask for. A plan is a generator without I/O: it yields effects, and takes what came of them.

`answer = yield from ReadRedis(...)` asks for one effect, `result = yield from plan(...)` goes through another plan. A
driver (driver.py, async_driver.py) carries the effects out; a test may answer them itself.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar

if TYPE_CHECKING:
    from afterturn.context.providers import ContextProvider
    from afterturn.database.statement import Answers, Row, Statement, Steps
    from afterturn.hot.prepared_call import PreparedCall
    from afterturn.recall.question_embedder import QuestionEmbedder
    from afterturn.scopes import UserScope

Answer = TypeVar("Answer")
Result = TypeVar("Result")


class Effect(Generic[Answer]):
    """One thing that a plan asks for, and the type of what comes of it."""

    __slots__ = ()

    def __iter__(self) -> Generator[Effect[Any], Any, Answer]:
        answer: Answer = yield self
        return answer


Plan: TypeAlias = Generator[Effect[Any], Any, Result]

#: A Redis command with its arguments.
Command: TypeAlias = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class ReadRedis(Effect[list[Any]]):
    """Read in one round trip, several commands in one transaction. Gives an answer per command."""

    commands: tuple[Command, ...]


@dataclass(frozen=True, slots=True)
class Send(Effect[int]):
    """Call a script that writes to a pending stream. Gives the bytes that are then pending in its shard."""

    call: PreparedCall
    arguments: Sequence[bytes]


@dataclass(frozen=True, slots=True)
class ReadPostgres(Effect[Answer]):
    """Take the steps in one transaction that sees this user's rows only. Gives what the steps return."""

    user: UserScope
    steps: Steps[Answer]


@dataclass(frozen=True, slots=True)
class GetEmbedder(Effect["QuestionEmbedder"]):
    """Give the embedder that this process, or this event loop, keeps."""


@dataclass(frozen=True, slots=True)
class Embed(Effect["list[float] | None"]):
    """Embed a question, which may compute or call: not on the event loop. Gives None where no space serves."""

    embedder: QuestionEmbedder
    user: UserScope
    question: str


@dataclass(frozen=True, slots=True)
class AskProviders(Effect[list[list[str]]]):
    """Ask context providers, with asyncio all at once. Gives what each one says."""

    providers: Sequence[ContextProvider]


@dataclass(frozen=True, slots=True)
class Wait(Effect[None]):
    """Let some time pass."""

    seconds: float


def read_rows(user: UserScope, statement: Statement) -> Plan[Sequence[Row]]:
    """Run one statement and return its rows. Raises MemoryUnavailable."""
    [rows] = yield from ReadPostgres(user, one_round_trip([statement]))
    return rows


def one_round_trip(statements: list[Statement]) -> Steps[Answers]:
    """Return the steps that run some statements together and give their answers."""
    answers = yield statements
    return answers
