"""Two runs side by side, as a person or a program reads it."""

from dataclasses import asdict, dataclass
from typing import Any

from pipeline.experiments.data import DataDifference, data_difference, taxonomy_of
from pipeline.experiments.results import Results, results_of
from pipeline.experiments.runs import Run, differences
from pipeline.experiments.scored import read_scored


@dataclass(frozen=True)
class RunComparison:
    """What sets run B apart from run A.

    Attributes:
        a, b: the runs.
        data: what went in.
        settings: (name, value in A, value in B) where they differ; also digests of the code.
        results: None where a run broke off before its evaluation.
    """

    a: Run
    b: Run
    data: DataDifference
    settings: list[tuple[str, Any, Any]]
    results: Results | None

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON, apart from dates and paths."""
        return {**asdict(self), "a": self.a.to_dict(), "b": self.b.to_dict()}


def compare(a: Run, b: Run) -> RunComparison:
    """Reads both runs' evaluations and tests whether they differ by more than chance."""
    targets = sorted({*a.metrics.targets} & {*b.metrics.targets})
    scored_a, scored_b = (read_scored(run.artifacts.get("evaluation"), targets) for run in (a, b))
    trees = [taxonomy_of(run) for run in (a, b)]
    results = None
    if scored_a is not None and scored_b is not None and all(trees):
        calibrations = (run.metrics.calibration for run in (a, b))
        results = results_of(
            scored_a,
            scored_b,
            *trees,
            *calibrations,
            targets=targets,
            a_is_later=a.started > b.started,
        )
    return RunComparison(
        a=a,
        b=b,
        data=data_difference(a, b, scored_a, scored_b),
        settings=differences(a, b),
        results=results,
    )
