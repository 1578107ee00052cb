"""LangGraph's store beside its PostgresStore: the same operations on the same server, with the same vectors.

Each store has the same items in it, and is called by one thread. PostgresStore keeps one connection, or takes one from
a pool of its own; AfterturnStore takes one from its pool, sets the owner for row-level security, and waits for an
erasure of the owner.
"""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from statistics import median

import psycopg
from langchain_core.embeddings import Embeddings
from langgraph.store.base import BaseStore, PutOp
from langgraph.store.postgres import PostgresStore
from langgraph.store.postgres.base import PostgresIndexConfig

from afterturn.database.connection_string import get_connection_string
from afterturn.settings import Settings
from api_shim.adapters.langgraph import AfterturnStore
from bench import timing
from bench.report import Line, Value

DIMENSION = 384
#: Items in each store before the measurement.
ITEMS = 1_000
ITEMS_PER_BATCH = 100
WARMUP_ROUNDS = 30
WRITE_AIM = 1.0
READ_AIM = 1.5

_OPERATIONS = {
    "put": ("a put of one item without vectors", WRITE_AIM),
    "put_indexed": ("a put of one item with a vector", WRITE_AIM),
    "get": ("a get", READ_AIM),
    "search": (f"a search of {ITEMS:,} items by namespace and filter", READ_AIM),
    "search_by_vector": (f"a search of {ITEMS:,} items by similarity", READ_AIM),
    "list_namespaces": ("a list of namespaces", READ_AIM),
}

LINES = (
    *(
        Line(name=f"store_{name}_ratio", meaning=f"{what}: our median by that of PostgresStore with a pool", aim=aim)
        for name, (what, aim) in _OPERATIONS.items()
    ),
    *(
        Line(name=f"store_{name}_{whose}_us", meaning=f"{what}: {description}, median in microseconds")
        for name, (what, _) in _OPERATIONS.items()
        for whose, description in (
            ("ours", "AfterturnStore"),
            ("pool", "PostgresStore with a pool"),
            ("connection", "PostgresStore with one connection"),
        )
    ),
)


class RandomEmbeddings(Embeddings):
    """A vector for each text, in no time: what is measured is the store."""

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Return a vector for each text."""
        return [self.embed_query(text) for text in texts]

    def embed_query(self, text: str) -> list[float]:
        """Return the vector of a text."""
        source = random.Random(text)
        numbers = [source.gauss(0, 1) for _ in range(DIMENSION)]
        length = math.sqrt(sum(number * number for number in numbers))
        return [number / length for number in numbers]


def measure(settings: Settings, samples: int) -> dict[str, Value]:
    """Return a value for each line. The servers of the settings are empty."""
    embeddings = _Cached(RandomEmbeddings())
    index: PostgresIndexConfig = {"dims": DIMENSION, "embed": embeddings, "fields": ["text"]}
    url = get_connection_string(settings)
    with ExitStack() as opened:
        opened.callback(_drop, url)
        pooled = PostgresStore.from_conn_string(url, index=index.copy(), pool_config={"min_size": 1, "max_size": 4})
        stores: Mapping[str, BaseStore] = {
            "ours": AfterturnStore(user_id="bench", index=index, settings=settings),
            "pool": opened.enter_context(pooled),
            "connection": opened.enter_context(PostgresStore.from_conn_string(url, index=index.copy())),
        }
        for name in ("pool", "connection"):
            store = stores[name]
            assert isinstance(store, PostgresStore)
            store.setup()
        for name in ("ours", "pool"):  # the two PostgresStores have the same tables
            _fill(stores[name])
        _analyze(url)
        return _measure_operations(stores, samples)


def _measure_operations(stores: Mapping[str, BaseStore], samples: int) -> dict[str, Value]:
    figures: dict[str, Value] = {}
    for name in _OPERATIONS:
        operations = {whose: _make_operation(name, whose, store) for whose, store in stores.items()}
        found = timing.interleaved(operations, rounds=samples, warmup_rounds=WARMUP_ROUNDS)
        figures[f"store_{name}_ratio"] = round(timing.ratio_of_medians(found["ours"], found["pool"]), 2)
        figures |= {f"store_{name}_{whose}_us": round(median(times)) for whose, times in found.items()}
    return figures


def _make_operation(name: str, whose: str, store: BaseStore) -> Callable[[], object]:
    numbers = itertools.count()

    def put(*, is_indexed: bool) -> None:
        number = next(numbers)
        key = f"{whose}-{name}-{number}"
        store.put(("written", whose), key, _value(number), None if is_indexed else False)

    operations: dict[str, Callable[[], object]] = {
        "put": lambda: put(is_indexed=False),
        "put_indexed": lambda: put(is_indexed=True),
        "get": lambda: store.get(("items", "0"), str(next(numbers) * 10 % ITEMS)),
        "search": lambda: store.search(("items",), filter={"color": f"color {next(numbers) % 7}"}),
        "search_by_vector": lambda: store.search(("items",), query=_value(next(numbers) % ITEMS)["text"]),
        "list_namespaces": lambda: store.list_namespaces(prefix=("items",), limit=10),
    }
    return operations[name]


def _value(number: int) -> dict[str, str]:
    return {"text": f"this is the text of item {number % ITEMS}", "color": f"color {number % 7}"}


def _fill(store: BaseStore) -> None:
    for start in range(0, ITEMS, ITEMS_PER_BATCH):
        numbers = range(start, start + ITEMS_PER_BATCH)
        store.batch([PutOp(("items", str(number % 10)), str(number), _value(number)) for number in numbers])


def _analyze(url: str) -> None:
    """Let the planner know the tables, as autovacuum would after a while."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("ANALYZE")


def _drop(url: str) -> None:
    """Remove the tables of PostgresStore."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS store_vectors, store, store_migrations, vector_migrations")


class _Cached(Embeddings):
    """Keeps the vectors of all texts, so that no store waits for them."""

    def __init__(self, embeddings: Embeddings) -> None:
        self._embeddings = embeddings
        self._vectors: dict[str, list[float]] = {}

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Return the vector of each text."""
        return [self.embed_query(text) for text in texts]

    def embed_query(self, text: str) -> list[float]:
        """Return the vector of a text."""
        if text not in self._vectors:
            self._vectors[text] = self._embeddings.embed_query(text)
        return self._vectors[text]
