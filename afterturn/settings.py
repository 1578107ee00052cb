"""Settings, read from the environment. Each is `AFTERTURN_` and the field's name in capitals."""

from __future__ import annotations

import difflib
import functools
import json
import os
import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, ValidationInfo, field_validator

from afterturn import categories, ids, running_up
from afterturn.errors import SettingsError

PREFIX = "AFTERTURN_"


class Settings(BaseModel):
    """All settings with their defaults. The description of a field is its row in docs/reference/settings.md."""

    # A value that is refused may contain a password: no message and no traceback repeats it.
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    # Servers
    redis_url: str = Field(
        "redis://127.0.0.1:6379/0",
        description="The hot store: pending turns and due indexes. `redis://`, `rediss://`, `unix://` or `sentinel://`.",
    )
    broker_url: str | None = Field(
        None, description="Celery's broker: Redis, Redis Sentinel or RabbitMQ. Unset: the hot store's server."
    )
    postgres_url: SecretStr = Field(
        SecretStr("postgresql://postgres@127.0.0.1:5432/afterturn"),
        description="PostgreSQL 15 or newer with pgvector 0.7 or newer: `postgresql://…` or libpq's `key=value` pairs.",
    )
    redis_timeout_seconds: float = Field(2.0, gt=0, le=60, description="How long a write may wait for Redis.")
    postgres_timeout_seconds: float = Field(
        10.0, gt=0, le=300, description="How long a statement may run and a connection may be waited for."
    )
    data_dir: Path = Field(
        running_up.DEFAULT_DATA_DIR,
        description="Where `afterturn up` keeps the embedded servers' data. Commands and clients whose environment "
        "names no servers use those of the `up` that runs with this directory.",
    )

    # Input
    tenant: str = Field(
        "default",
        min_length=1,
        max_length=ids.ID_LIMIT_CHARACTERS,
        description="The tenant of clients that name none.",
    )
    turn_limit_bytes: int = Field(
        262_144, ge=1_024, le=16_777_216, description="The largest turn, content and metadata together."
    )
    future_limit_seconds: float = Field(
        300.0,
        ge=0,
        description="How far the time of a turn may be ahead of the clock of the machine that writes it. What is "
        "further ahead is refused: it would supersede all that is said until then.",
    )
    turn_secrets: Literal["keep", "redact"] = Field(
        "keep",
        description="Secrets in turns (passwords, keys, PINs, card numbers). `keep`: turns stay as they were written, "
        "for history and export; `redact`: each secret is replaced by `[redacted]` before the turn is written. Facts, "
        "summaries, vectors, recall and calls of models never contain them.",
    )
    pending_limit_bytes_per_shard: int = Field(
        67_108_864,
        ge=65_536,
        description="Pending turns of one of the 64 shards may take this much; past it, writes are refused. "
        "Past half of it, clients log a warning.",
    )
    recent_turns: int = Field(50, ge=0, le=1_000, description="Archived turns per session that Redis keeps for recall.")
    recent_seconds: int = Field(86_400, ge=1, description="How long Redis keeps them after the last turn.")

    # Batches
    batch_turns: int = Field(30, ge=1, le=200, description="A batch is cut when this many turns wait, or")
    batch_tokens: int = Field(
        3_000,
        ge=50,
        le=100_000,
        description="when the LLM would be shown this many tokens of the waiting turns (of a long answer, an excerpt), "
        "or",
    )
    batch_idle_seconds: float = Field(
        60.0,
        ge=0,
        description="when the session has been silent for longer than is usual in it: at most this long, at least a "
        "twelfth of it, or",
    )
    batch_max_age_seconds: float = Field(300.0, ge=0, description="when its oldest waiting turn is this old.")

    # Facts
    categories: str = Field(
        ", ".join(categories.DEFAULT),
        description="The categories of facts, separated by commas. A fact that fits none of them is `other`.",
    )

    # Summaries
    summary_tokens: int = Field(400, ge=50, le=4_000, description="The longest summary of a session.")
    summary_run: int = Field(
        8,
        ge=2,
        le=50,
        description="So many episodes of a session become one digest, and so many digests a wider one. A larger "
        "number makes fewer LLM calls; a smaller one gives more digests.",
    )
    profile_tokens: int = Field(250, ge=20, le=4_000, description="The longest profile of a user.")

    # Cold archive
    cold_url: str | None = Field(
        None,
        description="The object store to which the texts of old turns move: `s3://bucket/path`, `gs://…`, `az://…`, or "
        "a folder, `file:///path`. Workers, clients and the API need it, and the credentials of the environment "
        "(`AWS_…`, `GOOGLE_…`, `AZURE_…`). Unset: texts stay in Postgres.",
    )
    cold_after_days: float = Field(
        90.0, ge=0, le=36_500, description="A turn moves when it was said this long ago, and all its facts are made."
    )

    # Work
    lease_seconds: float = Field(
        30.0, ge=1, le=300, description="A worker's claim expires when it is not renewed for this long."
    )
    task_deadline_seconds: float = Field(
        300.0, ge=1, description="A claim is not renewed beyond this age, so that a call that hangs loses it."
    )
    hint_seconds: float = Field(
        30.0, ge=1, le=60, description="Work that no worker has claimed is enqueued again after this."
    )
    hint_window: int = Field(
        500,
        ge=1,
        description="The sweep tops the queue of a stage up to what its workers do until the next sweep, and to this "
        "many messages at most.",
    )
    attempts: int = Field(8, ge=1, le=50, description="A batch that fails this often while others succeed is dead.")
    retry_seconds: float = Field(
        2.0, ge=0.05, le=300, description="A batch that failed waits this long, doubled with each attempt, up to 60 s."
    )
    reconcile_seconds: float = Field(
        60.0, ge=1, le=3600, description="How often Redis is searched for pending turns that are in no due index."
    )
    sleep_seconds: float = Field(
        86_400.0,
        ge=1,
        description="A user's whole memory is consolidated this long after the last time, if it has changed.",
    )
    sleep_calls: int = Field(
        10, ge=0, le=1_000, description="LLM calls that one such consolidation of one user may make."
    )
    sweep_seconds: float = Field(
        1.0,
        ge=0.05,
        le=60,
        description="How often beat looks for owed work; four times as often while there is a backlog.",
    )
    freshness_objective_seconds: float | None = Field(
        None,
        ge=1,
        description="`afterturn status` fails when a turn waits longer to become facts. "
        "Unset: AFTERTURN_BATCH_MAX_AGE_SECONDS and a minute.",
    )
    import_window: int | None = Field(
        None,
        ge=1,
        le=1_000,
        description="At most this many batches of imported conversations are open at a time. "
        "Unset: half of AFTERTURN_SLOW_CONCURRENCY.",
    )
    slow_concurrency: int = Field(
        8, ge=1, le=256, description="Threads of each process of the slow worker (LLM and embedder calls)."
    )
    slow_processes: int = Field(
        1,
        ge=1,
        le=64,
        description="Processes of the slow worker that `afterturn up` and Compose start. One uses about one processor: "
        "more pay on a machine with more than two, or where the LLM answers faster than one process can read.",
    )
    fast_concurrency: int = Field(2, ge=1, le=64, description="Processes of the fast worker (archive, consolidate).")

    # LLM
    llm_base_url: str | None = Field(None, description="Any OpenAI-compatible endpoint. Unset: OpenAI's own.")
    llm_api_key: SecretStr | None = Field(
        None, description="With neither key nor base URL, facts come from the offline rules."
    )
    llm_model: str = Field(
        "gpt-4o-mini", min_length=1, max_length=200, description="The model that extracts and summarizes."
    )
    judge: Literal["llm", "rules"] = Field(
        "llm",
        description="What decides on facts that rules cannot decide on: `llm`, one LLM call per batch; `rules`, "
        "nothing (both facts stay).",
    )
    threads: Literal["llm", "rules"] = Field(
        "llm",
        description="What writes threads, the developments of matters that return: `llm`, one call of the nightly "
        "consolidation for several matters that changed; `rules`, facts in the order of their days.",
    )
    llm_timeout_seconds: float = Field(60.0, gt=0, le=600, description="How long one LLM call may take.")
    llm_answer_tokens: int = Field(
        4_096,
        ge=256,
        le=1_000_000,
        description="The limit of the answer to an extraction call. An answer that reaches it (thoughts count too) is "
        "requested again with a limit of 4 and 16 times the size, up to 32,768 tokens.",
    )
    llm_extra_body: str | None = Field(
        None,
        description='Fields that are added to each chat request, as a JSON object: `{"enable_thinking": false}`. '
        "A field with the value null is left out of the request.",
    )

    # Costs
    user_daily_tokens: int | None = Field(
        None,
        ge=1_000,
        description="LLM tokens, prompt and completion, per user and UTC day. When half of them are used, batches "
        "are cut wider; when all are used, batches wait for the next day. Unset: no limit.",
    )
    prompt_price_per_million: float | None = Field(
        None, ge=0, description="Price of a million prompt tokens, for `afterturn costs`; in any currency."
    )
    completion_price_per_million: float | None = Field(
        None, ge=0, description="Price of a million completion tokens; in the same currency."
    )

    # Embedder
    embedder: Literal["hashing", "fastembed", "openai"] = Field(
        "hashing", description="The embedder of a new database. An existing database keeps the one that it names."
    )
    embedding_model: str | None = Field(
        None, max_length=200, description="The embedder's model; unset: the embedder's usual one."
    )
    embedding_dimension: int | None = Field(None, ge=8, le=4_000, description="Only where the model offers a choice.")
    embedding_model_path: Path | None = Field(None, description="A local folder with the fastembed model.")
    embed_turns: bool = Field(
        True,
        description="Whether turns get vectors too, besides facts and episodes. Without them recall finds turns by "
        "their words only, and most of the cost of embedding is saved.",
    )
    embedding_extra_body: str | None = Field(
        None, description="Fields that are added to each request for vectors, as a JSON object."
    )
    embedding_base_url: str | None = Field(None, description="Endpoint of the openai embedder; unset: the LLM's.")
    embedding_api_key: SecretStr | None = Field(None, description="Key of the openai embedder; unset: the LLM's.")
    embedding_other_models: SecretStr | None = Field(
        None,
        description="Where a model is that is not where the settings above say, as a JSON object by model: "
        '`{"old-model": {"base_url": "http://…/v1", "api_key": "…"}, "folder-model": {"path": "/…"}}`. Needed while '
        "`afterturn embeddings switch` replaces a model by one of another endpoint or folder.",
    )

    # Logs
    log_format: Literal["text", "json"] = Field(
        "text",
        description="How the HTTP API, the workers and beat log: `text`, or `json`: one JSON object per line, without "
        "the messages of libraries' errors, which may repeat content.",
    )

    # HTTP API
    api_host: str = Field("127.0.0.1", description="Where the HTTP API listens.")
    api_port: int = Field(8600, ge=0, le=65_535, description="Its port; 0 takes a free one.")
    api_key: SecretStr | None = Field(
        None,
        description="The owner's key of the HTTP API: every right, for every user of AFTERTURN_TENANT. `afterturn keys "
        "create` makes keys with less. Without a key the API answers to this machine only.",
    )
    api_requests_per_minute: int | None = Field(
        None,
        ge=1,
        le=1_000_000,
        description="How many requests per minute one key, or the user of one token, may send to the HTTP API. A key "
        "may have a limit of its own. Unset: no limit.",
    )
    api_allowed_hosts: str | None = Field(
        None,
        description="Host names under which the HTTP API may be called, separated by commas; `*` allows all. Those of "
        "loopback are always allowed. Unset: all where a credential is required, otherwise only AFTERTURN_API_HOST.",
    )
    api_cors_origins: str | None = Field(
        None,
        description="Origins whose web pages may call the HTTP API from a browser, such as `https://app.example.com`, "
        "separated by commas; `*` allows all. Unset: none.",
    )
    api_body_limit_bytes: int | None = Field(
        None,
        ge=1_024,
        le=1_073_741_824,
        description="The largest body of a request. Unset: 8 MiB, or four times AFTERTURN_TURN_LIMIT_BYTES if that is "
        "more.",
    )
    jwt_issuer: str | None = Field(
        None,
        max_length=2_000,
        description="The issuer (`iss`) of JSON web tokens that the HTTP API accepts beside keys. It needs "
        "AFTERTURN_JWT_AUDIENCE and AFTERTURN_JWT_JWKS_URL too.",
    )
    jwt_audience: str | None = Field(None, max_length=2_000, description="The audience (`aud`) that they must name.")
    jwt_jwks_url: str | None = Field(
        None,
        max_length=2_000,
        validate_default=True,
        description="Where the issuer publishes the keys that sign them (JWKS): `https://…`.",
    )
    jwt_tenant_claim: str | None = Field(
        None, max_length=200, description="The claim with the tenant. Unset: AFTERTURN_TENANT, for all tokens."
    )
    jwt_user_claim: str = Field(
        "sub",
        min_length=1,
        max_length=200,
        description="The claim with the user whose memory the token gives access to; a list names several.",
    )
    jwt_rights_claim: str = Field(
        "scope",
        min_length=1,
        max_length=200,
        description="The claim with the rights, a list or separated by spaces: `read`, `write`, `admin`, each also as "
        "`afterturn:read`. `every_user` gives access to every user of the tenant.",
    )

    # Chat
    chat_upstream_url: str | None = Field(
        None,
        description="The OpenAI-compatible endpoint that answers chats (`/v1/chat/completions`, `/v1/responses`, "
        "`/v1/models`). Unset: AFTERTURN_LLM_BASE_URL.",
    )
    chat_upstream_key: SecretStr | None = Field(
        None,
        description="Its key. Unset: AFTERTURN_LLM_API_KEY, but none if AFTERTURN_CHAT_UPSTREAM_URL is set: a key is "
        "sent only to the endpoint that it is for.",
    )
    chat_authorization: Literal["server", "caller"] = Field(
        "server",
        description="The credential that the endpoint gets. `server`: the key above, and never the caller's; `caller`: "
        "the caller's `Authorization`, only for an API without a key of its own.",
    )
    chat_timeout_seconds: float = Field(
        600.0, gt=0, le=86_400, description="How long the endpoint may be silent in a chat: until its first byte, too."
    )
    chat_user: str | None = Field(
        None,
        max_length=ids.ID_LIMIT_CHARACTERS,
        description="The user of chats that name none. Unset: `default` if the API has no key, and is this machine's "
        "alone; otherwise such chats go on without memory.",
    )
    chat_memory_tokens: int = Field(
        1_000, ge=50, le=100_000, description="The largest memory block of a chat message, in tokens."
    )
    chat_memory_place: Literal["message", "system"] = Field(
        "message",
        description="Where a chat gets its memory. `message`: at the end of the last user message, so that the "
        "provider's cache of the prompt survives; `system`: at the end of the system prompt.",
    )
    chat_memory_seconds: float = Field(
        0.05,
        gt=0,
        le=30,
        description="A chat goes on without its memory when nothing has come from it for this long. Half is for the "
        "embedder: with one that is called over a network set about 0.5, or chats recall by words only.",
    )
    chat_openwebui: bool = Field(
        False,
        description="Whether chats take user and session from Open WebUI's headers `X-OpenWebUI-User-Id` and "
        "`-Chat-Id`, and its requests for titles and tags have no memory. Only if nobody else can call the API.",
    )

    # MCP
    mcp_user: str | None = Field(
        None,
        max_length=ids.ID_LIMIT_CHARACTERS,
        description="The user of `afterturn mcp` over stdio without `--user`, and over HTTP that of credentials that "
        "are not for one user only. Unset: such credentials are refused.",
    )
    api_mcp: bool = Field(
        False, description="Whether the HTTP API serves MCP too, at `/mcp`. It needs `afterturn[mcp]`."
    )
    api_public_url: str | None = Field(
        None,
        max_length=2_000,
        description="The address under which clients reach the HTTP API, such as `https://memory.example.com`; for the "
        "metadata and links of MCP. Unset: that of each request, or over stdio where the API listens.",
    )

    # Flower
    flower_host: str = Field("127.0.0.1", description="Where Flower listens.")
    flower_port: int = Field(5555, ge=0, le=65_535, description="Its port; 0 takes a free one.")
    flower_basic_auth: SecretStr | None = Field(
        None, description="`user:password` of Flower; required when it is not bound to loopback."
    )

    @field_validator("llm_extra_body", "embedding_extra_body")
    @classmethod
    def _validate_object(cls, text: str | None) -> str | None:
        _parse_object(text)
        return text

    @field_validator("cold_url")
    @classmethod
    def _validate_cold_url(cls, url: str | None) -> str | None:
        if url is not None and re.match(r"(file:///|(s3|s3a|gs|az|adl|azure|abfs|abfss)://[^/])", url) is None:
            raise ValueError(
                "must begin with s3://, gs://, az:// or file:/// (a folder: file:///var/lib/afterturn-cold)"
            )
        return url

    @field_validator("jwt_jwks_url")
    @classmethod
    def _validate_jwks_url(cls, url: str | None, info: ValidationInfo) -> str | None:
        given = [info.data.get("jwt_issuer"), info.data.get("jwt_audience"), url]
        if any(given) and not all(given):
            raise ValueError("AFTERTURN_JWT_ISSUER, _AUDIENCE and _JWKS_URL are set together: a token needs all three")
        # Who can change the keys on their way can sign any token.
        if url is not None and not _is_safe_url(url):
            raise ValueError("must begin with https:// (http:// only for a loopback address)")
        return url

    @field_validator("embedding_other_models")
    @classmethod
    def _validate_models(cls, text: SecretStr | None) -> SecretStr | None:
        _parse_models(text)
        return text

    @field_validator("postgres_url")
    @classmethod
    def _normalize_postgres_url(cls, url: SecretStr) -> SecretStr:
        return SecretStr(_normalize_postgres_url(url.get_secret_value()))

    @field_validator("tenant")
    @classmethod
    def _validate_tenant(cls, tenant: str) -> str:
        return ids.validate_id("tenant", tenant)

    @field_validator("chat_user", "mcp_user")
    @classmethod
    def _validate_user(cls, user: str | None, info: ValidationInfo) -> str | None:
        return None if user is None else ids.validate_id(str(info.field_name), user)

    @field_validator("api_public_url")
    @classmethod
    def _validate_public_url(cls, url: str | None) -> str | None:
        if url is not None and _PUBLIC_URL.fullmatch(url) is None:
            raise ValueError("must be http:// or https://, a host, perhaps a port and a path, without query")
        return None if url is None else url.rstrip("/")

    @field_validator("categories")
    @classmethod
    def _validate_categories(cls, text: str) -> str:
        categories.parse_categories(text)
        return text

    def explain_default(self, name: Literal["redis_url", "postgres_url"]) -> str:
        """Return what to do if a server does not answer that the environment does not name; empty if it names it."""
        if name in self.model_fields_set:
            return ""
        problem = running_up.find_servers(self.data_dir).problem or "one runs since a moment ago: try again"
        return (
            f". {PREFIX}{name.upper()} is not set, and {problem}: start `afterturn up`, set "
            f"{running_up.DATA_DIR_VARIABLE} to its data directory, or name the server"
        )

    @property
    def category_names(self) -> tuple[str, ...]:
        """The categories of facts, `other` last."""
        return categories.parse_categories(self.categories)

    @property
    def llm_extra_fields(self) -> dict[str, Any]:
        """The fields of AFTERTURN_LLM_EXTRA_BODY."""
        return _parse_object(self.llm_extra_body)

    @property
    def embedding_extra_fields(self) -> dict[str, Any]:
        """The fields of AFTERTURN_EMBEDDING_EXTRA_BODY."""
        return _parse_object(self.embedding_extra_body)

    @property
    def embedding_other_model_fields(self) -> dict[str, dict[str, str]]:
        """The fields (base_url, api_key, path) of each model in AFTERTURN_EMBEDDING_OTHER_MODELS."""
        return _parse_models(self.embedding_other_models)

    @property
    def celery_broker_url(self) -> str:
        return self.broker_url or self.redis_url

    @property
    def has_credential(self) -> bool:
        """Whether the settings name a credential of the HTTP API."""
        return self.api_key is not None or self.jwt_jwks_url is not None

    @property
    def cors_origins(self) -> frozenset[str]:
        """The origins of AFTERTURN_API_CORS_ORIGINS."""
        given = (origin.strip().rstrip("/").lower() for origin in (self.api_cors_origins or "").split(","))
        return frozenset(origin for origin in given if origin)

    @property
    def body_limit_bytes(self) -> int:
        """The largest body of an HTTP request. One turn of the largest size must fit, escaped as JSON."""
        return self.api_body_limit_bytes or max(8_388_608, 4 * self.turn_limit_bytes)

    @property
    def objective_seconds(self) -> float:
        """The allowed age of the oldest unprocessed turn: its wait for a batch, plus a minute of processing."""
        return self.freshness_objective_seconds or self.batch_max_age_seconds + 60.0

    @property
    def max_open_import_batches(self) -> int:
        """How many batches of imported turns may be open at the same time."""
        return self.import_window or max(1, self.slow_concurrency // 2)

    @property
    def is_offline(self) -> bool:
        """Whether no LLM is configured: facts are then extracted by rules."""
        return self.llm_api_key is None and self.llm_base_url is None


def _parse_object(text: str | None) -> dict[str, Any]:
    """Parse a setting that is a JSON object. Raises ValueError."""
    try:
        value = json.loads(text or "{}")
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise ValueError('must be a JSON object, such as {"seed": 1}')
    return value


#: No quote and no space: it becomes part of header fields.
_PUBLIC_URL = re.compile(r"https?://[A-Za-z0-9.\-:\[\]]+(/[A-Za-z0-9._~\-/]*)?")


def _is_safe_url(url: str) -> bool:
    """Return whether nobody on the way can change what an address answers."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return False
    is_local = host in ("localhost", "::1") or re.fullmatch(r"127(\.\d{1,3}){3}", host) is not None
    return bool(host) and (parts.scheme == "https" or (parts.scheme == "http" and is_local))


_MODEL_FIELDS = {"base_url", "api_key", "path"}


def _parse_models(text: SecretStr | None) -> dict[str, dict[str, str]]:
    """Parse AFTERTURN_EMBEDDING_OTHER_MODELS. Raises ValueError, which does not repeat a value."""
    models = _parse_object(None if text is None else text.get_secret_value())
    for fields in models.values():
        is_right = isinstance(fields, dict) and fields.keys() <= _MODEL_FIELDS
        if not is_right or not all(isinstance(value, str) for value in fields.values()):
            raise ValueError('must be a JSON object of objects, such as {"a-model": {"base_url": "http://host/v1"}}')
    return models


def _normalize_postgres_url(text: str) -> str:
    """Return the URL with the scheme that libpq knows, without the driver that SQLAlchemy names in it.

    Raises ValueError, which does not repeat the text.
    """
    text = text.strip()
    scheme, separator, rest = text.partition("://")
    if not separator or "=" in scheme:
        if "=" not in text:
            raise ValueError("must be a URL such as postgresql://user:password@host:5432/database, or key=value pairs")
        return text
    if scheme.lower().split("+")[0] not in ("postgresql", "postgres"):
        raise ValueError(f"must begin with postgresql:// (PostgreSQL is the only database), not {scheme}://")
    return f"postgresql://{rest}"


#: Variables that begin so are looked at: one of ours, or one with a typing error in the prefix.
_SIMILAR_PREFIX = "AFT"
#: How similar a variable with another prefix is to one of ours where it is taken for a typing error.
_SIMILARITY = 0.85
#: What Kubernetes sets for a service of the name `afterturn`.
_OF_KUBERNETES = re.compile(r"AFTERTURN_(SERVICE_(HOST|PORT)|PORT)(_\w+)?")


def _refuse_unknown(variable: str, known: Collection[str]) -> None:
    """Raise SettingsError for a variable that is meant as a setting, with the most similar name.

    `AFTER_TURN_REDIS_URL`, `afterturn_redis_url` and `AFTERTRUN_REDIS_URL` would be ignored otherwise.
    """
    letters, ours = variable.replace("_", "").upper(), PREFIX.strip("_")
    is_ours = letters.startswith(ours) and letters != ours
    close = difflib.get_close_matches(variable.upper(), known, n=1, cutoff=0.6 if is_ours else _SIMILARITY)
    if not is_ours and not close:
        return
    if _OF_KUBERNETES.fullmatch(variable):
        raise SettingsError(
            f"unknown setting {variable}: Kubernetes sets it for a service named afterturn; set enableServiceLinks: "
            "false in the pod, or name the service differently"
        )
    hint = f"; did you mean {close[0]}?" if close else " (docs/reference/settings.md lists them all)"
    raise SettingsError(f"unknown setting {variable}{hint}")


def load(environment: Mapping[str, str] | None = None) -> Settings:
    """Read the settings from the environment variables.

    Args:
        environment: variables to read instead of those of the process. Where those of the process name no servers,
            the servers of the running `afterturn up` are used.

    Raises SettingsError, which names the variable, when a variable is unknown or has an invalid value.
    """
    variables = running_up.add_servers(os.environ) if environment is None else environment
    fields = {PREFIX + name.upper(): name for name in Settings.model_fields}
    given: dict[str, str] = {}
    for variable, value in variables.items():
        if variable in fields:
            if value:
                given[fields[variable]] = value
        elif variable.upper().startswith(_SIMILAR_PREFIX):
            _refuse_unknown(variable, fields)
    try:
        return Settings(**given)  # type: ignore[arg-type]  # pydantic converts the strings
    except ValidationError as error:
        problems = "; ".join(
            f"{PREFIX}{'.'.join(str(part) for part in problem['loc']).upper()}: {problem['msg']}"
            for problem in error.errors(include_input=False, include_url=False)
        )
        raise SettingsError(problems) from None


def load_with(**options: object) -> Settings:
    """Read the settings like `load`, with options of a command line over them; None is an option not given.

    Raises SettingsError.
    """
    return load(running_up.add_servers(_with_options(options)))


def load_without_servers(**options: object) -> Settings:
    """Read the settings like `load_with`, for a command that starts servers itself: it uses those of no other one."""
    return load(_with_options(options))


def _with_options(options: Mapping[str, object]) -> dict[str, str]:
    given = {PREFIX + name.upper(): str(value) for name, value in options.items() if value is not None}
    return {**os.environ, **given}


def from_environment() -> Settings:
    """Read the environment once per process, as clients do that are given no settings. Raises SettingsError.

    While the servers are unknown it is read each time: an `afterturn up` may be started later.
    """
    settings = _from_environment()
    if not settings.model_fields_set >= {"redis_url", "postgres_url"}:
        _from_environment.cache_clear()
    return settings


@functools.cache
def _from_environment() -> Settings:
    return load()


def markdown_table() -> str:
    """Return all settings as a Markdown table: name, default, meaning."""
    lines = ["| setting | default | meaning |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        default = field.default
        if isinstance(default, SecretStr):
            default = default.get_secret_value()
        shown = "" if default is None else f"`{default}`"
        lines.append(f"| `{PREFIX}{name.upper()}` | {shown} | {field.description} |")
    return "\n".join(lines)
