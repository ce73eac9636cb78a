"""What to do about a target that cannot be certified yet, in sentences with numbers."""

from components.evaluator.artifact import Metrics
from components.evaluator.wording import percent
from shelfsort.contract.calibration import CALIBRATION_SPLIT
from shelfsort.contract.figures import parent_coverage
from shelfsort.contract.learning_curve import LearningCurve, Shortfall
from shelfsort.contract.targets import percent_of
from shelfsort.stats.learning_curve import FARTHEST

_NAMED = 5


def outlook(metrics: Metrics) -> list[str]:
    """A sentence or more for each target that the main modality does not certify, and the remedy.

    None where every target is certified, and for runs of earlier versions.
    """
    curve = metrics.learning_curve
    if curve is None:
        return []
    modality = metrics.main_modality
    short = [
        each
        for target in metrics.targets
        if (each := curve.shortfall(modality, target)) is not None
    ]
    said = [f"{needed(curve, each)} {_now(metrics, each)}".strip() for each in short]
    fitted = metrics.main_calibration
    if short and fitted.evidence == CALIBRATION_SPLIT:
        said.append(
            f"Thresholds were fitted on the {fitted.n:,} products of the split calibration. "
            "Without that split (data.splits) they are fitted on cross-fitted predictions of all "
            "labelled products outside eval, which are more."
        )
    if short and curve.categories:
        named = ", ".join(
            f"{each.path} ({each.labels:,} product{'' if each.labels == 1 else 's'}, error "
            f"{percent(each.error)})"
            for each in curve.categories[:_NAMED]
        )
        said.append(f"Labels are worth most in: {named}.")
    return said


def needed(curve: LearningCurve, short: Shortfall) -> str:
    """How many more labelled products would certify a target."""
    goal = f"{percent_of(short.target)} % cannot be certified with {curve.products:,} products."
    if short.products is None:
        if short.low is None:
            return f"{goal} The learning curve does not reach it within {FARTHEST:g} times as many."
        return f"{goal} It takes {short.low:,} or more, by the learning curve; how many is open."
    most = f"to {short.high:,}" if short.high is not None else "and more"
    return (
        f"{goal} About {short.products - curve.products:,} more would do: {short.products:,} in "
        f"all, by the learning curve ({short.low:,} {most} in 90 % of redraws)."
    )


def _now(metrics: Metrics, short: Shortfall) -> str:
    """What can be had without further labels."""
    parents = metrics.figures().get(parent_coverage(short.target))
    options = []
    if parents:
        options.append(
            f"parent categories at {percent_of(short.target)} % for {percent(parents)} of the "
            "eval products"
        )
    if short.lower_target is not None:
        options.append(
            f"a target of {percent_of(short.lower_target)} % for about "
            f"{percent(short.lower_coverage)} of the products"
        )
    return f"Without more labels: {', or '.join(options)}." if options else ""
