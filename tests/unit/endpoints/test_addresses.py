"""The base URL of an endpoint, as users write it."""

import pytest

from afterturn.endpoints.addresses import parse_address
from afterturn.errors import SettingsError


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (None, ["https://api.openai.com/v1"]),
        ("http://host:8000/v1", ["http://host:8000/v1"]),
        ("http://host:8000/v1/", ["http://host:8000/v1"]),
        (" HTTP://host:8000/v1//\n", ["http://host:8000/v1"]),
        ("http://host:8000/v1/chat/completions", ["http://host:8000/v1"]),
        ("http://host:8000/v1/embeddings/", ["http://host:8000/v1"]),
        ("http://host:8000", ["http://host:8000/v1", "http://host:8000"]),
        ("http://host:8000/", ["http://host:8000/v1", "http://host:8000"]),
        ("http://[::1]:8000", ["http://[::1]:8000/v1", "http://[::1]:8000"]),
        ("https://host/api", ["https://host/api", "https://host/api/v1"]),
        ("https://host/v1beta/openai/", ["https://host/v1beta/openai"]),
        ("https://host/v1#top", ["https://host/v1"]),
        ("https://n.openai.azure.com", ["https://n.openai.azure.com/openai/v1"]),
        ("https://n.openai.azure.com/openai/", ["https://n.openai.azure.com/openai/v1"]),
        ("https://n.openai.azure.com?api-version=1", ["https://n.openai.azure.com/openai/deployments/m-1"]),
        (
            "https://n.openai.azure.com/openai/deployments/d/chat/completions?api-version=1",
            ["https://n.openai.azure.com/openai/deployments/d"],
        ),
        (
            "https://models.inference.ai.azure.com",
            ["https://models.inference.ai.azure.com/v1", "https://models.inference.ai.azure.com"],
        ),
    ],
)
def test_what_is_tried(given: str | None, expected: list[str]):
    assert list(parse_address(given, setting="S", model="m-1").base_urls) == expected


def test_the_query_is_kept_and_means_azure():
    address = parse_address("https://gateway.example/x?api-version=2024-10-21&a=%26", setting="S", model="m")
    assert address.query == {"api-version": "2024-10-21", "a": "&"}
    assert address.headers("secret") == {"api-key": "secret"}
    assert address.headers("eyJhbGciOi") == {}, "a token of Microsoft Entra is a bearer token"
    assert parse_address("http://host/v1", setting="S", model="m").headers("secret") == {}


@pytest.mark.parametrize(
    "given", ["localhost:8000", "host/v1", "ftp://host", "http://", "http://[::1", "http://host:x"]
)
def test_what_is_no_url_names_the_setting(given: str):
    with pytest.raises(SettingsError, match="AFTERTURN_LLM_BASE_URL"):
        parse_address(given, setting="AFTERTURN_LLM_BASE_URL", model="m")
