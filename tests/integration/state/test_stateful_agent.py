"""examples/stateful_agent.py prints what it says, with a scripted model."""

import ast
import doctest
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from afterturn.local import environment
from afterturn.local.stack import Stack
from api_shim.cli.processes import COMMANDS
from harness.llm_server import LLMServer

EXAMPLE = Path(__file__).parents[3] / "examples" / "stateful_agent.py"


@pytest.mark.slow
def test_the_example_prints_what_it_says(settings, tmp_path):
    with LLMServer() as model:
        quick = {"api_port": 0, "batch_idle_seconds": 0.2}
        ours = type(settings)(**settings.model_dump(exclude_unset=True) | quick)
        with Stack(
            ours, data_dir=tmp_path, commands=COMMANDS, names=("fast worker", "slow worker", "api", "beat")
        ) as s:
            variables = {
                "OPENAI_BASE_URL": model.base_url,
                "OPENAI_API_KEY": "none",
                "OPENAI_MODEL": "scripted",
                "API_URL": s.address("api"),
            }
            ended = subprocess.run(
                [sys.executable, str(EXAMPLE)],
                env=environment.child_environment(ours) | {"PATH": os.defpath} | variables,
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
            )
    assert ended.returncode == 0, f"{ended.stdout}\n{ended.stderr}"
    text = (ast.get_docstring(ast.parse(EXAMPLE.read_text())) or "").partition("It prints::")[2]
    wanted = doctest.Example("", textwrap.dedent(text).strip("\n") + "\n")
    checker, flags = doctest.OutputChecker(), doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    assert checker.check_output(wanted.want, ended.stdout, flags), checker.output_difference(
        wanted, ended.stdout, flags
    )
