"""The language model is unpacked once for a user; whoever cannot keep it unpacks it each time."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from py3langid.langid import LanguageIdentifier

from afterturn.languages import unpacked_model

LANGUAGES = ["de", "en", "pl", "pt", "tlh"]
TEXTS = [
    "Unser Hund schläft im Garten.",
    "I have a dog.",
    "Wczoraj kupiłem nowy rower.",
    "Deixei a bicicleta.",
    "OK",
    "7",
]


@pytest.fixture
def caches(tmp_path, monkeypatch):
    """The directory of the user's caches."""
    monkeypatch.setenv(unpacked_model.CACHE_HOME, str(tmp_path / "caches"))
    return tmp_path / "caches"


@pytest.fixture
def never_unpacks(monkeypatch):
    """Unpacking the library's file is an error."""

    def refuse(*_, **__):
        raise AssertionError("it was unpacked again")

    return lambda: monkeypatch.setattr(LanguageIdentifier, "from_model_file", refuse)


def ranks(identifier):
    return [identifier.rank(text) for text in TEXTS]


def test_what_is_kept_gives_the_same_answers(caches, kept, never_unpacks):
    shutil.copytree(kept[0], caches)
    never_unpacks()
    mapped = unpacked_model.load(LANGUAGES)
    assert mapped.labels == ["de", "en", "pl", "pt"]
    assert ranks(mapped) == kept[1]


def test_other_languages_are_kept_beside_them(caches):
    unpacked_model.load(LANGUAGES)
    assert unpacked_model.load(["de", "en"]).labels == ["de", "en"]
    assert len(list((caches / "afterturn").iterdir())) == 2


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """The directory of caches with the unpacked model, and what it answers."""
    with pytest.MonkeyPatch.context() as patch:
        directory = tmp_path_factory.mktemp("caches")
        patch.setenv(unpacked_model.CACHE_HOME, str(directory))
        return directory, ranks(unpacked_model.load(LANGUAGES))


def cut_short(path):
    path.write_bytes(path.read_bytes()[:1_000])


@pytest.mark.parametrize(
    ("name", "damage"),
    [("table.npy", cut_short), ("states.npy", cut_short), ("rest.npz", cut_short), ("rest.npz", Path.unlink)],
)
def test_damaged_files_are_replaced(caches, kept, never_unpacks, name, damage):
    shutil.copytree(kept[0], caches)
    damage(unpacked_model.directory(LANGUAGES) / name)
    assert ranks(unpacked_model.load(LANGUAGES)) == kept[1]
    never_unpacks()
    assert ranks(unpacked_model.load(LANGUAGES)) == kept[1]
    assert len(list((caches / "afterturn").iterdir())) == 1


def test_a_cache_that_cannot_be_written_is_done_without(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv(unpacked_model.CACHE_HOME, str(tmp_path / "file"))
    assert unpacked_model.load(LANGUAGES).classify("I have a dog.")[0] == "en"


def test_a_user_without_a_home_is_served(monkeypatch):
    def refuse():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv(unpacked_model.CACHE_HOME, raising=False)
    monkeypatch.setattr(Path, "home", refuse)
    assert unpacked_model.load(LANGUAGES).classify("I have a dog.")[0] == "en"


PROGRAM = f"""
import json
from afterturn.languages import unpacked_model
print(json.dumps([unpacked_model.load({LANGUAGES!r}).classify(text)[0] for text in {TEXTS!r}]))
"""


def test_processes_that_start_together_get_the_same(caches):
    started = [subprocess.Popen([sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE) for _ in range(2)]
    answers = [json.loads(process.communicate(timeout=120)[0]) for process in started]
    assert answers == [answers[0]] * 2 and answers[0][:4] == ["de", "en", "pl", "pt"]
    assert len(list((caches / "afterturn").iterdir())) == 1
