"""LangGraph's store: what upstream's stores do, on the memory's Postgres."""

import asyncio
import random
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC

import pytest
from langchain_core.embeddings import Embeddings
from langgraph.store.base import GetOp, InvalidNamespaceError, ListNamespacesOp, MatchCondition, PutOp, SearchOp

from afterturn.errors import InvalidId, InvalidInput
from api_shim import MemoryClient
from api_shim.adapters.langgraph import AfterturnStore
from harness.waiting import wait_until


class CharacterEmbeddings(Embeddings):
    """Vectors by the characters of a text: equal texts have equal vectors."""

    dims = 60

    def __init__(self):
        self.calls = 0
        self._projections = {}

    def embed_documents(self, texts):
        self.calls += 1
        return [self._embed(text) for text in texts]

    def embed_query(self, text):
        return self._embed(text)

    def _embed(self, text):
        if "refused" in text:
            raise RuntimeError("the embedder refuses this text")
        rows = [self._projection(character) for character in text.lower()]
        sums = [sum(column) for column in zip(*rows, strict=True)]
        length = sum(number * number for number in sums) ** 0.5 or 1.0
        return [number / length for number in sums]

    def _projection(self, character):
        if character not in self._projections:
            source = random.Random(ord(character))
            self._projections[character] = [source.gauss(0, 1) for _ in range(self.dims)]
        return self._projections[character]


@pytest.fixture
def open_store(settings):
    """Return a function that opens Ana's store."""

    def opened(user_id="ana", **arguments):
        return AfterturnStore(user_id=user_id, settings=settings, **arguments)

    return opened


@pytest.fixture
def store(open_store):
    return open_store()


@pytest.fixture
def embeddings():
    return CharacterEmbeddings()


@pytest.fixture
def vector_store(open_store, embeddings):
    return open_store(index={"dims": embeddings.dims, "embed": embeddings})


def keys(items):
    return [item.key for item in items]


def test_a_put_is_found_at_once_by_key_by_prefix_and_by_meaning(store):
    store.put(("memories", "ana"), "food", {"text": "Ana likes ramen"})
    store.put(("memories", "ana"), "home", {"text": "Ana lives in Lisbon"})
    item = store.get(("memories", "ana"), "food")
    assert (item.namespace, item.key, item.value) == (("memories", "ana"), "food", {"text": "Ana likes ramen"})
    assert item.created_at == item.updated_at and item.created_at.tzinfo is UTC
    assert keys(store.search(("memories",))) == ["home", "food"]
    best = store.search(("memories",), query="ramen", limit=1)[0]
    assert best.key == "food" and 0 < best.score <= 1


def test_an_update_keeps_the_time_of_creation_and_a_delete_removes(store):
    store.put(("a",), "k", {"n": 1})
    first = store.get(("a",), "k")
    store.put(("a",), "k", {"n": 2})
    second = store.get(("a",), "k")
    assert second.value == {"n": 2} and second.created_at == first.created_at
    assert second.updated_at > first.updated_at
    store.delete(("a",), "k")
    assert store.get(("a",), "k") is None and store.search(("a",)) == [] and store.list_namespaces() == []


def test_the_time_of_an_update_rises_also_when_the_clock_went_back(store, database):
    store.put(("a",), "k", {"n": 1})
    database.execute("UPDATE documents SET updated_at = now() + interval '1 hour'")
    times = [store.get(("a",), "k").updated_at]
    for number in range(20):
        store.put(("a",), "k", {"n": number})
        times.append(store.get(("a",), "k").updated_at)
    assert times == sorted(set(times))


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"z": 1, "a": 2},
        {"nul": "a\x00b", "lone": "\ud800", "pair": "😀", "\x00": 1},
        {"numbers": [1, 1.0, 1e22, -0.0, 10**30, 1e-300]},
        {"nested": {"list": [None, True, {"x": []}]}},
        {"infinite": float("inf")},
        {"text": "NaN \\u0000 Infinity"},
    ],
)
def test_a_value_comes_back_exactly(store, value):
    store.put(("a",), "k", value)
    found = store.get(("a",), "k").value
    assert found == value and repr(found) == repr(value)
    assert repr(store.search(("a",))[0].value) == repr(value)


def test_a_value_that_is_not_json_is_refused_before_anything_is_stored(store):
    with pytest.raises(TypeError):
        store.batch([PutOp(("a",), "good", {"n": 1}), PutOp(("a",), "bad", {"n": object()})])
    with pytest.raises(InvalidInput):
        store.put(("a",), "bad", ["no dictionary"])
    assert store.search(()) == []


@pytest.mark.parametrize(
    "label", ["a b", "ä/ö", "%", "_", "*", "\\", "'\"", "\n", "{}", "NULL", "x" * 5_000, "😀", "\ud800", "\uffff0"]
)
def test_a_namespace_has_any_legal_label(store, label):
    store.put(("root", label, "leaf"), "k" + label, {"label": label})
    assert store.get(("root", label, "leaf"), "k" + label).value == {"label": label}
    assert [item.namespace for item in store.search(("root", label))] == [("root", label, "leaf")]
    assert store.search(("root", label + "x")) == [] and store.search(("root", label[:-1] or "x")) == []
    assert store.list_namespaces(prefix=("root", label)) == [("root", label, "leaf")]
    assert store.list_namespaces(suffix=(label, "leaf")) == [("root", label, "leaf")]


def test_a_prefix_is_of_whole_labels(store):
    for namespace in [
        ("user",),
        ("user_1",),
        ("user_1", "a"),
        ("userX1",),
        ("user_11",),
        ("user_1!", "b"),
        ("user_1/",),
    ]:
        store.put(namespace, "k", {"n": 1})
    assert {item.namespace for item in store.search(("user_1",))} == {("user_1",), ("user_1", "a")}
    assert {item.namespace for item in store.search(["user_1"])} == {("user_1",), ("user_1", "a")}
    assert len(store.search(())) == 7


@pytest.mark.parametrize("namespace", [("a.b",), ("a", ""), ("a\x00",), (1,), (None,)])
def test_an_illegal_namespace_is_refused_before_anything_runs(store, namespace):
    good = PutOp(("good",), "k", {"n": 1})
    for op in (
        PutOp(namespace, "k", {"n": 1}),
        GetOp(namespace, "k"),
        SearchOp(namespace),
        ListNamespacesOp((MatchCondition("prefix", namespace),)),
    ):
        with pytest.raises(InvalidNamespaceError):
            store.batch([good, op])
        with pytest.raises(InvalidNamespaceError):
            asyncio.run(store.abatch([good, op]))
    assert store.search(()) == []


def test_the_public_calls_refuse_what_upstream_refuses(store):
    for namespace in ((), ("langgraph", "x")):
        with pytest.raises(InvalidNamespaceError):
            store.put(namespace, "k", {"n": 1})
        with pytest.raises(InvalidNamespaceError):
            asyncio.run(store.aput(namespace, "k", {"n": 1}))
    store.batch([PutOp(("langgraph", "x"), "k", {"n": 1})])
    assert store.get(("langgraph", "x"), "k").value == {"n": 1}


@pytest.mark.parametrize(
    "op",
    [
        SearchOp(("a",), filter={"n": {"$near": 1}}),
        SearchOp(("a",), filter={"n": {"$gt": 1, "x": 2}}),
        SearchOp(("a",), filter={"n": {"$gt": None}}),
        SearchOp(("a",), filter={"n": object()}),
        SearchOp(("a",), limit=-1),
        SearchOp(("a",), offset=-1),
        ListNamespacesOp(limit=-1),
        ListNamespacesOp((MatchCondition("middle", ("a",)),)),
        PutOp(("a",), "k", {"n": 1}, ttl=float("nan")),
        "no operation",
    ],
)
def test_other_mistakes_are_value_errors_before_anything_runs(store, op):
    with pytest.raises((ValueError, TypeError)):
        store.batch([PutOp(("good",), "k", {"n": 1}), op])
    assert store.search(()) == []


def test_reads_see_the_state_before_their_batch_and_the_last_put_of_a_key_wins(store):
    store.put(("a",), "k", {"n": 0})
    results = store.batch(
        [
            PutOp(("a",), "k", {"n": 1}),
            GetOp(("a",), "k"),
            PutOp(("a",), "k", {"n": 2}),
            SearchOp(("a",)),
            PutOp(("b",), "gone", {"n": 3}),
            PutOp(("b",), "gone", None),
            PutOp(("c",), "back", None),
            PutOp(("c",), "back", {"n": 4}),
            ListNamespacesOp(),
            GetOp(("a",), "missing"),
        ]
    )
    assert results[1].value == {"n": 0} and [item.value for item in results[3]] == [{"n": 0}]
    assert results[8] == [("a",)] and results[9] is None
    assert [results[place] for place in (0, 2, 4, 5, 6, 7)] == [None] * 6
    assert store.get(("a",), "k").value == {"n": 2} and store.get(("b",), "gone") is None
    assert store.get(("c",), "back").value == {"n": 4}
    assert store.batch([]) == []


FILTERED = {
    "small": {"n": 9, "text": "b", "flag": True, "tags": ["x", "y"], "meta": {"a": 1, "b": {"c": 2}}},
    "large": {"n": 10, "text": "a", "flag": False, "tags": ["x"], "meta": {"a": 2}, "none": None},
    "words": {"n": "11", "text": "é", "date": "2026-11-27"},
}


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"n": 9}, {"small"}),
        ({"n": 9.0}, {"small"}),
        ({"n": "9"}, set()),
        ({"flag": True}, {"small"}),
        ({"n": {"$eq": 10}}, {"large"}),
        ({"n": {"$ne": 10}}, {"small", "words"}),
        ({"missing": {"$ne": 1}}, {"small", "large", "words"}),
        ({"missing": None}, {"small", "large", "words"}),
        ({"none": None}, {"small", "large", "words"}),
        ({"n": {"$gt": 9}}, {"large", "words"}),
        ({"n": {"$gte": 9, "$lt": 10}}, {"small"}),
        ({"n": {"$lte": 9.5}}, {"small"}),
        ({"n": {"$lt": float("inf")}}, {"small", "large", "words"}),
        ({"n": {"$gt": float("nan")}}, set()),
        ({"text": {"$gt": "a"}}, {"small", "words"}),
        ({"text": {"$gte": "é"}}, {"words"}),
        ({"text": {"$lt": 5}}, set()),
        ({"date": {"$lt": "2026-12-01"}}, {"words"}),
        ({"meta": {"a": 1}}, {"small"}),
        ({"meta": {"b": {"c": {"$gt": 1}}}}, {"small"}),
        ({"meta": {"$eq": {"a": 2}}}, {"large"}),
        ({"meta": {}}, {"small", "large"}),
        ({"meta": 1}, set()),
        ({"tags": ["x", "y"]}, {"small"}),
        ({"tags": ["y", "x"]}, set()),
        ({"tags": [{"$gte": "x"}]}, {"large"}),
        ({"tags": "x"}, set()),
        ({"n": {"$gt": 8}, "flag": False}, {"large"}),
        ({"meta'; DROP TABLE documents; --": 1}, set()),
        ({}, {"small", "large", "words"}),
        (None, {"small", "large", "words"}),
    ],
)
def test_filters(store, filters, expected):
    store.batch([PutOp(("f",), key, value) for key, value in FILTERED.items()])
    assert set(keys(store.search(("f",), filter=filters))) == expected
    assert set(keys(store.search(("f",), filter=filters, query="a"))) == expected


def test_pages_of_a_search_are_disjoint_with_and_without_a_query(vector_store):
    vector_store.batch([PutOp(("p",), f"k{n}", {"text": f"text {n}"}, None if n % 2 else False) for n in range(9)])
    for query in (None, "text 3"):
        pages = [keys(vector_store.search(("p",), query=query, limit=4, offset=start)) for start in (0, 4, 8)]
        assert [len(page) for page in pages] == [4, 4, 1]
        assert sorted(key for page in pages for key in page) == [f"k{n}" for n in range(9)]
    assert vector_store.search(("p",), limit=0) == []


def test_items_without_vectors_follow_those_with_a_score(vector_store):
    vector_store.put(("i",), "hidden", {"text": "apple"}, index=False)
    vector_store.put(("i",), "pear", {"text": "pear"})
    vector_store.put(("i",), "apple", {"text": "apple"})
    found = vector_store.search(("i",), query="apple")
    assert keys(found) == ["apple", "pear", "hidden"]
    assert found[0].score > found[1].score and found[2].score is None
    assert all(item.score is None for item in vector_store.search(("i",)))


def test_the_best_of_several_texts_counts_and_an_update_replaces_them(open_store, embeddings):
    store = open_store(index={"dims": embeddings.dims, "embed": embeddings, "fields": ["title", "parts[*].text"]})
    store.put(("m",), "one", {"title": "xxx", "parts": [{"text": "yyy"}, {"text": "zzz"}], "other": "www"})
    store.put(("m",), "two", {"title": "zzz"})
    scores = {item.key: item.score for item in store.search(("m",), query="zzz")}
    assert scores["one"] == pytest.approx(scores["two"]) == pytest.approx(1.0, abs=1e-3)
    assert store.search(("m",), query="www")[0].score < 0.9
    store.put(("m",), "one", {"title": "www"}, index=["title"])
    assert store.search(("m",), query="www")[0].score == pytest.approx(1.0, abs=1e-3)
    assert {item.key: item.score for item in store.search(("m",), query="zzz")}["one"] < 0.9


def test_the_similarity_is_that_of_the_configuration(open_store, embeddings):
    class Doubled(CharacterEmbeddings):
        def _embed(self, text):
            return [2 * number for number in super()._embed(text)]

    for distance, expected in (("cosine", 1.0), ("inner_product", 4.0), ("l2", 0.0)):
        store = open_store(
            user_id=distance, index={"dims": embeddings.dims, "embed": Doubled(), "distance_type": distance}
        )
        store.put(("s",), "k", {"text": "aaa"}, index=["text"])
        assert store.search(("s",), query="aaa")[0].score == pytest.approx(expected, abs=1e-2)
    with pytest.raises(InvalidInput):
        open_store(index={"dims": 3, "embed": embeddings, "distance_type": "hamming"})
    with pytest.raises(InvalidInput):
        open_store(index={"dims": 3})


def test_texts_of_a_batch_are_embedded_in_one_call(vector_store, embeddings):
    vector_store.batch([PutOp(("e",), str(n), {"text": f"text {n % 5}"}) for n in range(50)])
    assert embeddings.calls == 1
    assert len(vector_store.search(("e",), query="text 1", limit=100)) == 50


def test_a_text_that_the_embedder_refuses_stores_nothing(vector_store):
    with pytest.raises(RuntimeError):
        vector_store.batch([PutOp(("r",), "good", {"text": "fine"}), PutOp(("r",), "bad", {"text": "refused"})])
    assert vector_store.search(("r",)) == []


def test_without_an_index_a_query_is_ignored(open_store, database):
    store = open_store(index=False)
    store.put(("n",), "k", {"text": "apple"})
    assert [item.score for item in store.search(("n",), query="apple")] == [None]
    assert database.execute("SELECT space, embeddings FROM documents").fetchone() == (None, None)


def test_another_embedder_finds_what_an_earlier_one_indexed(store, vector_store, database):
    store.put(("w",), "k", {"text": "apple"})
    store.put(("w",), "unindexed", {"text": "apple"}, index=False)
    assert vector_store.search(("w",), query='{"text": "apple"}')[0].score == pytest.approx(1.0, abs=1e-3)
    assert database.execute("SELECT key, space FROM documents ORDER BY key").fetchall() == [
        ("k", "own 60"),
        ("unindexed", None),
    ]
    assert store.search(("w",), query="apple")[0].score > 0


def test_expired_items_are_not_found_and_are_deleted_by_the_workers(open_store, database, workers):
    store = open_store(ttl={"default_ttl": 1 / 60, "refresh_on_read": False})
    store.put(("t",), "short", {"n": 1})
    store.put(("t",), "long", {"n": 2}, ttl=None)
    store.put(("t",), "own", {"n": 3}, ttl=10)
    assert len(store.search(("t",))) == 3
    wait_until(lambda: database.execute("SELECT count(*) FROM documents").fetchone() == (2,), seconds=60)
    assert store.get(("t",), "short") is None and set(keys(store.search(("t",)))) == {"long", "own"}


def remaining(database, key):
    """Return the seconds after which an item expires."""
    [seconds] = database.execute(
        "SELECT extract(epoch FROM expires_at - clock_timestamp())::float8 FROM documents WHERE key = %s", (key,)
    ).fetchone()
    return seconds


@pytest.mark.parametrize("read", ["get", "search", "search by meaning"])
@pytest.mark.parametrize(("refreshes", "default"), [(True, True), (None, True), (None, False), (False, True)])
def test_reads_begin_the_time_to_live_again(open_store, database, read, refreshes, default):
    store = open_store(ttl={"default_ttl": 5, "refresh_on_read": default})
    store.put(("t",), "k", {"n": 1})
    assert 290 < remaining(database, "k") <= 300
    database.execute("UPDATE documents SET expires_at = clock_timestamp() + interval '20 seconds'")
    if read == "get":
        store.get(("t",), "k", refresh_ttl=refreshes)
    else:
        store.search(("t",), query=None if read == "search" else "n", refresh_ttl=refreshes)
    expected = refreshes if refreshes is not None else default
    assert (remaining(database, "k") > 290) is expected


def test_the_time_to_live_begins_again_among_thousands_of_items(open_store):
    """Here the statement once took 20 s: it ran a subquery for each item of the user."""
    store = open_store(index=False)
    store.batch([PutOp(("n",), str(number), {"x": number}, ttl=60) for number in range(5_000)])
    assert store.get(("n",), "7").value == {"x": 7}
    assert len(store.search(("n",), limit=1_000)) == 1_000


@pytest.mark.parametrize("user_id", ["", "x" * 201, "a\n"])
def test_an_illegal_user_is_refused(open_store, user_id):
    """An empty id is a mistake of the caller: its items must not belong to the owner that all share."""
    with pytest.raises(InvalidId):
        open_store(user_id)
    with pytest.raises(InvalidId):
        open_store(lambda: user_id).get(("n",), "k")


def test_an_expired_item_is_in_no_list_and_can_be_put_again(store, database):
    store.put(("t",), "k", {"n": 1}, ttl=0)
    assert store.list_namespaces() == [] and store.get(("t",), "k") is None
    store.put(("t",), "k", {"n": 2})
    assert store.get(("t",), "k").value == {"n": 2}
    assert database.execute("SELECT expires_at FROM documents").fetchone() == (None,)


NAMESPACES = [
    ("a", "b", "c"),
    ("a", "b", "d", "e"),
    ("a", "b", "d", "i"),
    ("a", "b", "f"),
    ("a", "c", "f"),
    ("b", "a", "f"),
    ("é",),
]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({}, NAMESPACES),
        ({"prefix": ("a", "b")}, NAMESPACES[:4]),
        ({"suffix": ("f",)}, NAMESPACES[3:6]),
        ({"prefix": ("a",), "suffix": ("f",)}, NAMESPACES[3:5]),
        ({"prefix": ("a", "*", "f")}, NAMESPACES[3:5]),
        ({"suffix": ("*", "f")}, NAMESPACES[3:6]),
        ({"prefix": ("a", "b", "d"), "max_depth": 3}, [("a", "b", "d")]),
        ({"max_depth": 1}, [("a",), ("b",), ("é",)]),
        ({"max_depth": 2, "limit": 2, "offset": 1}, [("a", "c"), ("b", "a")]),
        ({"limit": 2, "offset": 3}, NAMESPACES[3:5]),
        ({"prefix": ["a", "b", "c", "d"]}, []),
        ({"prefix": ("nothing",)}, []),
    ],
)
def test_list_namespaces(store, arguments, expected):
    store.batch([PutOp(namespace, str(n), {"n": n}) for namespace in NAMESPACES for n in range(2)])
    assert store.list_namespaces(**arguments) == expected
    assert asyncio.run(store.alist_namespaces(**arguments)) == expected


def test_sync_calls_work_inside_a_running_loop_and_in_threads(store):
    async def in_a_loop():
        store.put(("l",), "sync", {"n": 1})
        await store.aput(("l",), "async", {"n": 2})
        return store.get(("l",), "async").value, (await store.aget(("l",), "sync")).value

    assert asyncio.run(in_a_loop()) == ({"n": 2}, {"n": 1})
    assert asyncio.run(in_a_loop()) == ({"n": 2}, {"n": 1})  # a second loop, the first is closed
    with ThreadPoolExecutor(10) as threads:
        list(threads.map(lambda n: store.put(("threads",), str(n), {"n": n}), range(100)))
    assert len(store.search(("threads",), limit=200)) == 100


def test_thousands_of_tasks_at_once(vector_store, embeddings):
    async def run():
        puts = [vector_store.aput(("g", str(n % 3)), f"k{n}", {"n": n}) for n in range(2_000)]
        await asyncio.gather(*puts, *(vector_store.adelete(("g", "9"), str(n)) for n in range(500)))
        found = await asyncio.gather(*(vector_store.aget(("g", str(n % 3)), f"k{n}") for n in range(2_000)))
        return [item.value["n"] for item in found]

    assert asyncio.run(run()) == list(range(2_000))
    assert embeddings.calls < 200


def test_the_fault_of_one_task_is_no_fault_of_the_others(vector_store):
    async def run():
        puts = [vector_store.aput(("f",), f"k{n}", {"text": "refused" if n == 5 else "fine"}) for n in range(10)]
        return await asyncio.gather(*puts, return_exceptions=True)

    outcomes = asyncio.run(run())
    assert [n for n, outcome in enumerate(outcomes) if outcome is not None] == [5]
    assert len(vector_store.search(("f",))) == 9


def test_a_cancelled_put_is_all_or_nothing(store):
    async def run():
        tasks = [asyncio.create_task(store.aput(("c",), f"k{n}", {"n": n})) for n in range(50)]
        await asyncio.sleep(0.002)
        for task in tasks[::2]:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return [n for n, task in enumerate(tasks) if not task.cancelled()]

    finished = asyncio.run(run())
    stored = {item.value["n"] for item in store.search(("c",), limit=100)}
    assert set(finished) <= stored and set(finished) >= set(range(1, 50, 2))


def test_batches_with_the_same_items_in_other_orders_do_not_fail(store):
    failures = []

    def put_all(seed):
        names = list(range(20))
        for _ in range(15):
            random.Random(seed).shuffle(names)
            try:
                store.batch([PutOp(("d",), str(n), None if (n + seed) % 3 == 0 else {"n": n}) for n in names])
            except Exception as error:
                failures.append(error)

    threads = [threading.Thread(target=put_all, args=(seed,)) for seed in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_nobody_reads_the_items_of_another_user_or_tenant(open_store):
    open_store("ana").put(("x",), "k", {"whose": "ana"})
    open_store("ben").put(("x",), "k", {"whose": "ben"})
    assert open_store("ana").get(("x",), "k").value == {"whose": "ana"}
    assert [item.value for item in open_store("ben").search((), query="ana")] == [{"whose": "ben"}]
    assert open_store("ana", tenant_id="other").list_namespaces() == []
    open_store("ben").delete(("x",), "k")
    assert open_store("ana").get(("x",), "k") is not None


def test_items_without_a_user_belong_to_one_owner(open_store):
    open_store(None).put(("x",), "k", {"n": 1})
    assert open_store(None).get(("x",), "k") is not None and open_store("langgraph").get(("x",), "k") is not None
    assert open_store("ana").get(("x",), "k") is None


def test_a_users_items_do_not_keep_workers_from_archiving(store, settings, workers):
    memory = MemoryClient("ana", "chat", settings=settings)
    memory.write("user", "I live in Porto.", name="Ana")
    store.put(("memories",), "k", {"text": "Ana lives in Porto"})
    memory.flush(wait_seconds=60)
    assert [fact.text for fact in memory.facts()] != []
    assert len(store.search(("memories",), query="Porto")) == 1
