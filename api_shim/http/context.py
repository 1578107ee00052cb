"""`POST …/context`: messages for a prompt, within a token budget."""

from __future__ import annotations

from typing import Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from afterturn.context.budget import Shares
from afterturn.context.strategies import History, ImportantOnly, LastTokens, LastTurns, SummaryAndRecent
from api_shim.http.principal import SessionReader

router = APIRouter()


class SharesIn(BaseModel):
    """Fractions of the budget, together 1 at the most; those not given are the defaults."""

    model_config = ConfigDict(extra="forbid")

    pinned: float = Shares().pinned
    profile: float = Shares().profile
    summary: float = Shares().summary
    relevant: float = Shares().relevant
    recent: float = Shares().recent


class HistoryIn(BaseModel):
    """Which of the session's turns are shown."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["summary_and_recent", "last_turns", "last_tokens", "important_only"] = "summary_and_recent"
    limit: int | None = Field(None, description="how many turns or tokens; of important_only: among how many turns")

    def strategy(self) -> History:
        """Return the strategy that it names. Raises InvalidInput."""
        match self.kind:
            case "last_turns":
                return LastTurns() if self.limit is None else LastTurns(self.limit)
            case "last_tokens":
                return LastTokens(1_000) if self.limit is None else LastTokens(self.limit)
            case "important_only":
                return ImportantOnly() if self.limit is None else ImportantOnly(self.limit)
            case _:
                return SummaryAndRecent() if self.limit is None else SummaryAndRecent(self.limit)


class ContextIn(BaseModel):
    """What the context shall be about, and how large it may be."""

    model_config = ConfigDict(extra="forbid")

    query: str | None = Field(None, description="usually the user's message; without one nothing is recalled")
    token_budget: int = Field(description="how many tokens the messages may take together, by estimate")
    shares: SharesIn = SharesIn()
    history: HistoryIn = HistoryIn(kind="summary_and_recent", limit=None)
    role: Literal["system", "developer"] = Field("system", description="whose message the memory is")


class PartOut(BaseModel):
    """What one part took."""

    model_config = ConfigDict(from_attributes=True)

    name: str
    tokens: int
    shown: int
    left_out: int


class ContextOut(BaseModel):
    """Messages in the form of OpenAI's chat API, and what they are made of."""

    model_config = ConfigDict(from_attributes=True)

    messages: list[dict[str, Any]]
    tokens: int
    memory_ids: list[str]
    labels: dict[str, str]
    parts: list[PartOut]


@router.post("/v1/users/{user_id}/sessions/{session_id}/context", summary="Messages for a prompt")
async def context(memory: SessionReader, body: ContextIn) -> ContextOut:
    """Return what is remembered, fenced off as data, and the session's recent turns, as messages for a prompt."""
    given = await memory.context(
        body.query,
        body.token_budget,
        shares=Shares(**body.shares.model_dump()),
        history=body.history.strategy(),
        role=body.role,
    )
    return ContextOut.model_validate(given)
