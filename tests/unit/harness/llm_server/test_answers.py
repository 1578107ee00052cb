"""The test server answers as an OpenAI endpoint does: driven with the real SDK."""

import json
import math
from collections.abc import Iterator

import openai
import pytest

from harness.llm_server import LLMServer

SCHEMA = {
    "type": "object",
    "properties": {"facts": {"type": "array", "items": {"type": "string"}}},
    "required": ["facts"],
    "additionalProperties": False,
}
TURNS = """User: Ana

Context (extract nothing from it):
- Bob (2023-05-08T13:00:00+00:00): Earlier.

Turns:
[1] Ana (2023-05-08T13:56:00+00:00): I moved to Lisbon.\\nIt rains.
[2] assistant (2023-05-08T13:56:05+00:00): How nice!"""


@pytest.fixture
def server() -> Iterator[LLMServer]:
    with LLMServer() as server:
        yield server


@pytest.fixture
def client(server: LLMServer) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=server.base_url, api_key="secret-key", max_retries=0, timeout=5) as client:
        yield client


def ask(client: openai.OpenAI, text: str = TURNS, **options):
    messages = [{"role": "system", "content": "Extract."}, {"role": "user", "content": text}]
    return client.chat.completions.create(model="m-1", messages=messages, **options)


def by_schema(name: str = "Answer") -> dict:
    return {"type": "json_schema", "json_schema": {"name": name, "strict": True, "schema": SCHEMA}}


def test_each_numbered_turn_gives_one_fact_that_quotes_it(client: openai.OpenAI):
    answer = json.loads(ask(client, response_format=by_schema()).choices[0].message.content)

    assert [fact["text"] for fact in answer["facts"]] == [
        "Ana said: I moved to Lisbon. It rains.",
        "assistant said: How nice!",
    ]
    assert [fact["evidence"] for fact in answer["facts"]] == [
        # What looks like a line break may be one, or the letters \\n: the quote stops before it.
        [{"turn": 1, "quote": "I moved to Lisbon."}],
        [{"turn": 2, "quote": "How nice!"}],
    ]
    assert answer["episode"]["summary"].startswith("2 turns")


def test_the_same_request_gets_the_same_bytes(client: openai.OpenAI):
    # The first call fills the provider's cache; from then on nothing differs.
    answers = [ask(client, response_format=by_schema()).model_dump_json() for _ in range(3)]

    assert answers[1] == answers[2]
    assert json.loads(answers[0])["choices"] == json.loads(answers[1])["choices"]


def test_a_forced_tool_is_called(client: openai.OpenAI):
    tool = {"type": "function", "function": {"name": "Answer", "parameters": SCHEMA}}
    choice = {"type": "function", "function": {"name": "Answer"}}

    message = ask(client, tools=[tool], tool_choice=choice).choices[0].message

    assert message.content is None
    assert json.loads(message.tool_calls[0].function.arguments)["facts"]


def test_json_mode_and_plain_calls_are_answered(client: openai.OpenAI):
    assert json.loads(ask(client, response_format={"type": "json_object"}).choices[0].message.content)["facts"]
    assert ask(client, "Hello there").choices[0].message.content == "Hello there"


def test_an_answer_is_streamed_where_that_is_asked_for(client: openai.OpenAI):
    chunks = list(ask(client, "Hello there, Ana", stream=True, stream_options={"include_usage": True}))

    pieces = [chunk.choices[0].delta.content for chunk in chunks if chunk.choices]
    assert "".join(piece or "" for piece in pieces) == "Hello there, Ana"
    assert chunks[-2].choices[0].finish_reason == "stop"
    assert chunks[-1].usage.completion_tokens == 4


def test_another_form_is_filled_in_with_a_digest(client: openai.OpenAI):
    schema = {"type": "object", "properties": {"summary": {"type": "string"}}, "required": ["summary"]}
    form = {"type": "json_schema", "json_schema": {"name": "SummaryAnswer", "schema": schema}}

    answer = ask(client, "Summary so far:\n(none)\n\nEpisodes since:\n- Ana moved to Lisbon", response_format=form)

    assert json.loads(answer.choices[0].message.content) == {"summary": "- Ana moved to Lisbon"}


def test_usage_counts_characters_and_repeated_instructions_as_cached(client: openai.OpenAI):
    first, second = (ask(client, response_format=by_schema()).usage for _ in range(2))

    assert first.prompt_tokens == math.ceil((len(TURNS) + len("Extract.") + 1) / 4)
    assert first.total_tokens == first.prompt_tokens + first.completion_tokens
    assert (first.prompt_tokens_details.cached_tokens, second.prompt_tokens_details.cached_tokens) == (0, 2)


def test_queued_answers_come_first_then_the_script_then_the_default():
    with (
        LLMServer(answer=lambda request: {"from": "script"} if request["model"] == "scripted" else None) as server,
        openai.OpenAI(base_url=server.base_url, api_key="k") as client,
    ):
        server.queue("queued", {"facts": []}, on="extract")
        texts = [ask(client, response_format=by_schema()).choices[0].message.content for _ in range(3)]
        scripted = client.chat.completions.create(model="scripted", messages=[{"role": "user", "content": "x"}])

    assert texts[:2] == ["queued", '{"facts":[]}']
    assert json.loads(texts[2])["facts"]
    assert scripted.choices[0].message.content == '{"from":"script"}'


def test_a_script_that_fails_fails_the_test():
    def script(request):
        raise KeyError("no such thing")

    with (
        pytest.raises(KeyError, match="no such thing"),
        LLMServer(answer=script) as server,
        openai.OpenAI(base_url=server.base_url, api_key="k", max_retries=0) as client,
        pytest.raises(openai.InternalServerError),
    ):
        ask(client)


def test_queued_answers_wait_for_their_kind(server: LLMServer, client: openai.OpenAI):
    server.queue("for a summary", on="summarize")

    extracted = ask(client, response_format=by_schema()).choices[0].message.content
    summarized = ask(client, response_format=by_schema("SessionSummary")).choices[0].message.content

    assert extracted != "for a summary" == summarized


def test_embeddings_are_unit_vectors_that_depend_on_the_text_alone(client: openai.OpenAI):
    def embed(*texts: str, **options) -> list[list[float]]:
        answer = client.embeddings.create(model="e", input=list(texts), dimensions=64, **options)
        return [item.embedding for item in answer.data]

    # The SDK asks for base64 where nothing is said.
    decoded, listed = embed("Ana lives in Lisbon", "chess"), embed("Ana lives in Lisbon", encoding_format="float")

    assert len(decoded[0]) == 64
    assert decoded[0] == pytest.approx(listed[0], abs=1e-6)
    assert math.hypot(*listed[0]) == pytest.approx(1)
    assert abs(sum(a * b for a, b in zip(*decoded, strict=True))) < 0.5


def test_models_are_listed(client: openai.OpenAI):
    assert [model.id for model in client.models.list()] == ["test-model"]


def test_requests_are_recorded_in_order_without_the_key(server: LLMServer, client: openai.OpenAI):
    ask(client, response_format=by_schema())
    client.embeddings.create(model="e", input="x")
    ask(client, response_format=by_schema("SessionSummary"))

    assert [request.kind for request in server.requests] == ["extract", "embeddings", "summarize"]
    assert server.calls("extract")[0].json["messages"][1]["content"] == TURNS
    assert server.counts() == {"extract": 1, "embeddings": 1, "summarize": 1}
    assert "secret-key" not in str([request.to_json() for request in server.requests])
    server.forget()
    assert server.requests == []


def test_requests_are_written_to_a_file(tmp_path):
    file = tmp_path / "requests.jsonl"
    with LLMServer(record_file=file) as server, openai.OpenAI(base_url=server.base_url, api_key="k") as client:
        ask(client)

    assert json.loads(file.read_text("utf-8"))["json"]["model"] == "m-1"
