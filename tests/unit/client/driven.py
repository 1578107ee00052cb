"""Drives a plan without I/O: what it asks for is written down, and answered by the test."""

from afterturn.client.session import ClientSession
from afterturn.errors import MemoryUnavailable
from afterturn.settings import Settings
from afterturn.turns import make_payload

SETTINGS = Settings()


def session(session_id="chat"):
    return ClientSession(user_id="ana", session_id=session_id, agent_id=None, tenant_id=None, settings=SETTINGS)


def pending(*contents):
    """Return rows of XREVRANGE, newest first, and the turns' ids, oldest first."""
    entries = [make_payload("user", content, limit_bytes=10_000) for content in contents]
    rows = [
        (b"%d-0" % (1_700_000_000_000 + place), {b"i": turn_id.encode(), b"d": payload})
        for place, (turn_id, payload) in enumerate(entries)
    ]
    return rows[::-1], [turn_id for turn_id, _ in entries]


class Driven:
    """Answers each kind of effect by a function, or raises where its answer is an error."""

    def __init__(self, **answers):
        #: By the effect's name: a function from the effect to its answer, or an exception.
        self._answers = answers
        self.effects = []

    @property
    def asked(self):
        """The names of the effects, in the order in which they were asked for."""
        return [type(effect).__name__ for effect in self.effects]

    def of(self, kind):
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
    """A database in which no space serves yet."""

    needs_space = False
    space_id = None


AWAY = MemoryUnavailable("away")
