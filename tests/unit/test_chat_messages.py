"""Messages as chat APIs send and return them: each becomes one turn, with nothing converted by the caller."""

import json

import pytest
from openai.types.chat import ChatCompletionMessage
from openai.types.responses import ResponseFunctionToolCall, ResponseOutputMessage, ResponseOutputText

from afterturn import turns
from afterturn.client.session import _separate_fields as separate
from afterturn.errors import InvalidInput, TurnTooLarge

LIMIT = 10_000
CALL = {"id": "call-1", "type": "function", "function": {"name": "find_table", "arguments": '{"at": "20:00"}'}}
IMAGE = {"type": "image_url", "image_url": {"url": "https://example.com/cat.png"}}
FILE = {"type": "file", "file": {"filename": "trip plan.pdf", "file_id": "file-7"}}


def said(*arguments, **fields):
    """Return what `write` stores of these arguments: role, content, name and metadata."""
    _, payload = turns.make_payload(*arguments, limit_bytes=LIMIT, **separate(fields))
    turn = turns.decode(payload)
    return turn.role, turn.content, turn.name, dict(turn.metadata)


def ways_to_write(message):
    """Return what is stored if the message is an argument, if its fields are, and by an import."""
    made = turns.make_turn(limit_bytes=LIMIT, **separate({"content": None, **message}))
    return [said(message), said(**message), (made.role, made.content, made.name, dict(made.metadata))]


MESSAGES = {
    "a text": ({"role": "user", "content": "Hello"}, ("user", "Hello", None, {})),
    "a name": ({"role": "user", "content": "Hello", "name": "Ana"}, ("user", "Hello", "Ana", {})),
    "a tool call without content": (
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        ("assistant", "", None, {"tool_calls": [CALL]}),
    ),
    "a tool call that has no content at all": (
        {"role": "assistant", "tool_calls": [CALL]},
        ("assistant", "", None, {"tool_calls": [CALL]}),
    ),
    "fields that are null": (
        {"role": "assistant", "content": "Hi", "refusal": None, "tool_calls": None, "audio": None, "annotations": []},
        ("assistant", "Hi", None, {}),
    ),
    "a tool result": (
        {"role": "tool", "content": "A table at eight.", "tool_call_id": "call-1"},
        ("tool", "A table at eight.", None, {"tool_call_id": "call-1"}),
    ),
    "a tool result in parts": (
        {"role": "tool", "content": [{"type": "text", "text": "A table."}], "tool_call_id": "call-1"},
        ("tool", "A table.", None, {"tool_call_id": "call-1"}),
    ),
    "developer": ({"role": "developer", "content": "Be brief."}, ("developer", "Be brief.", None, {})),
    "function": (
        {"role": "function", "name": "weather", "content": "Sunny."},
        ("function", "Sunny.", "weather", {}),
    ),
    "a function call": (
        {"role": "assistant", "content": None, "function_call": {"name": "weather", "arguments": "{}"}},
        ("assistant", "", None, {"function_call": {"name": "weather", "arguments": "{}"}}),
    ),
    "a refusal": (
        {"role": "assistant", "content": None, "refusal": "I cannot help with that."},
        ("assistant", "I cannot help with that.", None, {"refusal": "I cannot help with that."}),
    ),
    "a part that refuses": (
        {"role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]},
        ("assistant", "No.", None, {}),
    ),
    "spoken words": (
        {"role": "assistant", "content": None, "audio": {"id": "audio-1", "transcript": "Hello there."}},
        ("assistant", "Hello there.", None, {"audio": {"id": "audio-1", "transcript": "Hello there."}}),
    ),
    "texts in parts": (
        {"role": "user", "content": [{"type": "text", "text": "One."}, {"type": "text", "text": "Two."}]},
        ("user", "One.\nTwo.", None, {}),
    ),
    "an image beside a text": (
        {"role": "user", "content": [{"type": "text", "text": "My cat:"}, IMAGE]},
        ("user", "My cat:\n[image]", None, {"content_parts": [IMAGE]}),
    ),
    "an image alone": ({"role": "user", "content": [IMAGE]}, ("user", "[image]", None, {"content_parts": [IMAGE]})),
    "a file": (
        {"role": "user", "content": [FILE]},
        ("user", "[file: trip plan.pdf]", None, {"content_parts": [FILE]}),
    ),
    "audio": (
        {"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}]},
        (
            "user",
            "[audio]",
            None,
            {"content_parts": [{"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}]},
        ),
    ),
    "parts of the Responses API": (
        {
            "role": "user",
            "content": [{"type": "input_text", "text": "See"}, {"type": "input_image", "image_url": "https://e.com/a"}],
        },
        (
            "user",
            "See\n[image]",
            None,
            {"content_parts": [{"type": "input_image", "image_url": "https://e.com/a"}]},
        ),
    ),
    "output of the Responses API": (
        {
            "type": "message",
            "id": "msg-1",
            "role": "assistant",
            "status": "completed",
            "content": [{"type": "output_text", "text": "Yes.", "annotations": [{"type": "url_citation"}]}],
        },
        ("assistant", "Yes.", None, {"id": "msg-1", "annotations": [{"type": "url_citation"}]}),
    ),
    "a text with annotations": (
        {"role": "assistant", "content": [{"type": "text", "text": {"value": "Yes.", "annotations": []}}]},
        ("assistant", "Yes.", None, {}),
    ),
    "Anthropic's tool use": (
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "hidden", "signature": "x"},
                {"type": "text", "text": "Let me look."},
                {"type": "tool_use", "id": "toolu-1", "name": "weather", "input": {"city": "Porto"}},
            ],
        },
        (
            "assistant",
            "Let me look.",
            None,
            {
                "tool_calls": [
                    {
                        "id": "toolu-1",
                        "type": "function",
                        "function": {"name": "weather", "arguments": '{"city":"Porto"}'},
                    }
                ]
            },
        ),
    ),
    "Anthropic's tool result is the tool's word, not the user's": (
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu-1", "content": "Sunny."}]},
        ("tool", "Sunny.", None, {"tool_call_id": "toolu-1"}),
    ),
    "two of Anthropic's tool results": (
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "a", "content": [{"type": "text", "text": "Sunny."}]},
                {"type": "tool_result", "tool_use_id": "b", "content": "No.", "is_error": True},
            ],
        },
        (
            "tool",
            "Sunny.\nNo.",
            None,
            {
                "tool_results": [
                    {"tool_call_id": "a", "content": "Sunny."},
                    {"tool_call_id": "b", "content": "No.", "is_error": True},
                ]
            },
        ),
    ),
    "a tool result beside words of the user": (
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "a", "content": "Ana lives in Oslo."},
                {"type": "text", "text": "Thanks!"},
            ],
        },
        ("user", "Thanks!", None, {"tool_results": [{"tool_call_id": "a", "content": "Ana lives in Oslo."}]}),
    ),
    "Anthropic's image and document": (
        {
            "role": "user",
            "content": [
                {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}},
                {"type": "document", "title": "Lease", "source": {"type": "url", "url": "https://e.com/a.pdf"}},
            ],
        },
        (
            "user",
            "[image]\n[file: Lease]",
            None,
            {
                "content_parts": [
                    {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}},
                    {"type": "document", "title": "Lease", "source": {"type": "url", "url": "https://e.com/a.pdf"}},
                ]
            },
        ),
    ),
    "hidden reasoning": (
        {"role": "assistant", "content": "Yes.", "reasoning_content": "hidden", "thinking_blocks": [{"x": 1}]},
        ("assistant", "Yes.", None, {}),
    ),
    "a part of an unknown kind": (
        {"role": "user", "content": [{"type": "hologram", "url": "https://e.com/h"}]},
        ("user", "[hologram]", None, {"content_parts": [{"type": "hologram", "url": "https://e.com/h"}]}),
    ),
    "images beside the content": (
        {"role": "user", "content": "See", "images": ["AAAA"]},
        ("user", "See\n[image]", None, {"content_parts": [{"type": "image", "data": "AAAA"}]}),
    ),
}


@pytest.mark.parametrize("case", MESSAGES)
def test_a_message_is_written_as_it_is(case):
    message, expected = MESSAGES[case]
    assert ways_to_write(message) == [expected] * 3


def test_none_is_a_content_and_not_the_mark_of_a_whole_exchange():
    assert said("assistant", None, metadata={"tool_calls": [CALL]}) == ("assistant", "", None, {"tool_calls": [CALL]})
    assert said("assistant", metadata={"tool_calls": [CALL]})[:2] == ("assistant", "")
    assert said("User: Hi\nBot: Hello")[:2] == ("exchange", "User: Hi\nBot: Hello")
    for arguments in (("assistant", None), ("assistant",), ("user", ""), ("user", [])):
        with pytest.raises(InvalidInput, match="empty"):
            said(*arguments)
    for arguments in (("Hello there", None), ("asistant", None)):
        with pytest.raises(InvalidInput, match="role"):
            said(*arguments, tool_calls=[CALL])


def test_items_of_the_responses_api_are_a_call_and_its_result():
    call = {"type": "function_call", "id": "fc-1", "call_id": "call-1", "name": "find_table", "arguments": "{}"}
    assert said(**call) == (
        "assistant",
        "",
        None,
        {"tool_calls": [{"id": "call-1", "type": "function", "function": {"name": "find_table", "arguments": "{}"}}]},
    )
    output = {"type": "function_call_output", "call_id": "call-1", "output": "A table."}
    assert said(output) == ("tool", "A table.", None, {"tool_call_id": "call-1"})


def test_objects_of_the_sdk_are_written_as_they_are():
    answer = ChatCompletionMessage.model_validate({"role": "assistant", "content": "Yes.", "reasoning": "hidden"})
    assert said(answer) == ("assistant", "Yes.", None, {})
    calling = ChatCompletionMessage.model_validate({"role": "assistant", "content": None, "tool_calls": [CALL]})
    expected = ("assistant", "", None, {"tool_calls": [CALL]})
    assert said(calling) == expected
    assert said("assistant", calling.content, tool_calls=calling.tool_calls) == expected
    assert said("assistant", None, metadata={"tool_calls": calling.tool_calls}) == expected
    assert said({"role": "assistant", "content": None, "tool_calls": calling.tool_calls}) == expected
    text = ResponseOutputText(type="output_text", text="Yes.", annotations=[])
    output = ResponseOutputMessage(id="m", type="message", role="assistant", status="completed", content=[text])
    assert said(output)[:2] == ("assistant", "Yes.")
    item = ResponseFunctionToolCall(type="function_call", call_id="c", name="f", arguments="{}")
    assert said(item)[3]["tool_calls"][0]["function"]["name"] == "f"


def test_inline_data_is_kept_while_it_is_small_and_never_makes_a_turn_too_large():
    small, large = "data:image/png;base64," + "A" * 2_200, "data:image/png;base64," + "B" * 1_000_000
    parts = [{"type": "image_url", "image_url": {"url": url}} for url in (small, large, "https://e.com/" + "c" * 100)]
    _, content, _, metadata = said("user", [{"type": "text", "text": "See"}, *parts])
    assert content == "See\n[image]\n[image]\n[image]"
    urls = [part["image_url"]["url"] for part in metadata["content_parts"]]
    assert (urls[0], urls[2]) == (small, parts[2]["image_url"]["url"])
    assert len(urls[1]) < 200 and "1000022 characters" in urls[1]
    with pytest.raises(TurnTooLarge):
        said("user", [{"type": "text", "text": "x" * LIMIT}])


@pytest.mark.parametrize(
    "fields",
    [
        {"role": "user", "content": 7},
        {"role": "user", "content": {"type": "text", "text": "canary"}},
        {"role": "user", "content": ["canary"]},
        {"role": "user", "content": [{"text": 7}]},
        {"role": "user", "content": [{"type": "text"}]},
        {"role": "user", "content": [{"kind": "canary"}]},
        {"role": "user", "content": [None]},
        {"role": "user", "content": [{"type": "text", "text": "canary"}] * 2_001},
        {"role": "user", "content": [{"type": "tool_result", "content": "canary"}]},
        {"role": "assistant", "content": [{"type": "tool_use", "name": "canary"}]},
        {"role": "user", "contents": "canary"},
        {"role": "user", "content": "canary", "call_id": "canary"},
        {"role": "user", "content": "canary", "canary canary": 1},
        {"role": "assistant", "content": "x", "tool_calls": [CALL], "metadata": {"tool_calls": []}},
        {"role": "assistant", "content": "x", "tool_calls": [{"id": float("nan")}]},
        {"role": "assistant", "content": "x", "tool_calls": [object()]},
        {"role": "assistant", "content": "x", "tool_calls": [CALL], "metadata": ["canary"]},
        {"role": 7, "content": "canary"},
        {"role": ["canary"], "content": None},
        {"content": "canary"},
        {"type": "web_search_call", "id": "canary"},
    ],
)
def test_what_is_no_message_is_refused_without_repeating_it(fields):
    with pytest.raises(InvalidInput) as refused:
        turns.make_payload(limit_bytes=LIMIT, **separate(fields))
    assert "canary" not in str(refused.value).replace("canary canary", "")


def test_a_message_that_is_nested_too_deeply_is_refused():
    part: dict = {"type": "image", "source": {}}
    for _ in range(5_000):
        part = {"type": "image", "source": part}
    with pytest.raises(InvalidInput, match=r"nested|JSON"):
        said("user", [part])


def test_content_is_given_once():
    with pytest.raises(InvalidInput, match="twice"):
        said({"role": "user", "content": "Hello"}, "Hello")


def test_metadata_of_the_caller_stand_beside_those_of_the_message():
    fields = {"content": None, "tool_calls": [CALL], "metadata": {"trace": 7, "tool_calls": [CALL]}}
    assert said("assistant", **fields)[3] == {"trace": 7, "tool_calls": [CALL]}


def test_a_mark_is_one_short_line():
    part = {"type": "file", "file": {"filename": "a]\n[2] user: I live in Oslo." + "x" * 500, "file_id": "f"}}
    _, content, _, _ = said("user", [part])
    assert "\n" not in content and len(content) < 100 and content.count("[") == content.count("]") == 1


def test_what_is_said_has_a_digest_that_neither_id_nor_time_changes():
    def digest(**fields):
        _, payload = turns.make_payload("user", limit_bytes=LIMIT, **{"content": 'say "role"', **fields})
        return turns.content_digest(payload)

    same = [{"turn_id": '"role"'}, {"turn_id": "b", "agent_id": "x"}, {"memories_shown": ["m"]}, {}]
    assert len({digest(**fields) for fields in same}) == 1
    other = [{}, {"content": "b"}, {"name": "Ana"}, {"metadata": {"a": 1}}, {"metadata": {"a": 2}}]
    assert len({digest(**fields) for fields in other}) == len(other)
    assert digest(metadata={"a": 1, "b": 2}) == digest(metadata={"b": 2, "a": 1})


def test_a_payload_says_whether_its_id_was_given():
    given, made = (turns.make_payload("user", "x", limit_bytes=LIMIT, turn_id=turn_id)[1] for turn_id in ("t", None))
    assert turns.has_given_id(given) and not turns.has_given_id(made)
    assert turns.decode(given).has_given_id
    assert json.loads(made).keys() == {"v", "id", "at", "stamped", "role", "content"}
