"""Every snippet of README and docs is run, in order, against a real `afterturn up`; those that are not say why."""

from __future__ import annotations

import re

import pytest

from tests.docs.pages import GENERATED, PAGES, fences_of, text_of
from tests.docs.snippets import run_page
from tests.docs.terminal import Terminal

#: Languages that are run or compared, and those that are only read. Others would slip through.
CHECKED = ("python", "sh", "text", "json")
READ = ("", "ini", "nginx", "sql", "ts", "{toctree}", "{eval-rst}")
SKIP = re.compile(r'^<!--- skip: next "(?P<reason>[^"]{10,})" -->$', re.MULTILINE)
RUNNING = [page for page in PAGES if any(fence.language in CHECKED for fence in fences_of(page))]


@pytest.mark.slow
@pytest.mark.parametrize("page", RUNNING)
def test_the_snippets_of_a_page_run(page: str, terminal: Terminal) -> None:
    run_page(page, terminal)


@pytest.mark.parametrize("page", [page for page in PAGES if page != GENERATED])
def test_no_snippet_slips_through(page: str) -> None:
    unknown = [fence for fence in fences_of(page) if fence.language not in CHECKED + READ]
    assert unknown == []
    assert len(SKIP.findall(text_of(page))) == len(re.findall(r"(?m)^<!-+ *skip:", text_of(page)))


def test_few_snippets_are_left_out_and_none_of_python() -> None:
    skipped = [line.strip() for page in PAGES for line in SKIP.split(text_of(page))[2::2]]
    languages = [following.partition("\n")[0] for following in skipped]
    assert set(languages) <= {"```sh"}
    commands = [fence for page in PAGES for fence in fences_of(page) if fence.language in ("python", "sh")]
    assert len(skipped) <= len(commands) / 5
