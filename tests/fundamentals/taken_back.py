"""Read what is shown and stored after a turn was removed."""

from afterturn.hot import keys
from afterturn.scopes import SessionScope

CHAT = ["default", "ana", "chat"]
SESSION = SessionScope(*CHAT)
#: A word that is only in the removed turn.
CANARY = "Zanzibar"


def seen(memory):
    """Return all data that a client shows."""
    found = [*memory.recall(), *memory.recall(f"Where is {CANARY}?"), *memory.recall("Fact")]
    return " ".join([*(turn.content for turn in memory.history()), *(f"{memory}" for memory in found)])


def kept(database, hot_store):
    """Return all data that later work reads: in Postgres, and the recent turns in Redis."""
    queries = (
        "SELECT answer FROM answers",
        "SELECT text FROM facts WHERE status <> 'retracted'",
        "SELECT title || summary FROM episodes",
        "SELECT text FROM summaries",
        "SELECT text FROM profiles",
        "SELECT display_name FROM users",
        "SELECT content FROM turns WHERE removed_at IS NULL",
    )
    rows = [str(row) for query in queries for row in database.execute(query).fetchall()]
    return " ".join([*rows, *map(str, hot_store.lrange(keys.recent(SESSION), 0, -1))])


def facts(database):
    """Return all versions of all facts, in the order in which they were recorded."""
    rows = database.execute("SELECT text, status FROM facts ORDER BY recorded_at, said_at").fetchall()
    return [(text.removeprefix("Ana lives in ").removesuffix("."), status) for text, status in rows]


def current(database):
    """Return the texts of the current facts."""
    return [text for text, status in facts(database) if status == "current"]


def derived(database):
    """Return all data that is derived from turns, except retracted facts."""
    statements = (
        "SELECT text FROM facts WHERE status <> 'retracted'",
        "SELECT title, summary FROM episodes",
        "SELECT text, statements FROM summaries",
        "SELECT statements FROM digests",
        "SELECT text FROM profiles",
        "SELECT answer FROM answers",
        "SELECT display_name FROM users",
    )
    return " ".join(str(row) for statement in statements for row in database.execute(statement).fetchall())
