"""`POST …/context`: messages for a prompt, within a token budget."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from afterturn.context.budget import Shares
from afterturn.context.strategies import History, ImportantOnly, LastTokens, LastTurns, SummaryAndRecent
from api_shim.http.principal import SessionReader
from api_shim.http.routes import make_router
from api_shim.http.schemas import Body

router = make_router()


class SharesIn(Body):
    """The largest fraction of the token budget for each part. Their sum is at most 1; missing ones have defaults."""

    pinned: float = Shares().pinned
    profile: float = Shares().profile
    summary: float = Shares().summary
    relevant: float = Shares().relevant
    recent: float = Shares().recent


class HistoryIn(Body):
    """How the session's turns are selected."""

    kind: Literal["summary_and_recent", "last_turns", "last_tokens", "important_only"] = "summary_and_recent"
    limit: int | None = Field(
        None,
        description="the largest number of turns or tokens; for important_only, the number of turns to select from",
    )

    def strategy(self) -> History:
        """Return the strategy with this name. Raises InvalidInput."""
        match self.kind:
            case "last_turns":
                return LastTurns() if self.limit is None else LastTurns(self.limit)
            case "last_tokens":
                return LastTokens(1_000) if self.limit is None else LastTokens(self.limit)
            case "important_only":
                return ImportantOnly() if self.limit is None else ImportantOnly(self.limit)
            case _:
                return SummaryAndRecent() if self.limit is None else SummaryAndRecent(self.limit)


class ContextIn(Body):
    """The query, the token budget and the options of a context."""

    query: str | None = Field(None, description="usually the user's message; without a query nothing is recalled")
    token_budget: int = Field(description="the largest number of tokens of all messages together, by estimate")
    shares: SharesIn = SharesIn()
    history: HistoryIn = HistoryIn(kind="summary_and_recent", limit=None)
    role: Literal["system", "developer"] = Field("system", description="the role of the message with the memory")


class PartOut(BaseModel):
    """The tokens and entries of one part of the context."""

    model_config = ConfigDict(from_attributes=True)

    name: str
    tokens: int
    shown: int
    left_out: int


class ContextOut(BaseModel):
    """Messages in the format of OpenAI's chat API, and the memories that they contain."""

    model_config = ConfigDict(from_attributes=True)

    messages: list[dict[str, Any]]
    tokens: int
    memory_ids: list[str]
    labels: dict[str, str]
    parts: list[PartOut]


@router.post(
    "/v1/users/{user_id:id}/sessions/{session_id:id}/context",
    operation_id="build_context",
    summary="Build messages for a prompt",
)
async def context(memory: SessionReader, body: ContextIn) -> ContextOut:
    """Return messages for a prompt: a message with the user's memory, marked as data, then the recent turns."""
    made = await memory.context(
        body.query,
        body.token_budget,
        shares=Shares(**body.shares.model_dump()),
        history=body.history.strategy(),
        role=body.role,
    )
    return ContextOut.model_validate(made)
