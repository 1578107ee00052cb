"""Mean and standard deviation of values over all documents of a memory."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from afterturn.recall.documents import Numbers


@dataclass(frozen=True, slots=True)
class Scale:
    """A mean and a standard deviation."""

    mean: float
    deviation: float

    def standardize(self, values: Numbers) -> Numbers:
        """Return the values as deviations from the mean; 0 where a value is nan, or where all values are equal."""
        if self.deviation < 1e-9:
            return np.zeros(len(values))
        return np.asarray(np.nan_to_num((values - self.mean) / self.deviation))


#: The scale of no values.
EMPTY = Scale(0.0, 0.0)


def measure(values: Numbers) -> Scale:
    """Return the scale of values; nan values do not count."""
    known = values[~np.isnan(values)]
    return Scale(float(known.mean()), float(known.std())) if len(known) else EMPTY


def measure_weighted(values: Numbers, weights: Numbers) -> Scale:
    """Return the scale of values, each of which counts as often as its weight says."""
    total = float(weights.sum())
    if not total:
        return EMPTY
    mean = float(values @ weights) / total
    return Scale(mean, float(np.sqrt(((values - mean) ** 2) @ weights / total)))


def combine(*parts: tuple[float, Scale]) -> Scale:
    """Return the scale of all values from parts, each given as (number of values, scale)."""
    counts = np.array([count for count, _ in parts])
    means = np.array([scale.mean for _, scale in parts])
    deviations = np.array([scale.deviation for _, scale in parts])
    between = measure_weighted(means, counts)
    within = float(counts @ deviations**2) / (float(counts.sum()) or 1.0)
    return Scale(between.mean, float(np.sqrt(between.deviation**2 + within)))
