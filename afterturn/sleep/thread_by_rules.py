"""Write threads without an LLM: the steps are facts, word for word, with their days."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from afterturn.sleep import thread_question
from afterturn.sleep.matters import Matter, MatterFact
from afterturn.threads.thread import RULES_PREFIX, ThreadStep
from afterturn.threads.thread_rows import ThreadDraft

PROMPT_VERSION = f"{RULES_PREFIX}1"
#: The name of the model while there is none.
OFFLINE = "offline"

_MOST_STEPS = 8
_STEP_WORDS = 24
_WORD = re.compile(r"[^\W\d_]{4,}")
#: Words that are no title.
_FUNCTION_WORDS = frozenset(
    _WORD.findall(
        """
        about after again also before being been came does done down each from goes going have having into just like
        made make more most much only other over said some such than that their them then there these they this those
        through very want wants went were what when where which while will with would your
        """
    )
)


def write_thread(matter: Matter, *, model: str = OFFLINE) -> ThreadDraft:
    """Return the thread of a matter: its facts, evenly spread over time, and the newest current one as its state.

    Args:
        matter: the matter.
        model: the model that refused to write it; `offline` where there is none.
    """
    current = [fact for fact in matter.facts if fact.is_current]
    state = current[-1] if current else None
    past = [fact for fact in matter.facts if fact is not state]
    count = min(_MOST_STEPS, len(past))
    kept = [past[(section + 1) * len(past) // count - 1] for section in range(count)]
    used = [*kept, *([state] if state is not None else [])]
    return ThreadDraft(
        thread_id=thread_question.thread_id(matter),
        input_digest=thread_question.matter_digest(matter),
        title=make_title(used),
        steps=tuple(_make_step(fact) for fact in kept),
        state=None if state is None else _make_step(state),
        started_at=matter.started_at,
        last_said_at=matter.last_said_at,
        prompt_version=PROMPT_VERSION,
        model=model,
    )


def make_title(facts: Sequence[MatterFact]) -> str:
    """Return the word that most of these facts contain, or their subject: "Studio".

    Words that begin with a small letter come first: the others are names, and one that is in all facts is the person's.
    """
    counts = Counter(word for fact in facts for word in {word.casefold() for word in _WORD.findall(fact.text)})
    small = {word for fact in facts for word in _WORD.findall(fact.text) if word[0].islower()}
    shared = [
        (word not in small, -count, -len(word), word)
        for word, count in counts.items()
        if word not in _FUNCTION_WORDS and count > 1 and (word in small or count < len(facts))
    ]
    if shared:
        best: str = min(shared)[-1]
        return best.capitalize()
    return next((fact.subject for fact in facts if fact.subject), "")


def _make_step(fact: MatterFact) -> ThreadStep:
    words = fact.text.split()
    text = " ".join(words) if len(words) <= _STEP_WORDS else " ".join([*words[:_STEP_WORDS], "…"])
    return ThreadStep(text=text.rstrip(" ."), day=fact.day, fact_ids=(str(fact.fact_id),))
