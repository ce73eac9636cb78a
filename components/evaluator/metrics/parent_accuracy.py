"""Share of products whose predicted parent category is right, whatever the leaf."""

from tensorflow_model_analysis.metrics import metric_types

from components.evaluator.metrics.rows import Products, computations


class ParentAccuracy(metric_types.Metric):
    """`parent_accuracy` (the predicted leaf's parent is the labelled leaf's) and `…_effective`."""

    def __init__(self, name: str = "parent_accuracy"):
        super().__init__(_computations, name=name)


metric_types.register_metric(ParentAccuracy)


def _computations(name: str) -> metric_types.MetricComputations:
    def numbers(products: Products) -> dict[str, float]:
        share = products.share(products.column("parent_right"))
        _, size = share.effective()
        return {name: share.value, f"{name}_effective": size}

    return computations([name, f"{name}_effective"], numbers)
