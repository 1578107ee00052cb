"""Parsing of import files: valid lines become turns, invalid ones become problems without their content."""

import json
from datetime import UTC, datetime

import pytest

from afterturn.importing.lines import ImportLine, LineDefaults, LineProblem, LineReader

LINE = {"user": "ana", "session": "s", "role": "user", "content": "I live in Porto.", "at": "2023-05-08T13:56:00+02:00"}


def parse(*lines, **defaults):
    line_defaults = LineDefaults(**{"tenant_id": "default"} | defaults)
    texts = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines]
    return list(LineReader(line_defaults, limit_bytes=2_000).read_lines(texts))


def test_a_line_becomes_a_turn_of_its_session_at_its_time():
    [line] = parse(LINE | {"id": "t1", "name": "Ana", "agent": "bot", "metadata": {"mood": "good"}})
    assert isinstance(line, ImportLine)
    assert (line.number, line.session.tenant_id, line.session.user_id, line.session.session_id) == (
        *(1, "default", "ana"),
        "s",
    )
    turn = line.turn
    assert (turn.turn_id, turn.name, turn.agent_id, turn.metadata) == ("t1", "Ana", "bot", {"mood": "good"})
    assert (turn.occurred_at, turn.is_imported) == (datetime(2023, 5, 8, 11, 56, tzinfo=UTC), True)


def test_defaults_replace_missing_fields():
    bare = {"role": "user", "content": "Hello.", "at": "2023-05-08T13:56:00Z"}
    [one, other] = parse(bare, bare | {"user": "ben", "tenant": "t"}, user_id="ana", session_id="old")
    assert one.session.user_id == "ana"
    assert (other.session.tenant_id, other.session.user_id, other.session.session_id) == ("t", "ben", "old")


def test_the_id_of_a_turn_without_an_id_does_not_depend_on_its_place():
    other = LINE | {"content": "I moved."}
    first = [line.turn.turn_id for line in parse(LINE, other, LINE)]
    moved = [line.turn.turn_id for line in parse(b"", other, LINE, LINE | {"id": "x"}, LINE)]
    assert len(set(first)) == 3
    assert [moved[1], moved[0], moved[3]] == first
    assert parse(LINE | {"user": "ben"})[0].turn.turn_id != first[0]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"{", "not_json"),
        (b"\xff", "not_json"),
        (b"[" * 100_000, "not_json"),
        ([1], "not_an_object"),
        (LINE | {"text": "SECRET"}, "unknown_field"),
        ({name: LINE[name] for name in LINE if name != "user"}, "missing_user"),
        ({name: LINE[name] for name in LINE if name != "session"}, "missing_session"),
        ({name: LINE[name] for name in LINE if name != "at"}, "missing_at"),
        (LINE | {"user": "a\nSECRET"}, "invalid_id"),
        (LINE | {"user": 7}, "invalid_id"),
        (LINE | {"session": "~edits"}, "invalid_id"),
        (LINE | {"user": "~session:chat"}, "invalid_id"),
        (LINE | {"role": "SECRET"}, "invalid_role"),
        (LINE | {"role": "edit"}, "invalid_role"),
        (LINE | {"role": ["user"]}, "invalid_role"),
        (LINE | {"content": ""}, "invalid_content"),
        (LINE | {"content": ["SECRET"]}, "invalid_content"),
        (LINE | {"metadata": "SECRET"}, "invalid_metadata"),
        (LINE | {"metadata": {"SECRET": float("nan")}}, "invalid_input"),
        (LINE | {"at": "SECRET"}, "invalid_at"),
        (LINE | {"at": 1683554160}, "invalid_at"),
        (LINE | {"at": "2023-05-08T13:56:00"}, "invalid_at"),
        (LINE | {"at": "0001-01-01T00:00:00Z"}, "invalid_at"),
        (LINE | {"content": "SECRET" * 400}, "turn_too_large"),
        (LINE | {"metadata": {"x": "SECRET" * 400}}, "turn_too_large"),
    ],
)
def test_an_invalid_line_is_reported_by_number_and_code_without_its_content(line, code):
    good, bad = parse(LINE, line)
    assert isinstance(good, ImportLine)
    assert isinstance(bad, LineProblem)
    assert (bad.number, bad.code) == (2, code)
    assert "SECRET" not in bad.message


def test_one_id_with_two_contents_in_a_session_is_invalid():
    one, same, elsewhere, other = parse(
        LINE | {"id": "t"},
        LINE | {"id": "t"},
        LINE | {"id": "t", "session": "another", "content": "Else."},
        LINE | {"id": "t", "content": "Else."},
    )
    assert [type(found) for found in (one, same, elsewhere)] == [ImportLine] * 3
    assert (other.number, other.code) == (4, "duplicate_id")
