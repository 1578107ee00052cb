"""The page that follows one turn names the files that really work on it, and no more than a newcomer can read."""

import re
import sys
from pathlib import Path

import pytest

from afterturn import MemoryClient
from harness.llm_server import LLMServer
from harness.pipeline import Pipeline
from tests.docs.pages import ROOT, text_of

MOST_FILES = 35
#: These run in a worker process; the pipeline of this test calls the stages directly.
OF_WORKERS = {"worker/sweeping.py", "tasks/archive.py", "afterturn/pipeline/enqueue.py"}
GIVEN = {"facts": [{"text": "Ana lives in Lisbon.", "evidence": [{"turn": 1, "quote": "I live in Lisbon"}]}]}


def named_files() -> list[str]:
    return re.findall(r"^\d+\. `([\w/]+\.py)`", text_of("docs/explanation/one-turn.md"), re.MULTILINE)


@pytest.fixture
def executed() -> set[str]:
    """The files of the checkout whose functions have been called since the fixture was made."""
    files: set[str] = set()

    def note(frame, event, _argument):
        if event == "call" and frame.f_code.co_name != "<module>":
            files.add(frame.f_code.co_filename)

    sys.setprofile(note)
    yield files
    sys.setprofile(None)


def test_a_newcomer_reads_at_most_35_files():
    assert 25 < len(named_files()) == len(set(named_files())) <= MOST_FILES
    assert f"It names {len(named_files())} Python files" in text_of("docs/explanation/one-turn.md")


def test_each_named_file_works_on_the_turn(settings, hot_store, executed):
    with LLMServer() as server:
        server.queue(GIVEN, on="extract")
        with_llm = type(settings)(
            **settings.model_dump(exclude_unset=True) | {"llm_base_url": server.base_url, "llm_api_key": "sk-test"}
        )
        memory = MemoryClient("ana", "chat", settings=with_llm)
        with Pipeline(with_llm) as pipeline:
            memory.write("user", "I live in Lisbon.", name="Ana")
            pipeline.settle()
            # Something is known by now: the next statement is put to the judge.
            memory.write("user", "I row.", name="Ana")
            server.queue({"facts": [{"text": "Ana rows.", "evidence": [{"turn": 1, "quote": "I row"}]}]}, on="extract")
            pipeline.settle()
        assert memory.recall("Where does Ana live?", 1)[0].text == "Ana lives in Lisbon."
    worked = {str(Path(name).relative_to(ROOT)) for name in executed if name.startswith(str(ROOT))}
    assert set(named_files()) - OF_WORKERS - worked == set()
