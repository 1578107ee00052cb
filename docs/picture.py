"""Draw the picture of the README: `make picture` runs the demo and writes what it printed as an SVG.

The session summaries are left out, to keep the picture short; nothing else is changed.
"""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

WIDTH = 100
#: Fonts that a viewer would fetch from another host; the reader's own monospaced font does as well.
FONTS = re.compile(r"\s*@font-face \{.*?\}", re.DOTALL)
SUMMARIES = re.compile(r"^\S*Session summaries.*?(?=^\S*The run)", re.MULTILINE | re.DOTALL)
#: What hides and shows the cursor.
CURSOR = re.compile(r"\x1b\[\?25[lh]")


def run_demo() -> str:
    """Return what the demo prints on a terminal with colours, its progress bars as they are at the end."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AFTERTURN_")}
    terminal = {"FORCE_COLOR": "1", "TTY_INTERACTIVE": "0", "COLUMNS": str(WIDTH)}
    command = [sys.executable, "-m", "api_shim.cli.main", "demo", "--questions", "4"]
    done = subprocess.run(command, env=kept | terminal, stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout


def draw(output: str) -> str:
    """Return the output as an SVG."""
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True)
    shown = SUMMARIES.sub("", CURSOR.sub("", output)).strip()
    console.print(Text.from_ansi("$ make demo\n" + shown))
    return FONTS.sub("", console.export_svg(title="afterturn", unique_id="demo"))


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(draw(run_demo()), encoding="utf-8")
