"""The figures of a run as flat names and numbers, for stores of experiments."""

import dataclasses
import math

from pipeline.experiments.runs import Run


def figures_of(run: Run) -> dict[str, float]:
    """Returns `modality/split/figure` and `serving/figure` with their finite values."""
    figures = {
        f"{modality}/{split}/{name}": value
        for modality, by_split in run.metrics.modalities.items()
        for split, named in by_split.items()
        for name, value in named.items()
    }
    if run.cost is not None:
        figures |= {
            f"serving/{name}": value for name, value in dataclasses.asdict(run.cost).items()
        }
    return {
        name: float(value)
        for name, value in figures.items()
        if value is not None and math.isfinite(value)
    }
