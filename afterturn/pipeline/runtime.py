"""The runtime of the stages: the settings, connections and models of this process."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from functools import cached_property

import redis
from psycopg_pool import ConnectionPool
from redis.backoff import ExponentialBackoff
from redis.retry import Retry

from afterturn import settings as settings_module
from afterturn.batches.leases import LeaseKeeper
from afterturn.consolidation.judge import Judge
from afterturn.database.pool import Connection, open_worker_pool
from afterturn.embedding import isolation, spaces
from afterturn.embedding.embedder import Embedder
from afterturn.embedding.isolation import Outcome
from afterturn.embedding.spaces import EmbeddingSpace
from afterturn.endpoints import breaker
from afterturn.endpoints.breaker import Breaker
from afterturn.errors import EndpointMisconfigured, MissingExtra, SettingsError
from afterturn.extraction.extractor import Extractor
from afterturn.extraction.offline import OfflineExtractor
from afterturn.extraction.prompted import PromptedExtractor
from afterturn.forgetting import stores
from afterturn.hot import redis_url
from afterturn.hot.clients import WorkerRedis
from afterturn.llm.client import LLM
from afterturn.pipeline.enqueue import Enqueue
from afterturn.settings import Settings
from afterturn.sleep.thread_writer import ThreadWriter
from afterturn.summaries.offline import OfflineSummarizer
from afterturn.summaries.prompted import PromptedSummarizer
from afterturn.summaries.summarizer import Summarizer
from afterturn.user_store import UserStore


class Runtime:
    """The connections and models of one process. Each is opened on first use, so never before a fork."""

    def __init__(self, settings: Settings, *, pool_size: int | None = None) -> None:
        self.settings = settings
        #: One connection for each working thread, one for the thread that renews leases, and one spare.
        self._pool_size = pool_size or settings.slow_concurrency + 2
        self._guard = threading.RLock()
        self._embedders: dict[int, Embedder] = {}

    @cached_property
    def redis(self) -> redis.Redis:
        seconds = self.settings.redis_timeout_seconds
        return redis_url.open_client(
            self.settings.redis_url,
            WorkerRedis,
            socket_timeout=seconds,
            socket_connect_timeout=seconds,
            retry=Retry(ExponentialBackoff(cap=0.5, base=0.05), retries=2),
        )

    @cached_property
    def postgres(self) -> ConnectionPool[Connection]:
        return open_worker_pool(self.settings, size=self._pool_size)

    @cached_property
    def user_stores(self) -> tuple[UserStore, ...]:
        """The stores with data of users."""
        return stores.list_user_stores(self.settings, self.redis)

    @cached_property
    def leases(self) -> LeaseKeeper:
        return LeaseKeeper(
            self.postgres,
            lease_seconds=self.settings.lease_seconds,
            deadline_seconds=self.settings.task_deadline_seconds,
        )

    @cached_property
    def llm_breaker(self) -> Breaker:
        # If a process dies during its probe, the next probe waits until the call would have timed out.
        return Breaker(self.redis, breaker.LLM, probe_seconds=self.settings.llm_timeout_seconds + 5)

    @cached_property
    def embedder_breaker(self) -> Breaker:
        return Breaker(self.redis, breaker.EMBEDDER, probe_seconds=self.settings.llm_timeout_seconds + 5)

    @cached_property
    def next_embedder_breaker(self) -> Breaker:
        """The breaker of the embedder of a space that is being built."""
        return Breaker(self.redis, breaker.NEXT_EMBEDDER, probe_seconds=self.settings.llm_timeout_seconds + 5)

    @cached_property
    def enqueue(self) -> Enqueue:
        return Enqueue(self.settings.celery_broker_url)

    @cached_property
    def llm(self) -> LLM:
        return LLM.from_settings(self.settings, client=self.redis)

    @cached_property
    def extractor(self) -> Extractor:
        if self.settings.is_offline:
            return OfflineExtractor()
        return PromptedExtractor(self.llm, categories=self.settings.category_names)

    @cached_property
    def judge(self) -> Judge | None:
        """The judge of contradictions that rules cannot decide; None if only rules decide."""
        is_asked = self.settings.judge == "llm" and not self.settings.is_offline
        return Judge(self.llm) if is_asked else None

    @cached_property
    def thread_writer(self) -> ThreadWriter | None:
        """The writer of threads; None if rules write them."""
        is_asked = self.settings.threads == "llm" and not self.settings.is_offline
        return ThreadWriter(self.llm) if is_asked else None

    @cached_property
    def summarizer(self) -> Summarizer:
        return OfflineSummarizer() if self.settings.is_offline else PromptedSummarizer(self.llm)

    def embedder_of(self, space: EmbeddingSpace) -> Embedder:
        """Return the embedder of a space. Its model is loaded once per process."""
        with self._guard:
            if space.space_id not in self._embedders:
                self._embedders[space.space_id] = spaces.open_embedder(space, self.settings, client=self.redis)
            return self._embedders[space.space_id]

    def embed_each(self, space: EmbeddingSpace, texts: Sequence[str], *, caller: str = "") -> list[Outcome]:
        """Embed texts in a space, behind the breaker of its endpoint. No database connection is in use meanwhile.

        Raises ModelError: EndpointMisconfigured also if the settings of this process do not reach the model.
        """
        endpoint = self.next_embedder_breaker if space.is_building else self.embedder_breaker
        try:
            embedder = self.embedder_of(space)
            return endpoint.call(lambda: isolation.embed_each(embedder, texts), caller=caller)
        except (SettingsError, MissingExtra) as error:
            # Another worker may reach it, so that no batch becomes dead.
            raise EndpointMisconfigured(f"this worker does not reach {space.describe()}: {error}") from error

    def close(self) -> None:
        """Close everything that was opened."""
        opened = self.__dict__
        if "leases" in opened:
            self.leases.close()
        for name in ("enqueue", "llm", "postgres", "redis"):
            if name in opened:
                opened[name].close()
        for embedder in self._embedders.values():
            embedder.close()


_current: tuple[int, Runtime] | None = None
_current_guard = threading.Lock()


def current() -> Runtime:
    """Return this process's runtime, made from the environment on the first call after a fork."""
    global _current
    with _current_guard:
        if _current is None or _current[0] != os.getpid():
            _current = (os.getpid(), Runtime(settings_module.load()))
        return _current[1]


def close_current() -> None:
    """Close this process's runtime, if there is one."""
    global _current
    with _current_guard:
        if _current is not None and _current[0] == os.getpid():
            _current[1].close()
        _current = None
