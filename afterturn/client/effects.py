"""Effects and plans. A plan is a generator without I/O: it yields effects and receives their answers.

`answer = yield from ReadRedis(...)` requests one effect; `result = yield from plan(...)` runs another plan. A driver
(driver.py, async_driver.py) executes the effects. A test can answer them itself.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar

if TYPE_CHECKING:
    from afterturn.context.providers import ContextProvider
    from afterturn.database.statement import Answers, Row, Statement, Steps
    from afterturn.documents.index import TextEmbedder
    from afterturn.hot.prepared_call import PreparedCall
    from afterturn.recall.question_embedder import QuestionEmbedder
    from afterturn.scopes import UserScope

Answer = TypeVar("Answer")
Result = TypeVar("Result")


class Effect(Generic[Answer]):
    """One request of a plan. The type parameter is the type of its answer."""

    __slots__ = ()

    def __iter__(self) -> Generator[Effect[Any], Any, Answer]:
        answer: Answer = yield self
        return answer


Plan: TypeAlias = Generator[Effect[Any], Any, Result]

#: A Redis command and its arguments.
Command: TypeAlias = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class ReadRedis(Effect[list[Any]]):
    """Read from Redis in one round trip; several commands form one transaction. Returns one answer per command."""

    commands: tuple[Command, ...]


@dataclass(frozen=True, slots=True)
class Send(Effect[int]):
    """Call a script that writes to a pending stream. Returns the number of bytes that are then pending in the shard."""

    call: PreparedCall
    arguments: Sequence[bytes]


@dataclass(frozen=True, slots=True)
class RunScript(Effect[Any]):
    """Call a script that adds no turns, again after a lost reply: it must be repeatable. Returns its reply."""

    call: PreparedCall
    arguments: Sequence[bytes]


@dataclass(frozen=True, slots=True)
class Call(Effect[Any]):
    """Call a function of the user's, and wait for it: with asyncio it may be a coroutine function."""

    function: Callable[..., Any]
    arguments: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class ReadPostgres(Effect[Answer]):
    """Run the steps in one transaction that sees only this user's rows. Returns the result of the steps."""

    user: UserScope
    steps: Steps[Answer]


@dataclass(frozen=True, slots=True)
class RunTogether(Effect["Answers"]):
    """Run statements in one transaction that sees only this user's rows, in one round trip. Returns their rows."""

    user: UserScope
    statements: Sequence[Statement]


@dataclass(frozen=True, slots=True)
class ReadCold(Effect[Any]):
    """Read the texts of turns from the cold archive, outside the event loop. Returns `cold.reading.ColdTexts`."""

    #: Rows of `cold.reading.place_statement`.
    rows: Sequence[Row]


@dataclass(frozen=True, slots=True)
class GetEmbedder(Effect["QuestionEmbedder"]):
    """Return the embedder of this process (synchronous) or of this event loop (asyncio)."""


@dataclass(frozen=True, slots=True)
class Embed(Effect["list[float] | None"]):
    """Embed a question, outside the event loop because it takes long. Returns None if no embedding space is active."""

    embedder: QuestionEmbedder
    user: UserScope
    question: str


@dataclass(frozen=True, slots=True)
class EmbedTexts(Effect[Mapping[str, Sequence[float]]]):
    """Embed texts. Returns text -> vector, without the texts that the embedder refuses."""

    embedder: TextEmbedder
    texts: Sequence[str]


@dataclass(frozen=True, slots=True)
class AskProviders(Effect[list[list[str]]]):
    """Read the lines of context providers, with asyncio concurrently. Returns the lines of each provider."""

    providers: Sequence[ContextProvider]


@dataclass(frozen=True, slots=True)
class Wait(Effect[None]):
    """Wait this long."""

    seconds: float


def read_rows(user: UserScope, statement: Statement) -> Plan[Sequence[Row]]:
    """Run one statement and return its rows. Raises MemoryUnavailable."""
    [rows] = yield from ReadPostgres(user, one_round_trip([statement]))
    return rows


def one_round_trip(statements: list[Statement]) -> Steps[Answers]:
    """Return steps that run the statements together and return their answers."""
    answers = yield statements
    return answers
