"""How each kind of block in a page is run. Sybil finds them; comments in HTML say what readers need not see.

`python` and `sh` are run. `text` is what the block before it prints; `...` stands for anything. `json` must be JSON,
one value or one a line. `<!--- skip: next "reason" -->` before a block leaves it out, and
`<!--- invisible-code-block: python` runs a check that readers do not see.
"""

from __future__ import annotations

import doctest
import json
from unittest import SkipTest

from sybil import Document, Example, Sybil
from sybil.evaluators.python import pad
from sybil.parsers.markdown import CodeBlockParser, SkipParser

from tests.docs.pages import ROOT
from tests.docs.terminal import Failed, Terminal

_FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def run_python(example: Example) -> None:
    terminal: Terminal = example.namespace["terminal"]
    source = pad(example.parsed, example.line + example.parsed.line_offset)
    terminal.run_python(source, example.path)


def run_shell(example: Example) -> None:
    terminal: Terminal = example.namespace["terminal"]
    terminal.run_shell(example.parsed)


def compare_output(example: Example) -> str | None:
    terminal: Terminal = example.namespace["terminal"]
    expected = doctest.Example("", example.parsed)
    checker = doctest.OutputChecker()
    if checker.check_output(expected.want, terminal.output, _FLAGS):
        return None
    return checker.output_difference(expected, terminal.output, _FLAGS)


def check_json(example: Example) -> None:
    try:
        json.loads(example.parsed)
    except ValueError:
        for line in example.parsed.splitlines():
            json.loads(line)


SYBIL = Sybil(
    parsers=[
        CodeBlockParser("python", run_python),
        CodeBlockParser("sh", run_shell),
        CodeBlockParser("text", compare_output),
        CodeBlockParser("json", check_json),
        SkipParser(),
    ]
)


def document_of(page: str) -> Document:
    """Return a page with its snippets."""
    return SYBIL.parse(ROOT / page)


def run_page(page: str, terminal: Terminal) -> None:
    """Run the page's snippets in order. Raises what the first one raises that does not do what the page says."""
    document = document_of(page)
    document.namespace["terminal"] = terminal
    for example in document.examples():
        try:
            example.evaluate()
        except SkipTest:
            continue
        except Failed as failed:
            raise Failed(f"{page}, line {example.line}:\n{failed}") from None
