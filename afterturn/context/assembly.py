"""Putting a context together: each part gets its share, nothing stands there twice, and the whole fits the budget."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from afterturn.context import counting, fence, lines, messages
from afterturn.context.budget import Ledger, checked_outside
from afterturn.context.context import Context, ContextRequest, Part
from afterturn.context.context_queries import Kept
from afterturn.context.counting import Message
from afterturn.context.fence import Line
from afterturn.context.messages import Passage
from afterturn.memories import Memory
from afterturn.turns import Turn

#: In what order parts give way when the whole does not fit after all. The must-haves come last.
_GIVE_WAY = ("relevant", "outside", "summary", "recent", "profile", "pinned")


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """All that could be shown."""

    kept: Kept
    #: The session's last turns, oldest first.
    turns: Sequence[Turn] = ()
    session_id: str
    #: What was recalled for the question, best first.
    found: Sequence[Memory] = ()
    #: What each context provider said, in their order.
    outside: Sequence[Sequence[str]] = ()


def assemble(request: ContextRequest, material: Material) -> Context:
    """Return the context. Its tokens are never more than the budget, whatever the memories and the counter."""
    packing = _Packing(request, material)
    packing.pack()
    packing.trim()
    return packing.context()


@dataclass(slots=True)
class _Packing:
    request: ContextRequest
    material: Material
    #: What is shown, by part, in the order of the prompt.
    shown: dict[str, list[Line]] = field(default_factory=lambda: {part: [] for part in fence.HEADINGS})
    recent: list[Passage] = field(default_factory=list)
    #: How many lines, or turns, each part could have shown.
    offered: dict[str, int] = field(default_factory=dict)
    #: What is offered of the must-haves, in its order.
    must_haves: dict[str, list[Line]] = field(default_factory=dict)
    #: What was recalled and stands nowhere else, with its line.
    found: list[tuple[Memory, Line]] = field(default_factory=list)

    def pack(self) -> None:
        """Serve the parts in their order, the recent turns in two steps: their share first, what is left last."""
        candidates = self._candidates()
        newest = candidates[-1].tokens if candidates else 0
        budget = self.request.token_budget
        fenced = budget - self._fence_tokens()
        if fenced <= 0 or fenced < newest <= budget:
            self._note_offers()
            self.recent = _newest(candidates, budget)
            return
        ledger = Ledger(fenced)
        remembered = 1 - checked_outside([provider.share for provider in self.request.providers])
        for_recent = max(ledger.of(self.request.shares.recent * remembered), newest if newest <= fenced else 0)
        self._serve_fixed(ledger, remembered, for_recent)
        self.recent = _newest(candidates, for_recent)
        ledger.spend(_tokens(self.recent), self.request.shares.recent * remembered)
        self._serve_cut_must_haves(ledger)
        self._serve_changing(ledger, remembered)
        self.recent = _newest(candidates, _tokens(self.recent) + ledger.left)
        self._drop_turns_shown_anyway()

    def _candidates(self) -> list[Passage]:
        candidates = self.request.history.chosen(messages.passages(self.material.turns, self.request.count_tokens))
        self.offered["recent"] = sum(len(passage.turns) for passage in candidates)
        return candidates

    def _note_offers(self) -> None:
        kept = self.material.kept
        self.offered |= {"pinned": len(kept.pinned), "profile": len(kept.profile), "summary": len(self._summary)}
        self.offered |= {"outside": sum(map(len, self.material.outside)), "relevant": len(self.material.found)}

    @property
    def _summary(self) -> Sequence[Line]:
        return self.material.kept.summary if self.request.history.shows_summary else ()

    def _serve_fixed(self, ledger: Ledger, remembered: float, for_recent: int) -> None:
        """Serve what depends neither on the question nor on the minute: the prompt's beginning stays as it is."""
        kept, shares = self.material.kept, self.request.shares
        for_profile = ledger.of(shares.profile * remembered)
        pinned = self.must_haves["pinned"] = lines.once(kept.pinned)
        profile = self.must_haves["profile"] = lines.once(kept.profile, pinned)
        self._borrow("pinned", pinned, shares.pinned * remembered, ledger, for_recent + for_profile)
        self._borrow("profile", profile, shares.profile * remembered, ledger, for_recent)
        # The newest of a summary tells the most, and is the last to go.
        self._serve("summary", list(reversed(self._summary)), shares.summary * remembered, ledger, for_recent)
        self.shown["summary"].reverse()

    def _serve_cut_must_haves(self, ledger: Ledger) -> None:
        """Serve what the others' shares left no room for, before anything that is only relevant."""
        for part, offered in self.must_haves.items():
            shown = self.shown[part]
            self.shown[part] = []
            self.offered[part] -= len(offered) - len(shown)  # they are offered again
            self._borrow(part, [line for line in offered if line not in shown], 0, ledger)
            taken = self.shown[part]
            self.shown[part] = [line for line in offered if line in shown or line in taken]

    def _serve_changing(self, ledger: Ledger, remembered: float) -> None:
        for provider, said in zip(self.request.providers, self.material.outside, strict=True):
            own = min(ledger.of(provider.share), ledger.left)
            self._take("outside", lines.of_outside(provider.name, said), ledger, provider.share, own)
        self.found = [(memory, lines.of_memory(memory, self.material.kept.zone)) for memory in self._new()]
        share = self.request.shares.relevant * remembered
        self._serve("relevant", [line for _, line in self.found], share, ledger)

    def _fence_tokens(self) -> int:
        """Return what the message takes with all its headings and no line; nothing where there is nothing to say."""
        kept, material = self.material.kept, self.material
        if not (kept.pinned or kept.profile or self._summary or material.found or any(material.outside)):
            return 0
        return self._message_tokens({part: [Line(text="", said="")] for part in fence.HEADINGS})

    def _message_tokens(self, shown: Mapping[str, Sequence[Line]]) -> int:
        message = self._memory_message(shown)
        return counting.message_tokens(message, self.request.count_tokens) if message else 0

    def _memory_message(self, shown: Mapping[str, Sequence[Line]]) -> Message | None:
        if not any(shown.values()):
            return None
        return {"role": self.request.role, "content": fence.rendered(list(shown.items()))}

    def _borrow(self, part: str, offered: Sequence[Line], share: float, ledger: Ledger, kept_back: int = 0) -> None:
        """Serve a must-have: all that is not kept back for the other must-haves is its to take."""
        self._take(part, offered, ledger, share, max(0, ledger.left - kept_back))

    def _serve(self, part: str, offered: Sequence[Line], share: float, ledger: Ledger, kept_back: int = 0) -> None:
        """Serve a part its share and what those before it left."""
        self._take(part, offered, ledger, share, ledger.allowance(share, kept_back=kept_back))

    def _take(self, part: str, offered: Sequence[Line], ledger: Ledger, share: float, allowance: int) -> None:
        self.offered[part] = self.offered.get(part, 0) + len(offered)
        taken = 0
        for line in offered:
            tokens = self._line_tokens(line)
            if taken + tokens <= allowance:
                taken += tokens
                self.shown[part].append(line)
        ledger.spend(taken, share)

    def _line_tokens(self, line: Line) -> int:
        return counting.text_tokens("\n" + line.text, self.request.count_tokens)

    def _new(self) -> list[Memory]:
        """Return the recalled memories that say what neither the shown turns nor the fixed lines say."""
        fixed = [*self.shown["pinned"], *self.shown["profile"], *self.shown["summary"]]
        # A line of the summary that rests on several episodes says less than each of them.
        ids = {line.memory_ids for line in fixed if len(line.memory_ids) == 1}
        texts = {lines.same(line.said) for line in fixed}
        in_view = self._in_view()
        return [
            memory
            for memory in lines.relevant(self.material.found)
            if (memory.memory_id,) not in ids and lines.same(memory.text) not in texts and not _is_seen(memory, in_view)
        ]

    def _drop_turns_shown_anyway(self) -> None:
        in_view = self._in_view()
        seen = {line.text for memory, line in self.found if _is_seen(memory, in_view)}
        self.offered["relevant"] -= sum(line.text in seen for _, line in self.found)
        self.shown["relevant"] = [line for line in self.shown["relevant"] if line.text not in seen]

    def _in_view(self) -> set[tuple[str, str]]:
        return {(self.material.session_id, turn.turn_id) for passage in self.recent for turn in passage.turns}

    def trim(self) -> None:
        """Drop what a counter finds too much that counts a whole text as more than its lines."""
        memory_tokens = self._message_tokens(self.shown)
        while memory_tokens + _tokens(self.recent) > self.request.token_budget:
            if self._drop_one() != "recent":
                memory_tokens = self._message_tokens(self.shown)

    def _drop_one(self) -> str:
        for part in _GIVE_WAY:
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
        memory = self._memory_message(self.shown)
        shown = [line for part in self.shown.values() for line in part]
        all_messages = [message for passage in self.recent for message in passage.messages]
        if memory is not None:
            all_messages.insert(0, memory)
        labels = {line.label: line.memory_ids[0] for line in shown if line.label}
        memory_ids = dict.fromkeys(memory_id for line in shown for memory_id in line.memory_ids)
        return Context(
            messages=all_messages,
            tokens=counting.tokens_of(all_messages, self.request.count_tokens),
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
        return [*parts, Part(name="recent", tokens=_tokens(self.recent), shown=turns, left_out=left_out)]


def _is_seen(memory: Memory, in_view: set[tuple[str, str]]) -> bool:
    """Whether all that the memory rests on is in view."""
    return bool(memory.evidence) and all((said.session_id, said.turn_id) in in_view for said in memory.evidence)


def _newest(passages: Sequence[Passage], most: int) -> list[Passage]:
    """Return the last passages that fit, without a gap."""
    first = len(passages)
    while first and passages[first - 1].tokens <= most:
        first -= 1
        most -= passages[first].tokens
    return list(passages[first:])


def _tokens(passages: Sequence[Passage]) -> int:
    return sum(passage.tokens for passage in passages)
