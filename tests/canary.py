"""A word that nobody would say by chance, and every place where it could be left."""

from __future__ import annotations

import base64
import gzip
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import redis
from psycopg import sql

from afterturn.settings import Settings
from api_shim import MemoryClient

#: With digits inside: the full text search keeps it as it is, in lower case.
WORD = "Qx7canaryzz9"
#: The same for ids: they may be logged, and stay in the planner's statistics until the next ANALYZE.
ID = "id8canaryqq3"

#: The folder of the cold archive, in the tests that have one.
COLD_FOLDER = Path(tempfile.gettempdir()) / f"afterturn-cold-{os.getpid()}"


def write_about(
    settings: Settings, user_id: str, *, word: str = WORD, tenant_id: str | None = None, session_id: str = f"chat-{ID}"
) -> MemoryClient:
    """Write turns with the canary wherever a caller can put it."""
    memory = MemoryClient(user_id, session_id, agent_id=f"agent-{ID}", tenant_id=tenant_id, settings=settings)
    memory.write("user", f"My name is {word}. I live in Porto.", name=word, metadata={word: [word]})
    memory.write("user", f"My dog is called {word}.", turn_id=f"turn-{ID}-{user_id}", memories_shown=[word])
    memory.state.put(f"plan-{ID}", {word: word})
    memory.state.put(f"plan-{ID}", word, scope="session")
    memory.checkpoint(f"task-{ID}").step(f"step-{ID}", lambda: word)
    with memory.lock(f"lock-{ID}"):
        pass
    return memory


def places(database: psycopg.Connection[Any], client: redis.Redis, *words: str) -> list[str]:
    """Return where any of the words is: in which tables, in which statistics, in which Redis keys."""
    return [place for search in SEARCHES.values() for place in search(database, client, words)]


def logs(directory: Path, *words: str) -> list[str]:
    """Return which log files under a directory hold any of the words."""
    files = [path for path in directory.rglob("*") if path.is_file() and ".log" in path.name]
    assert files, directory
    return [path.name for path in files if _is_in(path.read_text(errors="replace"), words)]


def rows(database: psycopg.Connection[Any], *, tenant_id: str, user_id: str) -> dict[str, list[str]]:
    """Return all that the tables hold of a user, as text."""
    found = {}
    for table in _names(database):
        columns = database.execute(
            "SELECT count(*) FROM information_schema.columns "
            "WHERE table_schema = 'public' AND table_name = %s AND column_name IN ('tenant_id', 'user_id')",
            (table,),
        ).fetchone()
        if columns == (2,):
            statement = sql.SQL("SELECT t::text FROM {} AS t WHERE tenant_id = %s AND user_id = %s ORDER BY 1")
            texts = database.execute(statement.format(sql.Identifier(table)), (tenant_id, user_id)).fetchall()
            found[table] = [text for (text,) in texts]
    return found


def keys(client: redis.Redis, user: str) -> dict[str, bytes]:
    """Return every key with `user` ("tenant:user") in its name, serialized."""
    return {key.decode(): client.dump(key) for key in client.scan_iter(f"*:{user}:*")}  # type: ignore[misc]


def _postgres(database: psycopg.Connection[Any], client: redis.Redis, words: tuple[str, ...]) -> list[str]:
    return [*_tables(database, words), *_statistics(database, [word for word in words if word != ID])]


def _redis(database: psycopg.Connection[Any], client: redis.Redis, words: tuple[str, ...]) -> list[str]:
    return [name for name, text in _keys(client) if _is_in(text, words)]


def _cold(database: psycopg.Connection[Any], client: redis.Redis, words: tuple[str, ...]) -> list[str]:
    files = [path for path in COLD_FOLDER.rglob("*") if path.is_file()]
    return [str(path) for path in files if _is_in(f"{path} {_text_of(path)}", words)]


def _text_of(path: Path) -> str:
    data = path.read_bytes()
    return (gzip.decompress(data) if path.suffix == ".gz" else data).decode(errors="replace")


#: How everything in a store is searched, by the store's name: a test compares this with the list of stores.
SEARCHES: dict[str, Callable[[psycopg.Connection[Any], redis.Redis, tuple[str, ...]], list[str]]] = {
    "cold": _cold,
    "postgres": _postgres,
    "redis": _redis,
}


def _names(database: psycopg.Connection[Any]) -> list[str]:
    rows = database.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1").fetchall()
    return [name for (name,) in rows]


def _tables(database: psycopg.Connection[Any], words: tuple[str, ...]) -> Iterator[str]:
    # As bytea shows itself in hexadecimal digits, so is the word searched for.
    patterns = [f"%{form}%" for word in words for form in (word, word.encode().hex())]
    for table in _names(database):
        statement = sql.SQL("SELECT count(*) FROM {} AS t WHERE t::text ILIKE ANY(%s)").format(sql.Identifier(table))
        if database.execute(statement, (patterns,)).fetchone() != (0,):
            yield table


def _statistics(database: psycopg.Connection[Any], words: list[str]) -> Iterator[str]:
    patterns = [f"%{word}%" for word in words]
    rows = database.execute(
        "SELECT tablename, attname FROM pg_stats AS s WHERE s::text ILIKE ANY(%s)", (patterns,)
    ).fetchall()
    yield from (f"statistics of {table}.{column}" for table, column in rows)


def _keys(client: redis.Redis) -> Iterator[tuple[str, str]]:
    read: dict[bytes, Any] = {
        b"string": client.get,
        b"list": lambda key: client.lrange(key, 0, -1),
        b"hash": client.hgetall,
        b"set": client.smembers,
        b"zset": lambda key: client.zrange(key, 0, -1, withscores=True),
        b"stream": client.xrange,
    }
    for key in client.scan_iter(count=1000):
        kind = client.type(key)
        value = read[kind](key) if kind in read else b""
        yield f"key {key.decode()}", f"{key!r} {value!r} {_messages(value)}"


def _messages(value: Any) -> str:
    """Return the bodies of Celery's messages, which are in base64."""
    bodies = []
    for message in value if isinstance(value, list) else value.values() if isinstance(value, dict) else ():
        try:
            decoded = json.loads(message)
            parts = decoded if isinstance(decoded, list) else [decoded]
            bodies += [base64.b64decode(part["body"]).decode() for part in parts if isinstance(part, dict)]
        except (ValueError, TypeError, KeyError):
            continue
    return " ".join(bodies)


def _is_in(text: str, words: tuple[str, ...]) -> bool:
    return any(word.lower() in text.lower() for word in words)
