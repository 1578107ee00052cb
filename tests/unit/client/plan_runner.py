"""Runs a plan without I/O: records the effects that the plan requests, and answers them with the test's functions."""

from afterturn.client.session import ClientSession
from afterturn.errors import MemoryUnavailable
from afterturn.settings import Settings
from afterturn.turns import make_payload

SETTINGS = Settings()


def session(session_id="chat"):
    return ClientSession(user_id="ana", session_id=session_id, agent_id=None, tenant_id=None, settings=SETTINGS)


def pending(*contents):
    """Return the rows of XREVRANGE for pending turns (newest first), and the ids of the turns (oldest first)."""
    entries = [make_payload("user", content, limit_bytes=10_000) for content in contents]
    rows = [
        (b"%d-0" % (1_700_000_000_000 + place), {b"i": turn_id.encode(), b"d": payload})
        for place, (turn_id, payload) in enumerate(entries)
    ]
    return rows[::-1], [turn_id for turn_id, _ in entries]


class PlanRunner:
    """Answers each effect with the function for its kind, or raises the exception that is given instead."""

    def __init__(self, **answers):
        #: Class name of an effect -> a function from the effect to its answer, or an exception.
        self._answers = answers
        self.effects = []

    @property
    def effect_names(self):
        """The class names of the requested effects, in order."""
        return [type(effect).__name__ for effect in self.effects]

    def effects_of(self, kind):
        return [effect for effect in self.effects if isinstance(effect, kind)]

    def run(self, plan):
        try:
            effect = next(plan)
            while True:
                self.effects.append(effect)
                answer = self._answers[type(effect).__name__]
                effect = plan.throw(answer) if isinstance(answer, Exception) else plan.send(answer(effect))
        except StopIteration as end:
            return end.value


class NoEmbedder:
    """The embedder of a database without an active embedding space."""

    needs_space = False
    space_id = None
    meaning_share = 1.0


UNAVAILABLE = MemoryUnavailable("unavailable")
