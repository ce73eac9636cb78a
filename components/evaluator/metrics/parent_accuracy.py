"""Share of products whose predicted parent category is right, whatever the leaf."""

from tensorflow_model_analysis.metrics import metric_types

from components.evaluator.metrics.rows import Row, ShareCombiner, Votes, column, computation


class ParentAccuracy(metric_types.Metric):
    """`parent_accuracy` (the predicted leaf's parent is the labelled leaf's) and `…_effective`."""

    def __init__(self, name: str = "parent_accuracy"):
        super().__init__(_computations, name=name)


metric_types.register_metric(ParentAccuracy)


def _computations(name: str) -> metric_types.MetricComputations:
    return computation(_Combiner(name), ("parent", "predicted_parent"))


class _Combiner(ShareCombiner):
    def __init__(self, name: str):
        super().__init__([name, f"{name}_effective"])
        self._name = name

    def vote(self, row: Row) -> bool:
        return column(row, "parent") == column(row, "predicted_parent")

    def numbers(self, votes: Votes) -> dict[str, float]:
        _, size = votes.effective()
        return {self._name: votes.share, f"{self._name}_effective": size}
