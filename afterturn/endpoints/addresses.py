"""The URL of an endpoint, as users write it: with a final slash, with the path of a call, with a query, without /v1.

Azure's URLs name the deployment and have the version of the API as a query; its keys travel in a header of their own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from afterturn.errors import SettingsError

OPENAI_BASE_URL = "https://api.openai.com/v1"

#: Paths of single calls, which the SDK appends itself.
_CALL_PATH = re.compile(r"/(chat/completions|completions|embeddings|responses|models)/?\Z")
_VERSION = re.compile(r"/v\d+[a-z0-9]*(/|\Z)")
_AZURE_HOST = re.compile(r"\.(openai|cognitiveservices|services\.ai)\.azure\.(com|us|cn)\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where an endpoint is."""

    #: The base URLs to try, the most likely one first. A server that does not know the path answers 404.
    base_urls: tuple[str, ...]
    #: Parameters of each request's URL.
    query: Mapping[str, str] = field(default_factory=dict)
    #: Whether the key travels in the header `api-key`.
    is_azure: bool = False

    def headers(self, api_key: str) -> dict[str, str]:
        """Return the headers that carry the key where it is not a bearer token."""
        is_token = api_key.startswith("eyJ")  # of Microsoft Entra
        return {"api-key": api_key} if self.is_azure and not is_token else {}


def parse_address(base_url: str | None, *, setting: str, model: str) -> Address:
    """Parse the setting of a base URL.

    Args:
        base_url: its value; None: OpenAI's own endpoint.
        setting: its name, for errors.
        model: the name of the model, which is the name of the deployment in Azure.

    Raises SettingsError for a value that is no URL of a web server.
    """
    try:
        url = urlsplit((base_url or OPENAI_BASE_URL).strip())
        is_of_web_server = url.scheme.lower() in ("http", "https") and bool(url.hostname) and url.port != 0
    except ValueError:
        is_of_web_server = False
    if not is_of_web_server:
        raise SettingsError(f"{setting} must begin with http:// or https:// and name a host")
    path = _CALL_PATH.sub("", url.path.rstrip("/"))
    query = dict(parse_qsl(url.query, keep_blank_values=True))
    is_azure = bool(_AZURE_HOST.search(url.hostname or "")) or "api-version" in query
    paths = _azure_paths(path, query, model) if is_azure else _paths(path)
    bases = tuple(urlunsplit((url.scheme.lower(), url.netloc, each, "", "")) for each in paths)
    return Address(base_urls=bases, query=query, is_azure=is_azure)


def _paths(path: str) -> tuple[str, ...]:
    if _VERSION.search(path):
        return (path,)
    return ("/v1", "") if not path else (path, f"{path}/v1")


def _azure_paths(path: str, query: Mapping[str, str], model: str) -> tuple[str, ...]:
    if path in ("", "/openai"):
        return (f"/openai/deployments/{model}",) if "api-version" in query else ("/openai/v1",)
    return (path,)
