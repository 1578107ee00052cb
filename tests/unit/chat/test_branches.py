"""Which turns a conversation adds, and which it takes back."""

from datetime import UTC, datetime, timedelta

import pytest

from afterturn.turns import Turn
from api_shim.chat import branches, spoken

START = datetime(2026, 1, 1, tzinfo=UTC)
ROLES = {"U": "user", "A": "assistant", "T": "assistant", "R": "tool", "S": "system"}


def says(name):
    """`U1` is a message of the user, `A1` an answer, `T1` a call of a tool, `R1` its result."""
    role = ROLES[name[0]]
    if name[0] == "T":
        call = {"id": name, "type": "function", "function": {"name": name, "arguments": "{}"}}
        return {"role": role, "content": None, "tool_calls": [call]}
    return {"role": role, "content": name} | ({"tool_call_id": "x"} if role == "tool" else {})


class Session:
    """A session whose turns are those that the requests so far have written."""

    def __init__(self):
        self.turns = []
        self.seen = set()
        self.minutes = 0

    def send(self, messages, answer="", *, is_derived=False, window=1_000):
        asked = spoken.read_messages([says(name) for name in messages.split()], limit_bytes=10_000)
        answered = spoken.read_messages([says(name) for name in answer.split()], limit_bytes=10_000, are_answer=True)
        self.minutes += 1
        now = START + timedelta(minutes=self.minutes)
        changes = branches.compare(
            "s", self.turns[-window:], [*asked, *answered],
            are_all=len(self.turns) <= window, reopened_before=now - timedelta(minutes=10) if is_derived else None,
        )  # fmt: skip
        for number, new in enumerate(changes.new):
            if new.turn_id in self.seen:
                continue  # a turn with this id is or was stored, so that nothing is written
            self.seen.add(new.turn_id)
            at = new.occurred_at or now + timedelta(milliseconds=number)
            self.turns.append(
                Turn(
                    turn_id=new.turn_id, role=new.spoken.role, content=new.spoken.content, occurred_at=at,
                    metadata=new.spoken.metadata,
                )
            )  # fmt: skip
        self.turns = [turn for turn in self.turns if turn.turn_id not in changes.taken_back]
        return self.now

    @property
    def now(self):
        ordered = sorted(self.turns, key=lambda turn: turn.occurred_at)
        return " ".join(turn.content or turn.metadata["tool_calls"][0]["id"] for turn in ordered)


#: Requests (messages > answer), and what is stored after each.
CONVERSATIONS = {
    "it goes on": [("U1 > A1", "U1 A1"), ("U1 A1 U2 > A2", "U1 A1 U2 A2")],
    "with instructions": [("S1 U1 > A1", "U1 A1"), ("S2 U1 A1 U2 > A2", "U1 A1 U2 A2")],
    "a request is repeated": [("U1 > A1", "U1 A1"), ("U1 > A1", "U1 A1")],
    "a failed request is repeated": [("U1 >", "U1"), ("U1 > A1", "U1 A1")],
    "a tool loop": [
        ("U1 > T1", "U1 T1"), ("U1 T1 R1 > T2", "U1 T1 R1 T2"), ("U1 T1 R1 T2 R2 > A1", "U1 T1 R1 T2 R2 A1"),
        ("U1 T1 R1 T2 R2 A1 U2 > A2", "U1 T1 R1 T2 R2 A1 U2 A2"),
    ],
    "several calls at once": [("U1 > T1", "U1 T1"), ("U1 T1 R1 R2 > A1", "U1 T1 R1 R2 A1")],
    "an old history": [("U1 A1 U2 A2 U3 > A3", "U1 A1 U2 A2 U3 A3")],
    "an answer is made again": [("U1 > A1", "U1 A1"), ("U1 > A2", "U1 A2"), ("U1 A2 U2 > A3", "U1 A2 U2 A3")],
    "a later answer is made again": [("U1 A1 U2 > A2", "U1 A1 U2 A2"), ("U1 A1 U2 > A3", "U1 A1 U2 A3")],
    "an answer with tools is made again": [
        ("U1 > T1", "U1 T1"), ("U1 T1 R1 > A1", "U1 T1 R1 A1"), ("U1 > A2", "U1 A2"),
    ],
    "a message is edited": [("U1 A1 U2 > A2", "U1 A1 U2 A2"), ("U1 A1 U3 > A3", "U1 A1 U3 A3")],
    "a message far back is edited": [
        ("U1 A1 U2 A2 U3 A3 U4 > A4", "U1 A1 U2 A2 U3 A3 U4 A4"), ("U1 A1 U5 > A5", "U1 A1 U5 A5"),
    ],
    "an edit is undone": [
        ("U1 A1 U2 > A2", "U1 A1 U2 A2"), ("U1 A1 U3 > A3", "U1 A1 U3 A3"), ("U1 A1 U2 > A2", "U1 A1 U2 A2"),
        ("U1 A1 U3 > A3", "U1 A1 U3 A3"), ("U1 A1 U2 A2 U4 > A4", "U1 A1 U2 A2 U4 A4"),
    ],
    "an answer is edited by the client": [("U1 > A1", "U1 A1"), ("U1 A2 U2 > A3", "U1 A2 U2 A3")],
    "another choice is taken": [
        ("U1 > A1", "U1 A1"), ("U1 A2 U2 > A3", "U1 A2 U2 A3"), ("U1 A2 U2 A3 U3 > A4", "U1 A2 U2 A3 U3 A4"),
    ],
    "an answer in the middle is edited": [
        ("U1 A1 U2 > A2", "U1 A1 U2 A2"), ("U1 A3 U2 A2 U3 > A4", "U1 A3 U2 A2 U3 A4"),
        ("U1 A3 U2 A2 U3 A4 U4 > A5", "U1 A3 U2 A2 U3 A4 U4 A5"),
    ],
    "the last exchange is deleted": [("U1 A1 U2 > A2", "U1 A1 U2 A2"), ("U1 A1 U3 > A3", "U1 A1 U3 A3")],
    "a question without an answer is replaced": [("U1 A1 U2 >", "U1 A1 U2"), ("U1 A1 U3 > A3", "U1 A1 U3 A3")],
    "a question without an answer stays": [("U1 >", "U1"), ("U1 U2 > A2", "U1 U2 A2")],
    "only the newest message is sent": [
        ("U1 > A1", "U1 A1"), ("U2 > A2", "U1 A1 U2 A2"), ("U3 > A3", "U1 A1 U2 A2 U3 A3"),
    ],
    "only the newest message is sent, twice the same": [
        ("U1 > A1", "U1 A1"), ("U2 > A2", "U1 A1 U2 A2"), ("U1 > A3", "U1 A1 U2 A2 A3"),
    ],
    "the beginning is dropped": [
        ("U1 A1 U2 A2 U3 > A3", "U1 A1 U2 A2 U3 A3"), ("U2 A2 U3 A3 U4 > A4", "U1 A1 U2 A2 U3 A3 U4 A4"),
        ("A3 U4 A4 U5 > A5", "U1 A1 U2 A2 U3 A3 U4 A4 U5 A5"),
    ],
    "the middle is dropped": [
        ("U1 A1 U2 A2 U3 > A3", "U1 A1 U2 A2 U3 A3"), ("U1 A1 U3 A3 U4 > A4", "U1 A1 U2 A2 U3 A3 U4 A4"),
    ],
    "a summary replaces the history": [
        ("U1 A1 U2 > A2", "U1 A1 U2 A2"), ("U8 A8 U3 > A3", "U1 A1 U2 A2 U8 A8 U3 A3"),
    ],
    "a summary follows the first message": [
        ("U1 A1 U2 > A2", "U1 A1 U2 A2"), ("U1 A8 U3 > A3", "U1 A1 U2 A2 A8 U3 A3"),
    ],
    "a summary follows the first exchange": [
        ("U1 A1 U2 A2 U3 > A3", "U1 A1 U2 A2 U3 A3"), ("U1 A1 U8 U4 > A4", "U1 A1 U2 A2 U3 A3 U8 U4 A4"),
    ],
    "a tool's result is shortened": [
        ("U1 T1 R1 > A1", "U1 T1 R1 A1"), ("U1 T1 R9 A1 U2 > A2", "U1 T1 R1 A1 U2 A2"),
    ],
    "equal messages": [
        ("U1 A1 U1 A1 U1 > A1", "U1 A1 U1 A1 U1 A1"), ("U1 A1 U1 A1 U1 A1 U1 > A1", "U1 A1 U1 A1 U1 A1 U1 A1"),
    ],
    "equal answers": [("U1 A1 U2 > A1", "U1 A1 U2 A1"), ("U1 A1 U3 > A3", "U1 A1 U3 A3")],
    "another conversation": [("U1 > A1", "U1 A1"), ("U7 A7 U8 > A8", "U1 A1 U7 A7 U8 A8")],
}  # fmt: skip


@pytest.mark.parametrize("name", CONVERSATIONS)
@pytest.mark.parametrize("is_derived", [False, True])
def test_conversations(name, is_derived):
    session = Session()
    for request, stored in CONVERSATIONS[name]:
        messages, _, answer = request.partition(" >")
        assert session.send(messages, answer, is_derived=is_derived) == stored
        assert session.send(messages, answer, is_derived=is_derived) == stored, "again, nothing changes"


def test_the_same_words_later_begin_another_conversation():
    session = Session()
    session.send("U1", "A1", is_derived=True)
    session.send("U1 A1 U2", "A2", is_derived=True)
    session.minutes += 60
    assert session.send("U1", "A3", is_derived=True) == "U1 A1 U2 A2 A3"
    assert session.send("U1 A3 U3", "A4", is_derived=True) == "U1 A1 U2 A2 A3 U3 A4"
    session.minutes += 60
    assert session.send("U1", "A1", is_derived=True) == "U1 A1 U2 A2 A3 U3 A4"
    assert session.send("U1 A1 U5", "A5", is_derived=True) == "U1 A1 U2 A2 A3 U3 A4 U5 A5"


def test_a_session_with_a_name_takes_back_however_old_it_is():
    session = Session()
    session.send("U1", "A1")
    session.minutes += 60 * 24
    assert session.send("U1", "A2") == "U1 A2"


def test_few_turns_are_enough_to_go_on():
    session = Session()
    history = "U0 A0"
    session.send("U0", "A0")
    for number in range(1, 30):
        session.send(f"{history} U{number}", f"A{number}", window=20)
        history += f" U{number} A{number}"
    assert session.now == history


def test_ids_are_the_same_in_each_process():
    first, second = Session(), Session()
    first.send("U1", "A1"), first.send("U1 A1 U2", "A2")
    second.send("U1 A1 U2", "A2")
    assert [turn.turn_id for turn in first.turns] == [turn.turn_id for turn in second.turns]


def test_turns_of_other_doors_are_left_alone():
    own = Turn(turn_id="t-1", role="user", content="U9", occurred_at=START)
    changes = branches.compare("s", [own], spoken.read_messages([says("U1")], limit_bytes=10_000))
    assert changes.taken_back == [] and len(changes.new) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"content": "Hi  there\n"}, {"content": "Hi there"}),
        ({"content": "<think>hm</think>Hi"}, {"content": "Hi"}),
        ({"content": "Hi", "reasoning_content": "hm"}, {"content": "Hi", "refusal": None, "annotations": []}),
        ({"content": [{"type": "text", "text": "Hi"}]}, {"content": "Hi"}),
        ({"content": "Hi", "unknown": {"a": 1}, "audio": None}, {"content": "Hi"}),
    ],
)
def test_small_differences_are_no_edits(one, other):
    digests = {
        spoken.read_messages([{"role": "assistant"} | each], limit_bytes=1_000)[0].digest for each in (one, other)
    }
    assert len(digests) == 1


def test_arguments_of_a_call_are_compared_as_json():
    def call(arguments, call_id):
        return {"id": call_id, "type": "function", "function": {"name": "f", "arguments": arguments}}

    messages = [
        {"role": "assistant", "content": content, "tool_calls": [call(arguments, call_id)]}
        for content, arguments, call_id in ((None, '{"a": 1, "b": 2}', "1"), ("", '{"b":2,"a":1}', "2"))
    ]
    assert len({each.digest for each in spoken.read_messages(messages, limit_bytes=1_000)}) == 1


ODD_MESSAGES = [
    *(None, 7, "text", [], {}, {"role": "user"}, {"role": "user", "content": None}, {"role": "user", "content": ""}),
    *({"role": "martian", "content": "a"}, {"role": ["user"], "content": "a"}, {"content": "a"}, {"type": "reasoning"}),
    *({"role": "user", "content": 7}, {"role": "user", "content": [7]}, {"role": "user", "content": {"a": 1}}),
    {"role": "system", "content": "a"},
    {"type": "item_reference", "id": "x"},
]


def test_what_is_no_message_becomes_no_turn():
    good = {"role": "user", "content": "a", "name": "\x00" * 500}
    [only] = spoken.read_messages([*ODD_MESSAGES, good], limit_bytes=1_000)
    assert (only.role, only.content, only.name) == ("user", "a", None)


def test_long_messages_are_cut():
    message = {"role": "user", "content": "ü" * 1_000_000}
    [only] = spoken.read_messages([message], limit_bytes=262_144)
    assert len(only.content.encode()) < 200_000
    assert only.content.endswith(" more characters]")


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("S1 U1", "S1 U1 A1 U2", True),
        ("U1", "U1 A1 U2", True),
        ("S1 U1", "U1", False),
        ("U1", "U2", False),
    ],
)
def test_the_session_is_that_of_the_beginning(one, other, is_same):
    ids = {spoken.derive_session_id([says(name) for name in text.split()], None) for text in (one, other)}
    assert (len(ids) == 1) is is_same


def test_a_date_in_the_system_prompt_does_not_begin_another_session():
    opening = {"role": "user", "content": "Hi"}
    prompts = ("You are X. Now: 2026-01-01 10:00", "You are X. Now: 2026-02-03 11:59")
    assert (
        len({spoken.derive_session_id([{"role": "system", "content": each}, opening], None) for each in prompts}) == 1
    )
