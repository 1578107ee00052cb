"""Count dead and applied batches. Many dead ones indicate a common cause, such as the endpoint or a setting."""

from __future__ import annotations

from dataclasses import dataclass

from afterturn.database import queries
from afterturn.database.statement import Statement, Steps
from afterturn.database.steps import read_row

_SQL = queries.load("deaths")

#: The alarm needs this many dead batches in the period. Fewer: single batches raise it where few are processed.
FEWEST_DEATHS = 5
#: The alarm needs this share of dead batches. Smaller: one user whose inputs are refused raises it.
MASS_SHARE = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeCounts:
    """The numbers of batches that became dead and that were applied in a period."""

    dead: int
    applied: int

    @property
    def is_mass_death(self) -> bool:
        """Whether so many batches became dead that the batches themselves are not the cause."""
        return self.dead >= FEWEST_DEATHS and self.dead >= MASS_SHARE * (self.dead + self.applied)


def read_outcome_counts(tenant_id: str | None, user_id: str | None = None, *, seconds: float) -> Steps[OutcomeCounts]:
    """Return the numbers for the last seconds. Without ids: of all tenants or users."""
    arguments = {"tenant_id": tenant_id, "user_id": user_id, "seconds": seconds}
    row = yield from read_row(Statement(_SQL["outcome_counts"], arguments))
    return OutcomeCounts(**row)
