"""How entries of the pending stream are read: by kind, and refused where this release does not know it."""

import json

import pytest

from afterturn.errors import InvalidInput
from afterturn.hot import entries, pending
from afterturn.hot.entries import Flush, Mark, Removal
from afterturn.pipeline.archiving import kinds

TURN = {"v": 1, "id": "t", "role": "user", "content": "I live in Porto.", "at": 1767603600.5}


def decode(data):
    payload = data if isinstance(data, bytes) else json.dumps(data).encode()
    return entries.decode(b"1700000000000-0", {b"i": b"t", b"d": payload})


def test_every_kind_that_can_be_read_can_be_archived():
    assert list(kinds.ARCHIVERS) == list(entries.READERS) == ["turn", "state", "flush", "remove", "clear"]


def test_a_turn_is_known_by_its_role_with_or_without_a_kind():
    for data in (TURN, TURN | {"kind": "turn"}, TURN | {"mark": "flush"}):
        entry = decode(data)
        assert (entry.kind, entry.entry_id, entry.turn.content) == ("turn", "t", "I live in Porto.")
        assert (entry.target_turn_id, entry.written_at_seconds) == (None, 1700000000.0)


def test_marks_are_what_they_ask_for():
    flush = entries.decode(b"1-0", {b"d": entries.encode_mark(Mark.FLUSH)[1]})
    entry_id, payload = entries.encode_mark(Mark.REMOVE, target_turn_id="t-7")
    removal = entries.decode(b"1-1", {b"d": payload})
    assert (flush.kind, flush.content, flush.turn) == ("flush", Flush(), None)
    assert (removal.kind, removal.content, removal.entry_id) == ("remove", Removal("t-7"), entry_id)
    assert removal.target_turn_id == "t-7"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (TURN | {"v": 2}, "version 2"),
        (TURN | {"kind": "note"}, r"kind \(note\)"),
        ({"v": 1, "id": "m", "mark": "pin"}, r"kind \(pin\)"),
        (TURN | {"kind": "I live in Porto."}, "without a name"),
        (TURN | {"kind": 7}, "without a name"),
        (TURN | {"kind": ["state"]}, "unreadable: TypeError"),
        ({"v": 1, "id": "x"}, "unreadable: KeyError"),
        ({"v": 1, "id": "m", "mark": "remove"}, "unreadable: KeyError"),
        ({"v": "1", "id": "x", "role": "user"}, "unreadable: TypeError"),
        ([], "unreadable: TypeError"),
        (TURN | {"at": 1e300}, "unreadable: OverflowError"),
        (b"Porto", "unreadable: JSONDecodeError"),
        (b"\xff", "unreadable: UnicodeDecodeError"),
        (b"[" * 100_000, "unreadable: RecursionError"),
    ],
)
def test_what_cannot_be_read_is_refused_without_a_word_of_it(data, message):
    with pytest.raises(InvalidInput, match=message) as raised:
        decode(data)
    assert "Porto" not in str(raised.value)


def test_an_entry_without_a_payload_is_refused():
    with pytest.raises(InvalidInput, match="unreadable"):
        entries.decode(b"1-0", {b"i": b"t"})


def test_readers_pass_over_what_a_newer_release_has_written():
    newer = json.dumps(TURN | {"v": 2, "id": "newer"}).encode()
    state = json.dumps({"v": 1, "id": "s", "kind": "note"}).encode()
    older = json.dumps(TURN).encode()
    rows = [(b"%d-0" % number, {b"i": b"x", b"d": payload}) for number, payload in enumerate((state, older, newer), 1)]
    hot = pending.unite_turns("chat", rows, [newer, json.dumps(TURN | {"id": "recent"}).encode()], [])
    assert [turn.turn_id for turn in hot.turns] == ["recent", "t"]
    assert hot.waiting == 1
