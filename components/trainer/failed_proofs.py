"""Which products kept a target from being proven."""

from components.trainer.artifact import Disagreement, FailedProof, FailedProofs
from shelfsort.training.calibration import Calibrated
from shelfsort.training.dataset import Products
from shelfsort.training.label_space import LabelSpace

_NAMED = 50


def failed_proofs(found: Calibrated, products: Products, labels: LabelSpace) -> FailedProofs:
    """The closest test of each target that was not proven, with the products that failed it.

    Args:
        found: thresholds, and the answers that they were fitted on.
        products: that the answers are about.
        labels: the categories.
    """

    def disagreement(modality: str, place: int) -> Disagreement:
        answers = found.answers[modality]
        row = int(answers.rows[place])
        label = int(products.labels[row])
        return Disagreement(
            product_id=str(products.product_ids[row]),
            label=labels.categories[label] if label >= 0 else "",
            predicted=labels.categories[int(answers.predicted[place])],
            score=round(float(answers.leaves.scores[place]), 6),
        )

    return FailedProofs(
        tuple(
            FailedProof(
                modality,
                target,
                failed.tested,
                failed.allowed,
                len(failed.wrong),
                tuple(disagreement(modality, place) for place in failed.wrong[:_NAMED]),
            )
            for modality, by_target in found.failures.items()
            for target, failed in sorted(by_target.items())
        )
    )
