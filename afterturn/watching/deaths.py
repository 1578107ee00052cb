"""Whether many batches die: a sign that something is wrong for everybody, and not with single batches."""

from __future__ import annotations

from dataclasses import dataclass

from afterturn.database import queries
from afterturn.database.statement import Statement, Steps
from afterturn.database.steps import read_row

_SQL = queries.load("deaths")

#: So many batches must die within the time shown. Fewer: single batches raise an alarm where few are processed.
FEWEST_DEATHS = 5
#: So large a share of the batches that end must die. Smaller: a user whose inputs are refused raises an alarm.
MASS_SHARE = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How many batches came to their end lately."""

    dead: int
    applied: int

    @property
    def is_mass_death(self) -> bool:
        """Whether so many batches died that the cause is not the batches."""
        return self.dead >= FEWEST_DEATHS and self.dead >= MASS_SHARE * (self.dead + self.applied)


def read_ended(tenant_id: str | None, user_id: str | None = None, *, seconds: float) -> Steps[Ended]:
    """Return how many batches died and were applied in the last seconds. Without ids: of all tenants or users."""
    arguments = {"tenant_id": tenant_id, "user_id": user_id, "seconds": seconds}
    row = yield from read_row(Statement(_SQL["ended"], arguments))
    return Ended(**row)
