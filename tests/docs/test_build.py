"""The documentation builds without a warning, and loads nothing from elsewhere; what is broken fails the build."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import ROOT

#: What a browser would fetch from another host to show a page.
FETCHED = re.compile(
    r'<(?:script|img|iframe)[^>]* src="https?://|<link[^>]* href="https?://|@import|url\(["\']?https?://'
)

BROKEN = """\
# A page

[no such page](no-such-page.md), [no such heading](#no-such-heading), ![no such picture](no-such-picture.svg)

```{eval-rst}
:py:class:`afterturn.NoSuchClass`
```

```{toctree}
no-such-page
```
"""


def build(source: Path, target: Path) -> subprocess.CompletedProcess[str]:
    """Build as `make docs` does."""
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-E", "-q", "-c", str(ROOT / "docs"), "-b", "html"]
    return subprocess.run(
        [*command, str(source), str(target)], capture_output=True, text=True, timeout=300, check=False
    )


@pytest.mark.slow
def test_the_docs_build_without_a_warning_and_fetch_nothing(tmp_path: Path) -> None:
    built = build(ROOT, tmp_path)
    assert (built.returncode, built.stderr) == (0, "")
    shown = [path for kind in ("html", "css") for path in tmp_path.rglob(f"*.{kind}")]
    assert len(shown) > 40
    fetching = [path.name for path in shown if FETCHED.search(path.read_text(encoding="utf-8"))]
    assert fetching == []


@pytest.mark.slow
def test_whatever_is_broken_fails_the_build(tmp_path: Path) -> None:
    page = tmp_path / "source" / "docs" / "index.md"
    page.parent.mkdir(parents=True)
    page.write_text(BROKEN)
    built = build(tmp_path / "source", tmp_path / "target")
    assert built.returncode != 0
    for broken in (
        "'no-such-page.md'",
        "'no-such-heading'",
        "no-such-picture.svg",
        "NoSuchClass",
        "nonexisting document 'docs/no-such-page'",
    ):
        assert broken in built.stderr, built.stderr
