"""Where a model is: while one replaces another, each is reached at its own endpoint or in its own folder."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from afterturn import settings
from afterturn.embedding import named_model, spaces
from afterturn.embedding.model_access import find_access
from afterturn.embedding.spaces import EmbeddingSpace


def load(**variables):
    return settings.load({f"AFTERTURN_{name}": value for name, value in variables.items()})


OTHERS = json.dumps({"old": {"base_url": "http://old/v1", "api_key": "sk-old"}, "folder": {"path": "/models/folder"}})


def test_a_model_that_is_named_is_where_it_says():
    loaded = load(EMBEDDING_BASE_URL="http://new/v1", EMBEDDING_API_KEY="sk-new", EMBEDDING_OTHER_MODELS=OTHERS)
    old, new, folder = (find_access(loaded, name) for name in ("old", "new", "folder"))
    assert (old.base_url, old.api_key, old.path) == ("http://old/v1", "sk-old", None)
    assert (new.base_url, new.api_key) == ("http://new/v1", "sk-new")
    # No key goes to another endpoint than its own.
    assert (folder.base_url, folder.api_key, folder.path) == (None, None, Path("/models/folder"))
    assert "sk-old" not in repr(loaded)


def test_a_folder_is_not_taken_for_that_of_another_model():
    loaded = load(EMBEDDER="fastembed", EMBEDDING_MODEL="new-model", EMBEDDING_MODEL_PATH="/models/new")
    assert find_access(loaded, "new-model").path == find_access(loaded, "New-Model").path == Path("/models/new")
    assert find_access(loaded, "old-model").path is None
    assert find_access(load(EMBEDDING_MODEL_PATH="/models/x"), "any").path == Path("/models/x")


def test_the_embedders_of_two_spaces_are_opened_with_their_own_access():
    loaded = load(EMBEDDING_BASE_URL="http://new/v1", EMBEDDING_OTHER_MODELS=OTHERS)
    opened = [spaces.open_embedder(space("openai", model, 8), loaded)._endpoint._base_url for model in ("old", "new")]
    assert opened == ["http://old/v1", "http://new/v1"]


def space(provider, model, dimension, state="serving"):
    return EmbeddingSpace(space_id=1, provider=provider, model=model, dimension=dimension, state=state)


HASHING = space("hashing", "hashing-1", 512)
SMALL = space("openai", "text-embedding-3-small", 1536)


@pytest.mark.parametrize(
    ("variables", "serving", "parts"),
    [
        ({}, HASHING, []),
        ({}, SMALL, []),
        ({"EMBEDDER": "hashing"}, HASHING, []),
        ({"EMBEDDER": "openai"}, SMALL, []),
        ({"EMBEDDER": "openai", "EMBEDDING_MODEL": "Text-Embedding-3-small"}, SMALL, []),
        ({"EMBEDDING_DIMENSION": "1536"}, SMALL, []),
        ({"EMBEDDER": "openai"}, HASHING, ["AFTERTURN_EMBEDDER:", "text-embedding-3-small (openai)"]),
        ({"EMBEDDER": "hashing"}, SMALL, ["AFTERTURN_EMBEDDER:", "hashing-1 (hashing)"]),
        ({"EMBEDDING_MODEL": "other"}, SMALL, ["AFTERTURN_EMBEDDING_MODEL:", "other (openai)"]),
        ({"EMBEDDING_MODEL": "other"}, HASHING, ["AFTERTURN_EMBEDDING_MODEL:"]),
        ({"EMBEDDING_DIMENSION": "256"}, SMALL, ["AFTERTURN_EMBEDDING_DIMENSION:", "dimension 256"]),
        ({"EMBEDDER": "openai", "EMBEDDING_MODEL": "m"}, SMALL, ["AFTERTURN_EMBEDDER and AFTERTURN_EMBEDDING_MODEL:"]),
        ({"EMBEDDING_BASE_URL": "http://h"}, HASHING, ["AFTERTURN_EMBEDDING_BASE_URL: not used"]),
        ({"EMBEDDING_MODEL_PATH": "/m", "EMBEDDING_API_KEY": "k"}, HASHING, ["PATH, AFTERTURN_EMBEDDING_API_KEY: not"]),
        ({"EMBEDDING_BASE_URL": "http://h"}, SMALL, []),
    ],
)
def test_settings_without_effect_are_named(variables, serving, parts):
    found = named_model.find_warnings(load(**variables), [serving])
    assert len(found) == (1 if parts else 0), found
    for part in parts:
        assert part in found[0]


def test_a_model_that_is_being_built_is_not_warned_of():
    building = space("openai", "text-embedding-3-small", 1536, "building")
    assert named_model.find_warnings(load(EMBEDDER="openai", EMBEDDING_API_KEY="k"), [HASHING, building]) == []
    retired = space("openai", "text-embedding-3-small", 1536, "retired")
    assert len(named_model.find_warnings(load(EMBEDDER="openai"), [HASHING, retired])) == 1
