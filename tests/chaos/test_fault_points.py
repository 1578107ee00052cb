"""No fault point is forgotten: what the stages reach and what faults.POINTS lists is the same, in the same order."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from afterturn import faults
from harness.chaos import crash

ROOT = Path(__file__).parents[2]
#: A stage's own file, and what runs for every stage that claims batches.
STAGES = sorted(
    path.stem for path in (ROOT / "afterturn" / "pipeline" / "stages").glob("*.py") if path.stem != "__init__"
)
SOURCES = sorted(path for room in ("afterturn", "tasks", "worker") for path in (ROOT / room).rglob("*.py"))
#: Where stages share fault points: the file, and the function that they call.
SHARED = {"claims.py": "claims.claim_batch", "judging.py": "judging.ask_judge"}
BEGINNINGS = {"begun", "before_claim", "before_lock"}


def _calls(tree: ast.AST) -> list[ast.Call]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.Call)]


def _name(call: ast.Call) -> str:
    return ast.unparse(call.func)


def _stages_of(function: str) -> set[str]:
    """The stages for which a function that they share is called: what `{stage}` stands for in it."""
    return {
        keyword.value.value
        for path in SOURCES
        for call in _calls(ast.parse(path.read_text()))
        if _name(call) == function
        for keyword in call.keywords
        if keyword.arg == "stage" and isinstance(keyword.value, ast.Constant)
    }


def _named(argument: ast.expr, path: Path) -> set[str]:
    if isinstance(argument, ast.Constant):
        return {str(argument.value)}
    assert isinstance(argument, ast.JoinedStr), f"a fault point's name must be written out: {ast.unparse(argument)}"
    pattern = "".join(part.value if isinstance(part, ast.Constant) else "{stage}" for part in argument.values)
    return {pattern.replace("{stage}", stage) for stage in _stages_of(SHARED[path.name])}


def _reached() -> set[str]:
    return {
        point
        for path in SOURCES
        if path.name != "faults.py"
        for call in _calls(ast.parse(path.read_text()))
        if _name(call) == "faults.point"
        for point in _named(call.args[0], path)
    }


def test_what_is_reached_is_what_is_listed():
    listed = {f"{stage}.{point}" for stage, points in faults.POINTS.items() for point in points}
    assert _reached() == listed


def test_every_stage_has_points_and_the_matrix_strikes_at_all_of_them():
    assert set(faults.POINTS) >= set(STAGES) - set(crash.ELSEWHERE)
    assert set(faults.POINTS) == {*crash.PASSED, *(stage for stage in crash.ELSEWHERE if stage in faults.POINTS)}


def _source_of(stage: str) -> str:
    paths = (ROOT / room / f"{stage}.py" for room in ("afterturn/pipeline/stages", "tasks"))
    return "".join(path.read_text() for path in paths if path.exists())


@pytest.mark.parametrize("stage", crash.PASSED)
def test_a_stage_can_be_struck_at_its_beginning_around_its_commit_and_after_it_hands_on(stage):
    points, source = faults.POINTS[stage], _source_of(stage)
    assert points[0] in BEGINNINGS
    if "connection.transaction()" in source and stage != "sweep":
        assert points.index("before_commit") + 1 == points.index("after_commit")
    if "claims.claim_batch(" in source or "leases.claim(" in source:
        assert points.index("before_claim") + 1 == points.index("after_claim")
    if "enqueue.send(" in source:
        assert points[-1] == "enqueued"
    if "extractor.extract(" in source or "summarizer.summarize(" in source:
        assert "answer_received" in points
    if "stored_answers.store_answer(" in source:
        assert "answer_stored" in points


def test_it_costs_nothing_when_it_is_off():
    assert faults.ENVIRONMENT_VARIABLE not in os.environ
    assert faults.point is faults._do_nothing
    code = faults._do_nothing.__code__
    assert (code.co_names, code.co_nlocals, code.co_consts[-1]) == ((), 1, None)


@pytest.mark.parametrize("struck", ["here", "elsewhere"])
def test_it_strikes_once_and_at_its_point_only(tmp_path, struck):
    """Two processes reach the point: the first is killed, the second finds the flag file and passes."""
    flag = tmp_path / "fired"
    environment = os.environ | {faults.ENVIRONMENT_VARIABLE: f"{struck}.point kill {flag}", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", "from afterturn import faults; faults.point('here.point')"]
    codes = [subprocess.run(command, env=environment, timeout=120).returncode for _ in range(2)]
    assert codes == ([-9, 0] if struck == "here" else [0, 0])
    assert flag.exists() == (struck == "here")
