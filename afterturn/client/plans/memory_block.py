"""The memory block of a chat message: read for a new message, and remembered through the message's tool loop.

The block is remembered in Redis, because what recall finds changes while the answer is made: the message itself becomes
a turn, and turns become facts. A prompt cache needs the same bytes again, also from another API process.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass

from afterturn import memories
from afterturn.client.effects import GetEmbedder, Plan, ReadPostgres, ReadRedis, Send
from afterturn.client.limits import validate_query
from afterturn.client.plans import hot, recall
from afterturn.client.session import ClientSession
from afterturn.context import assembly, context_queries
from afterturn.context.assembly import ContextInput
from afterturn.context.budget import Shares
from afterturn.context.context import ContextRequest
from afterturn.context.strategies import LastTurns
from afterturn.database.statement import Answers, Statement, Steps
from afterturn.forgetting.erasures import owner_hash
from afterturn.hot import keys, scripts
from afterturn.hot.prepared_call import PreparedCall
from afterturn.memories import Memory
from afterturn.recall import memory_queries
from afterturn.recall.filters import Filters
from afterturn.recall.neighbours import Neighbours
from afterturn.recall.search import Search

#: Memories that are recalled for a message. More: each costs time before the first token, and few more fit the budget.
MEMORIES_RECALLED = 24
#: Characters of a message that are searched for: its beginning and its end. More: a long document takes too long.
QUERY_CHARACTERS = 2_000
#: The request has the conversation itself, so that neither its turns nor its summary take part of the budget.
_SHARES = Shares(pinned=0.2, profile=0.2, summary=0.0, relevant=0.6, recent=0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryBlock:
    """A memory block, or the decision to send a message without one."""

    #: The preamble and the fenced lines; empty if nothing is known, or if the memory was not available.
    text: str = ""
    #: The memories in it.
    memory_ids: tuple[str, ...] = ()
    #: What must be unchanged when the block is remembered: Redis's token of the user's last completed erasure.
    erased_token: bytes = b""

    def encode(self) -> bytes:
        """Return the value that Redis keeps."""
        return json.dumps({"text": self.text, "memory_ids": self.memory_ids}).encode()


def message_field(*parts: str) -> str:
    """Return the field of the shown hash for the block of one message, which these parts tell from all others."""
    return "message:" + hashlib.sha256("\x00".join(parts).encode("utf-8", errors="surrogatepass")).hexdigest()


def shorten_query(text: str) -> str:
    """Return the beginning and the end of a long text to recall by."""
    half = QUERY_CHARACTERS // 2
    return text if len(text) <= QUERY_CHARACTERS else f"{text[:half]}\n{text[-half:]}"


def read_remembered(session: ClientSession, field: str) -> Plan[tuple[bytes | None, bytes]]:
    """Return the value of a field of the shown hash, and the token of the user's last completed erasure."""
    user = session.scope.user
    value, token = yield from ReadRedis(
        (("HGET", keys.shown(user), field), ("GET", keys.erased(user, owner_hash(user))))
    )
    return None if value is None else value.partition(b" ")[2], token or b""


def remember(session: ClientSession, field: str, value: bytes, erased_token: bytes) -> Plan[None]:
    """Keep a value for a tool loop, unless the user was forgotten since the token was read."""
    user = session.scope.user
    call = PreparedCall(scripts.REMEMBER_SHOWN, (keys.shown(user), keys.erased(user, owner_hash(user))))
    limits = str(keys.SHOWN_SECONDS).encode(), str(keys.SHOWN_LIMIT).encode()
    yield from Send(call, (erased_token, field.encode(), value, *limits))


def read_block(
    session: ClientSession,
    query: str,
    *,
    token_budget: int,
    field: str,
    is_continued: bool,
    is_in_request: Callable[[Memory], bool],
) -> Plan[MemoryBlock]:
    """Return the memory block of a message.

    Args:
        session: the session of the client.
        query: the text of the message.
        token_budget: the largest number of tokens of the block, by estimate.
        field: the field of the message in the shown hash.
        is_continued: whether the message was sent before: messages of its tool loop follow it. Then the block is the
            remembered one, if there is one.
        is_in_request: whether the request already contains a memory.

    Raises InvalidInput, or MemoryUnavailable if Redis or Postgres does not answer: a part of the memory is no answer.
    """
    value, token = yield from read_remembered(session, field)
    if is_continued and value is not None:
        kept = json.loads(value)
        return MemoryBlock(text=kept["text"], memory_ids=tuple(kept["memory_ids"]), erased_token=token)
    stored_rows, recalled, neighbours = yield from _read_memory(session, query)
    request = ContextRequest(token_budget=token_budget, shares=_SHARES, history=LastTurns(0))
    context = assembly.assemble(
        request,
        ContextInput(
            stored=context_queries.parse_user_context(stored_rows),
            session_id=session.scope.session_id,
            question=query,
            memories=[memory for memory in recalled if not is_in_request(memory)],
            neighbours=neighbours,
        ),
    )
    text = context.messages[0]["content"] if context.messages else ""
    return MemoryBlock(text=text, memory_ids=context.memory_ids, erased_token=token)


def _read_memory(session: ClientSession, query: str) -> Plan[tuple[Answers, list[Memory], Neighbours]]:
    """Return the rows of the stored context, the memories that answer the query, and the turns around them.

    Postgres is read once.
    """
    query = validate_query(query)
    in_redis = yield from hot.read_turns(session, MEMORIES_RECALLED)
    embedder = yield from GetEmbedder()
    vector = yield from recall.embed_query(session, embedder, query)
    search = Search(session.scope, query=query, filters=Filters(), with_neighbours=True)
    steps = _read_together(
        context_queries.user_statements(session.scope, in_redis.hidden, memory_queries.newest_pending(in_redis.turns)),
        search.steps(
            in_redis,
            limit=MEMORIES_RECALLED,
            space_id=embedder.space_id,
            vector=vector,
            meaning_share=embedder.meaning_share,
        ),
    )
    stored_rows, recalled = yield from ReadPostgres(session.scope.user, steps)
    found = memories.exclude_turns(recalled, in_redis.hidden)[:MEMORIES_RECALLED]
    return stored_rows, found, search.neighbours.without(in_redis.hidden)


def _read_together(statements: list[Statement], search: Steps[list[Memory]]) -> Steps[tuple[Answers, list[Memory]]]:
    """Run the statements in the first round trip of the search."""
    answers = yield [*statements, *next(search)]
    stored_rows, answers = answers[: len(statements)], answers[len(statements) :]
    while True:
        try:
            wanted = search.send(answers)
        except StopIteration as end:
            return stored_rows, end.value
        answers = yield wanted
