"""The embedder that calls an endpoint, over real HTTP."""

import math
from collections.abc import Iterator

import pytest

from afterturn import settings
from afterturn.embedding.endpoint import EndpointEmbedder
from afterturn.errors import EndpointMisconfigured, InputTooLong, ModelRefused, ModelUnavailable, SettingsError
from harness.llm_server import LLMServer, replies
from harness.llm_server.http import Reply


@pytest.fixture
def server() -> Iterator[LLMServer]:
    with LLMServer() as server:
        yield server


@pytest.fixture
def embedder(server: LLMServer) -> Iterator[EndpointEmbedder]:
    embedder = EndpointEmbedder(model="e-1", base_url=server.base_url, timeout_seconds=5)
    yield embedder
    embedder.close()


def inputs(server: LLMServer) -> list[list[str]]:
    return [request.json["input"] for request in server.calls("embeddings")]


def test_the_endpoints_vectors_are_returned_in_order_with_length_one(embedder: EndpointEmbedder):
    texts = ["Ana lives in Lisbon", "Bob plays chess", ""]

    vectors = embedder.embed(texts)

    expected = replies.embed(["Ana lives in Lisbon", "Bob plays chess", "(nothing)"])
    for vector, wanted in zip(vectors, expected, strict=True):
        assert vector == pytest.approx(wanted, abs=1e-6)
        assert math.hypot(*vector) == pytest.approx(1)


def test_no_texts_make_no_call(server: LLMServer, embedder: EndpointEmbedder):
    assert embedder.embed([]) == []
    assert server.requests == []


def test_many_texts_are_sent_in_batches(server: LLMServer, embedder: EndpointEmbedder):
    texts = [f"text {number}" for number in range(300)] + ["x" * 200_000, "y" * 200_000]

    vectors = embedder.embed(texts)

    assert [len(batch) for batch in inputs(server)] == [256, 45, 1]
    assert vectors[299] == pytest.approx(replies.embed(["text 299"])[0], abs=1e-6)


def test_an_unconfigured_dimension_is_requested_once(server: LLMServer, embedder: EndpointEmbedder):
    assert embedder.dimension == embedder.dimension == replies.DEFAULT_DIMENSION
    assert len(server.requests) == 1
    assert "dimensions" not in server.requests[0].json


def test_a_configured_dimension_is_sent_to_the_model(server: LLMServer):
    embedder = EndpointEmbedder(dimension=64, base_url=server.base_url)

    assert len(embedder.embed(["x"])[0]) == embedder.dimension == 64
    assert server.requests[0].json["dimensions"] == 64
    embedder.close()


def test_a_dimension_that_the_model_refuses_is_not_sent_again():
    with LLMServer(without=("dimensions",)) as server:
        embedder = EndpointEmbedder(dimension=replies.DEFAULT_DIMENSION, base_url=server.base_url)
        for _ in range(2):
            embedder.embed(["x"])
        embedder.close()

    assert ["dimensions" in request.json for request in server.requests] == [True, False, False]


def test_vectors_of_another_dimension_are_the_fault_of_a_setting():
    with LLMServer(without=("dimensions",)) as server:
        embedder = EndpointEmbedder(dimension=64, base_url=server.base_url)
        with pytest.raises(EndpointMisconfigured, match="AFTERTURN_EMBEDDING_DIMENSION"):
            embedder.embed(["x"])
        embedder.close()


def test_only_the_beginning_of_a_text_that_is_too_long_is_embedded():
    long = "Ana lives in Lisbon. " * 20
    with LLMServer(context_tokens=50) as server:
        embedder = EndpointEmbedder(base_url=server.base_url)
        vectors = embedder.embed(["short", long, "other"])
        embedder.close()

    beginning = long[: len(long) // 4]
    assert [beginning] in inputs(server)
    for vector, text in zip(vectors, ["short", beginning, "other"], strict=True):
        assert vector == pytest.approx(replies.embed([text])[0], abs=1e-6)


def test_shortening_ends_at_the_minimum_length(server: LLMServer, embedder: EndpointEmbedder):
    server.fail("context_length")

    with pytest.raises(InputTooLong):
        embedder.embed(["word " * 100])

    assert len(server.requests) == 4


@pytest.mark.parametrize(
    ("fault", "error", "message"),
    [
        ({"what": "status", "status": 503, "retry_after": "3"}, ModelUnavailable, "HTTP 503"),
        ({"what": "refuse"}, ModelUnavailable, "cannot be reached"),
        ({"what": "html"}, ModelUnavailable, "AFTERTURN_EMBEDDING_BASE_URL"),
        ({"what": "status", "status": 401}, EndpointMisconfigured, "AFTERTURN_EMBEDDING_API_KEY"),
        ({"what": "status", "status": 404}, EndpointMisconfigured, "AFTERTURN_EMBEDDING_MODEL"),
    ],
)
def test_failures_raise_the_same_errors_as_the_llm_client(
    server: LLMServer, embedder: EndpointEmbedder, fault: dict, error: type[Exception], message: str
):
    server.fail(**fault)

    with pytest.raises(error, match=message):
        embedder.embed(["x"])

    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"{}", ModelUnavailable),
        (b'{"data": []}', ModelUnavailable),
        (b'{"data": [{"index": 7, "embedding": [1.0]}]}', ModelUnavailable),
        (b'{"data": [{"index": 0, "embedding": "not base64"}]}', ModelUnavailable),
        (b'{"data": [{"index": 0, "embedding": null}]}', ModelUnavailable),
        (b'{"data": [{"index": 0, "embedding": [0.0, 0.0]}]}', ModelRefused),
        (b'{"data": [{"index": 0, "embedding": [NaN, 1.0]}]}', ModelRefused),
    ],
)
def test_answers_without_usable_vectors_raise_an_error(
    server: LLMServer,
    embedder: EndpointEmbedder,
    monkeypatch: pytest.MonkeyPatch,
    body: bytes,
    error: type[Exception],
):
    monkeypatch.setattr(replies, "embeddings", lambda asked, **_: Reply(body=body))

    with pytest.raises(error):
        embedder.embed(["x"])


def test_a_list_is_accepted_instead_of_base64(
    server: LLMServer, embedder: EndpointEmbedder, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(replies, "embeddings", lambda asked, **_: Reply(body=b'{"data": [{"embedding": [3, 4]}]}'))

    assert embedder.embed(["x"]) == [[0.6, 0.8]]


def test_an_embedder_from_settings(server: LLMServer):
    values = {"AFTERTURN_LLM_BASE_URL": server.base_url, "AFTERTURN_EMBEDDING_MODEL": "local-e"}
    embedder = EndpointEmbedder.from_settings(settings.load(values), dimension=64)

    assert (embedder.provider, embedder.model, embedder.dimension) == ("openai", "local-e", 64)
    assert len(embedder.embed(["x"])[0]) == 64
    embedder.close()


def test_the_llms_key_is_not_sent_to_another_endpoint():
    values = {"AFTERTURN_LLM_API_KEY": "llm-key", "AFTERTURN_EMBEDDING_BASE_URL": "http://127.0.0.1:9/v1"}

    assert EndpointEmbedder.from_settings(settings.load(values))._endpoint._api_key == "none"


def test_settings_without_endpoint_or_key_are_refused():
    with pytest.raises(SettingsError, match="AFTERTURN_EMBEDDING_API_KEY"):
        EndpointEmbedder.from_settings(settings.load({}))
