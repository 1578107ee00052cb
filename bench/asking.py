"""Ask labelled questions and score recall without a judge: how many of the answering turns are behind the memories."""

from __future__ import annotations

import math
import time
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from statistics import fmean, quantiles

from afterturn import tokens
from afterturn.memories import Memory
from afterturn.settings import Settings
from api_shim import MemoryClient
from bench.data.questions import LabelledQuestion

DEPTHS = (5, 10, 20)
NDCG_DEPTH = 10
#: The number of requested memories. It is enough for 20 turns, although a memory may have several turns and a turn
#: several memories.
RECALLED = 40
#: The number of memories whose tokens are counted as the answer.
ANSWERING = 10
ASKING_SESSION = "asking"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """A question, and the memories recalled for it."""

    asked: LabelledQuestion
    memories: Sequence[Memory]
    #: The time of the recall.
    seconds: float


@dataclass(frozen=True, slots=True)
class Scored:
    """The score of one question."""

    category: str
    figures: dict[str, float]
    #: Of the answer. A ranking without recall has none.
    tokens: int = 0
    #: The time of the recall.
    seconds: float = 0.0


def ask(user_id: str, asked: LabelledQuestion, settings: Settings) -> Answered:
    """Ask one question in a separate session."""
    memory = MemoryClient(user_id, ASKING_SESSION, settings=settings)
    began = time.perf_counter()
    found = memory.recall(asked.text, RECALLED, until=asked.at)
    return Answered(asked=asked, memories=found, seconds=time.perf_counter() - began)


def score(answered: Answered) -> Scored:
    """Compare the recalled memories with the turns that answer the question."""
    size = sum(tokens.estimate(memory.text) for memory in answered.memories[:ANSWERING])
    scored = score_turns(answered.asked, ranked_turns(answered.memories))
    return replace(scored, tokens=size, seconds=answered.seconds)


def score_turns(asked: LabelledQuestion, ranked: Sequence[str]) -> Scored:
    """Compare these turns, best first, with the turns that answer the question."""
    figures = {f"recall_at_{depth}": recall_at(depth, ranked, asked.evidence) for depth in DEPTHS}
    figures[f"ndcg_at_{NDCG_DEPTH}"] = ndcg(ranked, asked.evidence)
    return Scored(asked.category, figures)


def ranked_turns(memories: Iterable[Memory]) -> list[str]:
    """Return the ids of the evidence of the memories, each once, in the order of the memories."""
    return list(dict.fromkeys(said.turn_id for memory in memories for said in memory.evidence))


def recall_at(limit: int, ranked: Sequence[str], evidence: Collection[str]) -> float:
    """Return R@limit, the share of the evidence among the first `limit` turns. Evidence must not be empty."""
    wanted = set(evidence)
    return len(wanted.intersection(ranked[:limit])) / len(wanted)


def ndcg(ranked: Sequence[str], evidence: Collection[str]) -> float:
    """Return nDCG@10. All turns of the evidence have the same gain."""
    gains = (1 / math.log2(place + 1) for place, turn in enumerate(ranked[:NDCG_DEPTH], start=1) if turn in evidence)
    best = sum(1 / math.log2(place + 1) for place in range(1, min(NDCG_DEPTH, len(evidence)) + 1))
    return sum(gains) / best


def summed(scored: Sequence[Scored]) -> dict[str, object]:
    """Return the means over all questions and per category, the tokens of an answer, and the latency of recall."""
    milliseconds = [1_000 * one.seconds for one in scored]
    cuts = quantiles(milliseconds, n=20) if len(scored) > 1 else milliseconds * 19
    return {
        "overall": means(scored),
        "categories": by_category(scored),
        "tokens_per_answer": round(fmean(one.tokens for one in scored), 1),
        "latency_p50_ms": round(cuts[9], 2),
        "latency_p95_ms": round(cuts[18], 2),
    }


def by_category(scored: Iterable[Scored]) -> dict[str, dict[str, float]]:
    """Return the means of each category, in the categories' order."""
    categories = defaultdict(list)
    for one in scored:
        categories[one.category].append(one)
    return {category: means(found) for category, found in sorted(categories.items())}


def by_language(scored: Iterable[Scored]) -> dict[str, dict[str, float]]:
    """Return R@5 of each language, by kind of question and overall, and of all languages; categories are `en/word`."""
    groups: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for one in scored:
        language, kind = one.category.split("/")
        for group in (language, "all"):
            groups[group][kind].append(one.figures["recall_at_5"])
            groups[group]["overall"].append(one.figures["recall_at_5"])
    return {
        language: {kind: round(fmean(values), 4) for kind, values in kinds.items()}
        for language, kinds in sorted(groups.items())
    }


def means(scored: Sequence[Scored]) -> dict[str, float]:
    """Return the mean of each figure over all questions of all categories, and the number of questions."""
    names = scored[0].figures
    return {name: round(fmean(one.figures[name] for one in scored), 4) for name in names} | {"questions": len(scored)}
