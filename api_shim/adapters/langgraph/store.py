"""A store for LangGraph whose items are documents of the memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Literal

from langgraph.store.base import BaseStore, IndexConfig, Op, Result, TTLConfig

from afterturn.client import plans
from afterturn.client.async_driver import AsyncDriver
from afterturn.client.driver import Driver
from afterturn.client.effects import Plan
from afterturn.documents.index import Index
from afterturn.documents.operations import Answer, Operation
from afterturn.ids import validate_id
from afterturn.scopes import UserScope
from afterturn.settings import Settings, from_environment
from api_shim.adapters.langgraph import preparation
from api_shim.adapters.langgraph.groups import Groups
from api_shim.adapters.langgraph.own_embedder import make_own_embedder

if TYPE_CHECKING:
    from langchain_core.embeddings import Embeddings

#: The user who owns the items of a store without a user.
SHARED_USER = "langgraph"
#: What is indexed by default: the whole value.
_WHOLE_VALUE = ("$",)


class AfterturnStore(BaseStore):
    """A LangGraph store in the memory's Postgres. Threads and event loops may share it.

    An item belongs to a user: it is exported and forgotten with that user's memory, and no other user's store reads it.
    """

    supports_ttl = True

    def __init__(
        self,
        *,
        user_id: str | Callable[[], str] | None = None,
        index: IndexConfig | Literal[False] | None = None,
        ttl: TTLConfig | None = None,
        tenant_id: str | None = None,
        settings: Settings | None = None,
    ) -> None:
        """Create the store. It opens no connection: the first call opens it.

        Args:
            user_id: the owner of the items, or a function that returns the owner at each call, such as `user_of_run`.
                Default: one owner, "langgraph", for all items of the tenant.
            index: LangGraph's IndexConfig, to index by an embedder of your own. Default: whole values, by the model
                whose vectors the database serves. False: nothing is indexed, and a query is ignored.
            ttl: LangGraph's TTLConfig. Expired items are not found; workers delete them.
            tenant_id: the customer whom the user belongs to. Default: AFTERTURN_TENANT.
            settings: the settings. Default: read from the environment.

        Raises InvalidId, InvalidInput or SettingsError.
        """
        self._settings = from_environment() if settings is None else settings
        self._tenant_id = validate_id("tenant_id", self._settings.tenant if tenant_id is None else tenant_id)
        owner = SHARED_USER if user_id is None else user_id
        self._user_id = owner if callable(owner) else validate_id("user_id", owner)
        self.ttl_config = ttl
        self.index_config: IndexConfig | None = index or None
        self.embeddings: Embeddings | None = None
        self._paths: Sequence[str] | None = None if index is False else _WHOLE_VALUE
        self._index = None if index is False else Index(read_texts=preparation.read_texts)
        if index:
            self.embeddings, own = make_own_embedder(index)
            self._paths = tuple(index.get("fields") or _WHOLE_VALUE)
            self._index = Index(read_texts=preparation.read_texts, own=own)
        self._driver = Driver(self._settings)
        self._async_driver = AsyncDriver(self._settings)
        self._groups: Groups[tuple[UserScope, Operation], Answer] = Groups(self._run_group)

    def batch(self, ops: Iterable[Op]) -> list[Result]:
        """Run operations in one transaction, all or none.

        Reads see the items as they were before the batch; of several puts of a key the last counts. Raises
        InvalidNamespaceError, InvalidInput or TypeError before anything runs; MemoryUnavailable.
        """
        operations = preparation.prepare(ops, self._paths)
        answers = self._driver.run(self._plan(self._owner(), operations)) if operations else []
        return preparation.to_results(operations, answers)

    async def abatch(self, ops: Iterable[Op]) -> list[Result]:
        """Run operations like `batch`, with asyncio. Batches of several tasks may share a transaction."""
        operations = preparation.prepare(ops, self._paths)
        owner = self._owner()
        answers = await self._groups.run([(owner, each) for each in operations]) if operations else []
        return preparation.to_results(operations, answers)

    def _owner(self) -> UserScope:
        user_id = validate_id("user_id", self._user_id()) if callable(self._user_id) else self._user_id
        return UserScope(self._tenant_id, user_id)

    def _plan(self, owner: UserScope, operations: Sequence[Operation]) -> Plan[list[Answer]]:
        return plans.documents.run_batch(owner, operations, self._index)

    async def _run_group(self, group: Sequence[tuple[UserScope, Operation]]) -> list[Answer]:
        """Run the batches of several tasks: one transaction for each owner."""
        answers: list[Answer] = [None] * len(group)
        for owner in dict.fromkeys(owner for owner, _ in group):
            places = [place for place, (each, _) in enumerate(group) if each == owner]
            found = await self._async_driver.run(self._plan(owner, [group[place][1] for place in places]))
            for place, answer in zip(places, found, strict=True):
                answers[place] = answer
        return answers
