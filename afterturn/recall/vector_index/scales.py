"""Mean and deviation of a value over all documents of a memory."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Scale:
    """Mean and deviation."""

    mean: float
    deviation: float

    def of(self, values: Numbers) -> Numbers:
        """Return the values in deviations from the mean; 0 where there is no value, or all are the same."""
        if self.deviation < 1e-9:
            return np.zeros(len(values))
        return np.asarray(np.nan_to_num((values - self.mean) / self.deviation))


def of(values: Numbers) -> Scale:
    """Return the scale of values, of which some may be missing (nan)."""
    known = values[~np.isnan(values)]
    return Scale(float(known.mean()), float(known.std())) if len(known) else Scale(0.0, 0.0)


def weighted(values: Numbers, weights: Numbers) -> Scale:
    """Return the scale of values of which each counts as often as its weight says."""
    total = float(weights.sum())
    if not total:
        return Scale(0.0, 0.0)
    mean = float(values @ weights) / total
    return Scale(mean, float(np.sqrt(((values - mean) ** 2) @ weights / total)))


def united(*parts: tuple[float, Scale]) -> Scale:
    """Return the scale of all values, from how many each part has and its scale."""
    counts = np.array([count for count, _ in parts])
    means = np.array([scale.mean for _, scale in parts])
    deviations = np.array([scale.deviation for _, scale in parts])
    between = weighted(means, counts)
    within = float(counts @ deviations**2) / (float(counts.sum()) or 1.0)
    return Scale(between.mean, float(np.sqrt(between.deviation**2 + within)))
