"""The local model. Set TEST_MODEL_PATH to a folder with all-MiniLM-L6-v2 to run these."""

import math
import os
import sys
import threading
from pathlib import Path

import pytest

from afterturn.embedding.local_model import FastEmbedEmbedder
from afterturn.errors import MissingExtra, SettingsError

MODEL_PATH = os.environ.get("TEST_MODEL_PATH")
needs_model = pytest.mark.skipif(not MODEL_PATH, reason="TEST_MODEL_PATH names no folder with all-MiniLM-L6-v2")


@pytest.fixture(scope="module")
def embedder() -> FastEmbedEmbedder:
    pytest.importorskip("fastembed")
    return FastEmbedEmbedder(model_path=MODEL_PATH)


def cosine(one: list[float], other: list[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


@needs_model
def test_vectors_compare_meaning_and_are_in_order(embedder: FastEmbedEmbedder):
    texts = ["Ana's home is in the capital of Portugal", "x" * 3_000, "Where does Ana live?", "", "tax report"]

    vectors = embedder.embed(texts)

    assert embedder.dimension == 384
    for vector in vectors:
        assert len(vector) == 384
        assert math.hypot(*vector) == pytest.approx(1)
    assert cosine(vectors[0], vectors[2]) > 0.5 > cosine(vectors[4], vectors[2])
    assert embedder.embed(texts[::-1])[0] == pytest.approx(vectors[-1], abs=1e-4)


@needs_model
def test_threads_share_one_model(embedder: FastEmbedEmbedder):
    alone = embedder.embed(["Ana lives in Lisbon"])[0]
    together: list[list[float]] = []
    threads = [
        threading.Thread(target=lambda: together.extend(embedder.embed(["Ana lives in Lisbon"]))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert together == [alone] * 4


def test_no_texts_load_no_model():
    assert FastEmbedEmbedder().embed([]) == []


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "fastembed", None)

    with pytest.raises(MissingExtra, match=r"pip install 'afterturn\[local\]'"):
        FastEmbedEmbedder().embed(["x"])


def test_a_folder_without_a_model_is_named(tmp_path: Path):
    pytest.importorskip("fastembed")

    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(SettingsError, match="AFTERTURN_EMBEDDING_MODEL_PATH"):
            FastEmbedEmbedder(model_path=path).embed(["x"])


def test_an_unknown_model_is_named():
    pytest.importorskip("fastembed")

    with pytest.raises(SettingsError, match="AFTERTURN_EMBEDDING_MODEL"):
        _ = FastEmbedEmbedder("nobody/nothing").dimension
