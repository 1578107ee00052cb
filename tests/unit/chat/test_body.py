"""The memory block is inserted into the text of a request; everything else stays as it came."""

import json

import pytest

from afterturn.context import memory_block
from api_shim.chat import body

BLOCK = memory_block.render([("relevant", [memory_block.make_line("fact", "1", "2026-01-01", 'Ana said "hi" … 猫')])])
#: Bodies with the mark @ where the block is inserted, if anywhere.
STRINGS = [
    '{"messages":[{"role":"user","content":"Hello@"}]}',
    '{ "messages" : [ { "content" : "Hello@" , "role" : "user" } ] , "n" : 2.0 }',
    '{"n":12345678901234567890123,"x":1E400,"y":-0,"messages":[{"role":"user","content":"Hello@"}]}',
    '{"messages":[{"role":"user","content":"\\ud83d@"}],"logit_bias":{"50256":-100.0}}',
    '{"messages":[{"role":"user","content":"a\\"}]@"}]}',
    '{"messages":[{"role":"user","content":"猫\\u0000\\/@"}]}',
    '{"messages":[{"role":"user","content":"first"},{"role":"user","content":"last@"}]}',
    '{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"},{"role":"user","content":"c@"}]}',
    '{"messages":[{"role":"user","content":"a@"},{"role":"assistant","content":null,"tool_calls":[{"id":"1"}]},'
    '{"role":"tool","tool_call_id":"1","content":"user"}]}',
    '{"messages":[{"role":"user","content":"old","content":"new@"}]}',
    '{"messages":[],"messages":[{"role":"user","content":"Hello@"}]}',
    '{"messages":[{"role":"user","content":"Hello@","x":[[[{"content":"no","role":"user"}]]]}],"messages2":[]}',
    '{"messages":[{"role":"user","name":"ana","content":"\ttab in a string@"}]}',
    '\ufeff {"messages":[{"role":"user","content":"Hello@"}]}\r\n',
    '{"messages":[{"role":"developer","content":"user"},{"role":"user","content":"Hello@"}]}',
]
PARTS = [
    '{"messages":[{"role":"user","content":[{"type":"text","text":"Hello"}@]}]}',
    '{"messages":[{"role":"user","content":[ {"type":"image_url","image_url":{"url":"data:"}} @]}]}',
    '{"messages":[{"role":"user","content":[@]}]}',
]
UNCHANGED = [
    *(
        "",
        " ",
        "null",
        "[]",
        "{}",
        '"messages"',
        '{"messages"',
        '{"messages":null}',
        '{"messages":{}}',
        '{"messages":[]}',
    ),
    *(
        '{"messages":[1,null,"user"]}',
        '{"messages":[{"role":"user"}]}',
        '{"messages":[{"role":"user","content":null}]}',
    ),
    *('{"messages":[{"role":"user","content":7}]}', '{"messages":[{"role":"assistant","content":"a"}]}', "[" * 100_000),
    *('{"messages":[{"role":"user","content":"a"}]} x', '{"messages":[{"role":"user","content":"a"}],}', "a=b"),
    '{"messages":"user"}',
    '{"a":' * 100_000,
]


def insert(text, conversation="messages", place="message"):
    parsed = body.parse(text.encode("utf-8", "surrogateescape"), conversation)
    return None if parsed is None else parsed.with_block(BLOCK, place)


@pytest.mark.parametrize("marked", STRINGS)
def test_text_is_added_to_the_last_message_of_the_user(marked):
    text = marked.replace("@", "")
    changed = insert(text)
    assert changed == marked.replace("@", json.dumps("\n\n" + BLOCK)[1:-1]).encode()
    parsed = body.parse(changed, "messages")
    assert parsed.last_user_text == body.parse(text.encode(), "messages").last_user_text
    assert parsed.with_block(BLOCK, "message") is None, "it has a block already"


@pytest.mark.parametrize("marked", PARTS)
def test_a_part_is_added_to_parts(marked):
    before, after = marked.split("@")
    comma = "" if before.endswith("[") else ","
    part = json.dumps({"type": "text", "text": BLOCK})
    assert insert(before + after) == (before + comma + part + after).encode()


@pytest.mark.parametrize("text", UNCHANGED, ids=range(len(UNCHANGED)))
def test_what_has_no_message_of_the_user_is_not_changed(text):
    assert insert(text) is None
    assert insert(text, "input") is None


def test_bytes_that_are_no_text_survive():
    content = b'{"messages":[{"role":"user","content":"\xff\xed\xa0\xbd"}]}'
    changed = body.parse(content, "messages").with_block("x", "message")
    assert changed == content[:-4] + b"\\n\\nx" + content[-4:]


def test_an_empty_message_gets_the_block_alone():
    changed = insert('{"messages":[{"role":"user","content":""}]}')
    assert json.loads(changed)["messages"][0]["content"] == BLOCK


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"input":"Hello"}', {"input": f"Hello\n\n{BLOCK}"}),
        ('{"input":[{"role":"user","content":"a"}]}', {"input": [{"role": "user", "content": f"a\n\n{BLOCK}"}]}),
        (
            '{"input":[{"type":"message","role":"user","content":[{"type":"input_text","text":"a"}]},{"type":"reasoning"}]}',
            {
                "input": [
                    {
                        "type": "message",
                        "role": "user",
                        "content": [{"type": "input_text", "text": "a"}, {"type": "input_text", "text": BLOCK}],
                    },
                    {"type": "reasoning"},
                ]
            },
        ),
    ],
)
def test_the_input_of_the_responses_api(text, expected):
    assert json.loads(insert(text, "input")) == expected


def test_an_output_of_a_tool_alone_is_not_changed():
    assert insert('{"input":[{"type":"function_call_output","call_id":"1","output":"x"}]}', "input") is None


@pytest.mark.parametrize(
    ("text", "conversation", "expected"),
    [
        ('{"messages":[{"role":"system","content":"S@"},{"role":"user","content":"a"}]}', "messages", None),
        ('{"messages":[{"role":"user","content":"a"},{"role":"developer","content":"S@"}]}', "messages", None),
        ('{"input":"a","instructions":"S@"}', "input", None),
        ('{"input":[{"role":"system","content":"S@"}]}', "input", None),
        (
            '{"messages":[{"role":"user","content":"a"}]}',
            "messages",
            '{"messages":[SYSTEM,{"role":"user","content":"a"}]}',
        ),
        ('{"messages":[]}', "messages", '{"messages":[SYSTEM]}'),
        (' {"input":"a"}', "input", ' {"instructions":TEXT,"input":"a"}'),
    ],
)
def test_the_system_prompt_where_a_setting_says_so(text, conversation, expected):
    changed = insert(text.replace("@", ""), conversation, "system").decode()
    if expected is None:
        assert changed == text.replace("@", json.dumps("\n\n" + BLOCK)[1:-1])
    else:
        system = json.dumps({"role": "system", "content": BLOCK})
        assert changed == expected.replace("SYSTEM", system).replace("TEXT", json.dumps(BLOCK))


def test_a_megabyte_is_parsed_at_once():
    text = json.dumps({"messages": [{"role": "user", "content": "x\n" * 500_000}]})
    assert len(insert(text)) > 1_000_000


def test_blocks_in_messages_are_no_part_of_what_was_said():
    assert memory_block.remove_blocks(f"Hello\n\n{BLOCK}") == "Hello"
    assert memory_block.remove_blocks(f"{BLOCK} and {BLOCK}") == " and "
    assert memory_block.remove_blocks(memory_block.PREAMBLE) == memory_block.PREAMBLE
