"""The table of names: each is found by a literal part of it, and each of its expressions compiles."""

from __future__ import annotations

import json
import re
from importlib import resources

from afterturn.redaction.names import Kind, find_names

TABLE = json.loads(resources.files("afterturn.redaction").joinpath("names.json").read_text("utf-8"))


def test_every_name_contains_a_part() -> None:
    names = [name for kind in Kind for of_language in TABLE[kind].values() for name in of_language]
    assert [name for name in names if not any(part in name for part in TABLE["parts"])] == []
    for name in names:
        re.compile(name)


def test_every_part_belongs_to_a_name() -> None:
    names = " ".join(name for kind in Kind for of_language in TABLE[kind].values() for name in of_language)
    assert [part for part in TABLE["parts"] if part not in names] == []


def test_the_more_exact_name_counts() -> None:
    assert [kind for kind, _, _ in find_names("the API key, the access code, the PIN and a key")] == [
        Kind.KEY,
        Kind.CODE,
        Kind.PIN,
        Kind.WEAK,
    ]
    assert list(find_names("The password manager and our token limit.")) == []
