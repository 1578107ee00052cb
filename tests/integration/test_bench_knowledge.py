"""bench.knowledge on a conversation of its own: real servers, the model over HTTP, three runs."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BOUNDED = ("facts_lost", "facts_doubled", "evidence_wrong", "stale_current", "wrongly_superseded")


def point(text: str, *originals: str, source: str = "secondary") -> dict:
    updates = {"is_update": str(bool(originals)), "original_memories": list(originals)}
    return {"memory_content": text, "memory_source": source, **updates}


def session(day: int, said: list[str], points: list[dict]) -> dict:
    rows = []
    for minute, content in enumerate(said):
        moment = f"Mar {day:02}, 2024, 10:{minute:02}:00"
        rows.append({"role": "user", "content": content, "timestamp": moment})
        rows.append({"role": "assistant", "content": "Noted, thank you.", "timestamp": moment})
    return {"dialogue": rows, "memory_points": points}


SESSIONS = [
    session(
        1,
        ["I moved to Lisbon last week.", "My sister Ines plays the cello."],
        [
            point("Mara lives in Lisbon."),
            point("Mara's sister Ines plays the cello."),
            point("Mara plays the cello.", source="interference"),
        ],
    ),
    session(2, ["I swim every morning before work."], [point("Mara swims every morning.")]),
    session(
        3,
        ["Lisbon was too loud, so Porto is where I live now.", "The doctor wants me to rest: no swimming."],
        [
            point("Mara resides in Porto.", "Mara lives in Lisbon."),
            point("Mara has given up swimming for now.", "Mara swims every morning."),
            point("Mara works as a nurse in a hospital.", "Mara is studying to be a nurse."),
        ],
    ),
]


@pytest.fixture
def data(tmp_path):
    path = tmp_path / "mara.jsonl"
    user = {"uuid": "mara", "persona_info": "Name: Mara Lund; Gender: Female", "sessions": SESSIONS}
    path.write_text(json.dumps(user) + "\n", "utf-8")
    return path


def run(*arguments: object) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "bench.knowledge", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=180, check=False)


def test_it_measures_three_runs_and_holds_the_bounds(data, tmp_path):
    misses = tmp_path / "misses.jsonl"

    done = run("--set", "halumem", "--data", data, "--json", "--misses", misses)

    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    for held in (figures, figures["injected"]):
        assert {name: held[name] for name in BOUNDED} == dict.fromkeys(BOUNDED, 0)
        assert held["judge_calls_per_100_turns"] > 0
        assert held["pairs_per_call"] >= 1
    # Facts: those of the three sessions, and the old value that nobody said.
    assert (figures["facts"], figures["updates"], figures["turns"]) == (7, 3, 11)
    rules_only = figures["rules_only"]
    assert rules_only["judge_calls_per_100_turns"] == 0
    assert rules_only["facts_lost"] == rules_only["facts_doubled"] == rules_only["evidence_wrong"] == 0
    stale = [json.loads(line) for line in misses.read_text("utf-8").splitlines()]
    assert {miss["run"] for miss in stale} == {"rules_only"}
    assert len(stale) == round(3 * rules_only["stale_current"]) > 0


def test_data_of_another_form_is_refused_in_one_line(data):
    done = run("--set", "realmem", "--data", data)

    assert done.returncode == 1
    assert done.stderr.splitlines() == [f"{data} is no RealMem file: KeyError: 'dialogues'"]
