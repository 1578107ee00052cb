"""Measure recall and precision of the offline extractor against gold facts, by embeddings.

A fact and a gold fact of the same session match if the cosine of their embeddings is 0.6 or more. Recall is the share
of gold facts with such a fact, precision the share of facts with such a gold fact. In the baseline, every sentence of
the user is a fact.

If gold facts begin with the user's name, the name alone makes any text more similar to them. So there is a control: the
baseline with the name before each sentence. Only a result above the control comes from the extraction.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import LiteralString

import numpy as np

from afterturn import MemoryClient
from afterturn.client import connections
from afterturn.embedding.local_model import FastEmbedEmbedder
from afterturn.pipeline import prepare
from afterturn.settings import Settings
from bench import ledger
from bench.data.conversation import Conversation, Session
from bench.progress import Progress
from bench.report import Line, Value
from harness import servers
from harness.pipeline import Pipeline

LEAST_COSINE = 0.6

#: The texts of one user by session.
Texts = Mapping[str, Sequence[str]]

LINES = (
    Line(name="recall_named", meaning="gold facts that are found, in percent, the user's turns carrying a name"),
    Line(name="precision_named", meaning="facts that are gold, in percent"),
    Line(name="facts_named", meaning="facts extracted"),
    Line(name="recall_unnamed", meaning="the same without a name"),
    Line(name="precision_unnamed", meaning="the same without a name"),
    Line(name="facts_unnamed", meaning="facts extracted"),
    Line(name="recall_of_sentences", meaning="of the baseline: every sentence of the user as a fact"),
    Line(name="precision_of_sentences", meaning="of the baseline"),
    Line(name="recall_of_named_sentences", meaning="of the control: each sentence with the user's name before it"),
    Line(name="precision_of_named_sentences", meaning="of the control"),
    Line(name="sentences", meaning="sentences of the baseline"),
    Line(name="gold", meaning="gold facts"),
)

_BASELINES = ("of_sentences", "of_named_sentences")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n+")
_SETTLE_SECONDS = 600.0

_FACTS: LiteralString = """
SELECT DISTINCT e.session_id, f.text
FROM facts AS f JOIN evidence AS e USING (tenant_id, user_id, fact_id)
WHERE f.tenant_id = %(tenant_id)s AND f.user_id = %(user_id)s
ORDER BY 1, 2
"""


class Agreement:
    """How many facts and gold facts agree, added up over users."""

    def __init__(self, embed: Callable[[Sequence[str]], list[list[float]]]) -> None:
        self._embed = embed
        self.gold = self.found = self.facts = self.right = 0

    def add(self, facts: Texts, gold: Texts) -> None:
        """Compare one user's facts with the gold of the same sessions."""
        for session_id in facts.keys() | gold.keys():
            said, known = list(facts.get(session_id, ())), list(gold.get(session_id, ()))
            self.facts += len(said)
            self.gold += len(known)
            if said and known:
                agrees = np.array(self._embed(known)) @ np.array(self._embed(said)).T >= LEAST_COSINE
                self.found += int(agrees.any(axis=1).sum())
                self.right += int(agrees.any(axis=0).sum())

    def figures(self, name: str) -> dict[str, Value]:
        """Return recall and precision in percent."""
        return {
            f"recall_{name}": 100 * self.found / max(self.gold, 1),
            f"precision_{name}": 100 * self.right / max(self.facts, 1),
        }


def measured(conversations: Sequence[Conversation], model_path: Path, progress: Progress) -> dict[str, Value]:
    """Extract from all conversations, with and without the users' names, and return the figures."""
    embedder = FastEmbedEmbedder(model_path=model_path)
    agreements = {name: Agreement(embedder.embed) for name in ("named", "unnamed", *_BASELINES)}
    gold = [_gold(conversation) for conversation in conversations]
    with ExitStack() as running:
        progress.begin("servers")
        redis_server, postgres = running.enter_context(servers.pair(running.enter_context(servers.directory())))
        running.callback(connections.close_connections)
        # No endpoint: rules extract.
        settings = servers.own_settings(
            redis_url=redis_server.url, postgres_url=postgres.url, llm_base_url="", embedder="hashing"
        )
        prepare.prepare_database(postgres.url, settings)
        book = running.enter_context(ledger.opened(postgres.url))
        progress.begin("extraction and comparison", 2 * len(conversations))
        for place, name in enumerate(("named", "unnamed")):
            for number, conversation in enumerate(conversations):
                user_name = conversation.user_name if name == "named" else None
                facts = _extracted(conversation, user_name, settings, book, tenant_id=f"{name}-{number}")
                agreements[name].add(facts, gold[number])
                progress.reached(place * len(conversations) + number + 1)
    for conversation, known in zip(conversations, gold, strict=True):
        agreements["of_sentences"].add(sentences(conversation), known)
        agreements["of_named_sentences"].add(sentences(conversation, conversation.user_name), known)
    figures: dict[str, Value] = {}
    for name, agreement in agreements.items():
        figures |= agreement.figures(name)
    figures |= {f"facts_{name}": agreements[name].facts for name in ("named", "unnamed")}
    figures |= {"sentences": agreements["of_sentences"].facts, "gold": agreements["of_sentences"].gold}
    return {line.name: figures[line.name] for line in LINES}


def is_better(figures: Mapping[str, Value]) -> bool:
    """Return whether the extractor is above the baseline in recall and in precision, named or not."""
    return all(
        _number(figures[f"{what}_{name}"]) > _number(figures[f"{what}_of_sentences"])
        for what in ("recall", "precision")
        for name in ("named", "unnamed")
    )


def _number(value: Value) -> float:
    assert isinstance(value, float | int)
    return value


def _gold(conversation: Conversation) -> Texts:
    session_of = {turn.turn_id: session for session in conversation.sessions for turn in session.turns}
    texts: dict[str, list[str]] = defaultdict(list)
    for fact in conversation.gold:
        session = session_of[fact.turn_ids[0]]
        if not session.is_made_up:
            texts[session.session_id].append(fact.text)
    return texts


def sentences(conversation: Conversation, user_name: str | None = None) -> Texts:
    """Return every sentence of the user by session; with a name, that and a colon before each."""
    before = f"{user_name}: " if user_name else ""
    return {
        session.session_id: [
            before + sentence for sentence in _split(turn.content for turn in session.turns if turn.role == "user")
        ]
        for session in _held(conversation)
    }


def _split(contents: Iterable[str]) -> Iterator[str]:
    return (sentence.strip() for content in contents for sentence in _SENTENCE_END.split(content) if sentence.strip())


def _held(conversation: Conversation) -> list[Session]:
    return [session for session in conversation.sessions if not session.is_made_up]


def _extracted(
    conversation: Conversation, user_name: str | None, settings: Settings, book: ledger.Ledger, *, tenant_id: str
) -> Texts:
    """Write the conversation through the pipeline; return the facts by the sessions that their evidence is from."""
    with Pipeline(settings) as pipeline:
        for session in _held(conversation):
            memory = MemoryClient(conversation.user_id, session.session_id, tenant_id=tenant_id, settings=settings)
            memory.write_many(
                {
                    "role": turn.role,
                    "content": turn.content,
                    "turn_id": turn.turn_id,
                    "name": turn.name or (user_name if turn.role == "user" else None),
                    "occurred_at": turn.at,
                }
                for turn in session.turns
            )
            memory.flush()
            pipeline.settle(seconds=_SETTLE_SECONDS)
    texts: dict[str, list[str]] = defaultdict(list)
    for row in book.rows(_FACTS, tenant_id=tenant_id, user_id=conversation.user_id):
        texts[row["session_id"]].append(row["text"])
    return texts
