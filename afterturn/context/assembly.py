"""Assemble a context: fill each part within its share, show nothing twice, and keep the whole within the budget."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from afterturn.context import counting, lines, memory_block, messages, relevant
from afterturn.context.budget import TokenBudget, validate_provider_shares
from afterturn.context.context import Context, ContextRequest, Part
from afterturn.context.context_queries import StoredContext
from afterturn.context.counting import Message
from afterturn.context.lines import Question
from afterturn.context.memory_block import MemoryLine
from afterturn.context.messages import Passage
from afterturn.memories import Memory
from afterturn.recall.neighbours import Neighbours
from afterturn.threads.thread import Thread
from afterturn.turns import Turn

#: The order in which parts lose lines when the whole exceeds the budget after all. The must-haves are last.
_TRIM_ORDER = ("relevant", "outside", "summary", "recent", "profile", "pinned")


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextInput:
    """Everything that a context can show."""

    stored: StoredContext
    #: The session's last turns, oldest first.
    turns: Sequence[Turn] = ()
    session_id: str
    #: The memories recalled for the question, best first.
    memories: Sequence[Memory] = ()
    #: What the memories were recalled for.
    question: str = ""
    #: The turns around the recalled turns.
    neighbours: Neighbours = field(default_factory=Neighbours)
    #: The threads that rest on one of these memories.
    threads: Sequence[Thread] = ()
    #: The lines of each context provider, in the order of the providers.
    provider_lines: Sequence[Sequence[str]] = ()


def assemble(request: ContextRequest, inputs: ContextInput) -> Context:
    """Return the context. Its tokens never exceed the budget, whatever the memories and the counter."""
    packer = _Packer(request, inputs)
    packer.pack()
    packer.trim()
    return packer.context()


@dataclass(slots=True)
class _Packer:
    request: ContextRequest
    inputs: ContextInput
    #: The lines shown so far, by part, in the order of the prompt.
    shown: dict[str, list[MemoryLine]] = field(default_factory=lambda: {part: [] for part in memory_block.HEADINGS})
    recent: list[Passage] = field(default_factory=list)
    #: Number of lines, or of turns, that each part could show.
    offered: dict[str, int] = field(default_factory=dict)
    #: All lines of the must-haves, in their order.
    must_haves: dict[str, list[MemoryLine]] = field(default_factory=dict)
    #: The facts whose content a shown thread says.
    covered: set[str] = field(default_factory=set)

    def pack(self) -> None:
        """Fill the parts in their order. Recent turns get their share first, and the unused tokens at the end."""
        candidates = self._recent_candidates()
        newest_tokens = candidates[-1].tokens if candidates else 0
        token_budget = self.request.token_budget
        available = token_budget - self._empty_block_tokens()
        if available <= 0 or available < newest_tokens <= token_budget:
            self._count_offers()
            self.recent = _newest_within(candidates, token_budget)
            return
        budget = TokenBudget(available)
        memory_share = 1 - validate_provider_shares([provider.share for provider in self.request.providers])
        recent_share = self.request.shares.recent * memory_share
        recent_tokens = max(budget.share_tokens(recent_share), newest_tokens if newest_tokens <= available else 0)
        self._fill_stable_parts(budget, memory_share, recent_tokens)
        self.recent = _newest_within(candidates, recent_tokens)
        budget.spend(_total_tokens(self.recent), recent_share)
        self._complete_must_haves(budget)
        self._fill_changing_parts(budget, memory_share)
        self.recent = _newest_within(candidates, _total_tokens(self.recent) + budget.left_tokens)
        self._drop_memories_of_visible_turns()

    def _recent_candidates(self) -> list[Passage]:
        passages = messages.build_passages(self.inputs.turns, self.request.count_tokens)
        candidates = self.request.history.chosen(passages)
        self.offered["recent"] = sum(len(passage.turns) for passage in candidates)
        return candidates

    def _count_offers(self) -> None:
        stored = self.inputs.stored
        self.offered |= {"pinned": len(stored.pinned), "profile": len(stored.profile), "summary": len(self._summary)}
        self.offered |= {
            "outside": sum(map(len, self.inputs.provider_lines)),
            "relevant": len(self.inputs.memories),
        }

    @property
    def _summary(self) -> Sequence[MemoryLine]:
        return self.inputs.stored.summary if self.request.history.shows_summary else ()

    def _fill_stable_parts(self, budget: TokenBudget, memory_share: float, recent_tokens: int) -> None:
        """Fill the parts that do not depend on the question or the time: the start of the prompt stays the same."""
        stored, shares = self.inputs.stored, self.request.shares
        profile_tokens = budget.share_tokens(shares.profile * memory_share)
        pinned = self.must_haves["pinned"] = lines.drop_repeated(stored.pinned)
        profile = lines.drop_repeated(stored.profile, pinned)
        self._fill_must_have("pinned", pinned, shares.pinned * memory_share, budget, recent_tokens + profile_tokens)
        if self.inputs.question:
            # What answers the question is worth more than the rest of the profile.
            self._fill_share("profile", profile, shares.profile * memory_share, budget, recent_tokens)
        else:
            self.must_haves["profile"] = profile
            self._fill_must_have("profile", profile, shares.profile * memory_share, budget, recent_tokens)
        # The newest statements of a summary are the most useful ones, so that they are taken first.
        newest_first = list(reversed(self._summary))
        self._fill_share("summary", newest_first, shares.summary * memory_share, budget, recent_tokens)
        self.shown["summary"].reverse()

    def _complete_must_haves(self, budget: TokenBudget) -> None:
        """Add the must-haves that did not fit before, ahead of everything that is only relevant."""
        for part, offered in self.must_haves.items():
            shown = self.shown[part]
            self.shown[part] = []
            self.offered[part] -= len(offered) - len(shown)  # they are offered, and counted, again
            self._fill_must_have(part, [line for line in offered if line not in shown], 0, budget)
            added = self.shown[part]
            self.shown[part] = [line for line in offered if line in shown or line in added]

    def _fill_changing_parts(self, budget: TokenBudget, memory_share: float) -> None:
        for provider, texts in zip(self.request.providers, self.inputs.provider_lines, strict=True):
            allowance = min(budget.share_tokens(provider.share), budget.left_tokens)
            self._take("outside", lines.provider_lines(provider.name, texts), budget, provider.share, allowance)
        self._fill_relevant(budget, self.request.shares.relevant * memory_share)

    def _fill_relevant(self, budget: TokenBudget, share: float) -> None:
        """Fill the part about the question, best first."""
        inputs = self.inputs
        offered = relevant.offer_lines(
            self._memories_not_shown(), inputs.neighbours, inputs.threads, Question(inputs.question), inputs.stored.zone
        )
        self._fill_share("relevant", offered, share, budget)

    def _empty_block_tokens(self) -> int:
        """Return the tokens of the memory message with all headings and no line; 0 where there is nothing to show."""
        stored, inputs = self.inputs.stored, self.inputs
        if not (stored.pinned or stored.profile or self._summary or inputs.memories or any(inputs.provider_lines)):
            return 0
        return self._message_tokens({part: [MemoryLine(text="", content="")] for part in memory_block.HEADINGS})

    def _message_tokens(self, shown: dict[str, list[MemoryLine]]) -> int:
        message = self._memory_message(shown)
        return counting.count_message(message, self.request.count_tokens) if message else 0

    def _memory_message(self, shown: dict[str, list[MemoryLine]]) -> Message | None:
        if not any(shown.values()):
            return None
        in_order = shown | {"relevant": sorted(shown["relevant"], key=lambda line: line.said)}
        return {"role": self.request.role, "content": memory_block.render(list(in_order.items()))}

    def _fill_must_have(
        self, part: str, offered: Sequence[MemoryLine], share: float, budget: TokenBudget, reserved_tokens: int = 0
    ) -> None:
        """Fill a must-have: it may take all tokens that are not reserved for the other must-haves."""
        self._take(part, offered, budget, share, max(0, budget.left_tokens - reserved_tokens))

    def _fill_share(
        self, part: str, offered: Sequence[MemoryLine], share: float, budget: TokenBudget, reserved_tokens: int = 0
    ) -> None:
        """Fill a part up to its share and the tokens that the parts before it did not use."""
        self._take(part, offered, budget, share, budget.allowance(share, reserved_tokens=reserved_tokens))

    def _take(
        self, part: str, offered: Sequence[MemoryLine], budget: TokenBudget, share: float, allowance: int
    ) -> None:
        taken = 0
        self.offered.setdefault(part, 0)
        for line in offered:
            if self._is_covered(line) or not self._has_leader(line, part):
                continue
            self.offered[part] += 1
            tokens = self._line_tokens(line)
            if taken + tokens <= allowance:
                taken += tokens
                self.covered |= line.covers
                self.shown[part].append(line)
        budget.spend(taken, share)

    def _is_covered(self, line: MemoryLine) -> bool:
        """Return whether a shown thread says what the line says."""
        return not self.covered.isdisjoint(line.memory_ids[:1])

    def _has_leader(self, line: MemoryLine, part: str) -> bool:
        """Return whether the line that this one explains is shown; true of a line that stands alone."""
        return line.explains is None or any(shown.said == line.explains for shown in self.shown[part])

    def _line_tokens(self, line: MemoryLine) -> int:
        return counting.count_text("\n" + line.text, self.request.count_tokens)

    def _memories_not_shown(self) -> list[Memory]:
        """Return the recalled memories that neither the shown turns nor the stable parts contain."""
        stable = [*self.shown["pinned"], *self.shown["profile"], *self.shown["summary"]]
        # A summary line made from several episodes contains less than each of them: it does not replace them.
        shown_ids = {line.memory_ids for line in stable if len(line.memory_ids) == 1}
        shown_keys = {lines.comparison_key(line.content) for line in stable}
        visible_turns = self._visible_turns()
        return [
            memory
            for memory in lines.select_relevant(self.inputs.memories)
            if (memory.memory_id,) not in shown_ids
            and lines.comparison_key(memory.text) not in shown_keys
            and not lines.is_shown_as_contradiction(memory, stable)
            and not _is_visible(memory, visible_turns)
        ]

    def _drop_memories_of_visible_turns(self) -> None:
        visible_turns = self._visible_turns()
        kept = [line for line in self.shown["relevant"] if not line.turns or not line.turns <= visible_turns]
        self.offered["relevant"] -= len(self.shown["relevant"]) - len(kept)
        self.shown["relevant"] = kept

    def _visible_turns(self) -> set[tuple[str, str]]:
        """Return the (session id, turn id) of the turns that the context shows."""
        return {(self.inputs.session_id, turn.turn_id) for passage in self.recent for turn in passage.turns}

    def trim(self) -> None:
        """Drop lines while the whole exceeds the budget: some counters count a text as more than its lines."""
        memory_tokens = self._message_tokens(self.shown)
        while memory_tokens + _total_tokens(self.recent) > self.request.token_budget:
            if self._drop_one() != "recent":
                memory_tokens = self._message_tokens(self.shown)

    def _drop_one(self) -> str:
        """Drop one line or passage and return the name of its part."""
        for part in _TRIM_ORDER:
            if part == "recent":
                if len(self.recent) > 1:
                    del self.recent[0]
                    return part
            elif self.shown[part]:
                del self.shown[part][0 if part == "summary" else -1]
                return part
        del self.recent[0]
        return "recent"

    def context(self) -> Context:
        """Return what was packed."""
        memory_message = self._memory_message(self.shown)
        shown_lines = [line for part in self.shown.values() for line in part]
        all_messages = [message for passage in self.recent for message in passage.messages]
        if memory_message is not None:
            all_messages.insert(0, memory_message)
        labels = {line.label: line.memory_ids[0] for line in shown_lines if line.label}
        memory_ids = dict.fromkeys(memory_id for line in shown_lines for memory_id in line.memory_ids)
        return Context(
            messages=all_messages,
            tokens=counting.count_messages(all_messages, self.request.count_tokens),
            memory_ids=tuple(memory_ids),
            labels=labels,
            parts=tuple(self._parts()),
        )

    def _parts(self) -> list[Part]:
        parts = [
            Part(
                name=name,
                tokens=sum(map(self._line_tokens, shown)),
                shown=len(shown),
                left_out=self.offered.get(name, 0) - len(shown),
            )
            for name, shown in self.shown.items()
        ]
        turns = sum(len(passage.turns) for passage in self.recent)
        left_out = self.offered["recent"] - turns
        return [*parts, Part(name="recent", tokens=_total_tokens(self.recent), shown=turns, left_out=left_out)]


def _is_visible(memory: Memory, visible_turns: set[tuple[str, str]]) -> bool:
    """Return whether the context shows all turns of the memory's evidence."""
    return bool(memory.evidence) and all((item.session_id, item.turn_id) in visible_turns for item in memory.evidence)


def _newest_within(passages: Sequence[Passage], limit_tokens: int) -> list[Passage]:
    """Return the last passages within the limit, without a gap."""
    first = len(passages)
    while first and passages[first - 1].tokens <= limit_tokens:
        first -= 1
        limit_tokens -= passages[first].tokens
    return list(passages[first:])


def _total_tokens(passages: Sequence[Passage]) -> int:
    return sum(passage.tokens for passage in passages)
