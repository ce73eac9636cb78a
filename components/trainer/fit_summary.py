"""What the console says of a fit."""

from shelfsort.training.dataset import Products
from shelfsort.training.fitting import Fit, passes
from shelfsort.training.selection import in_words
from shelfsort.training.settings import TrainingConfig


def fit_summary(fitted: Fit, train: Products, config: TrainingConfig) -> str:
    """One line about a fit: passes, the weight of each tower, products that only train, suspects.

    Args:
        fitted: the towers and their cross-fit.
        train: what they were fitted on.
        config: settings of the fit.
    """
    taken = passes(len(train), config.fit.epochs)
    few = (
        f", more than {config.fit.epochs} because they are few" if taken > config.fit.epochs else ""
    )
    said = [f"cross-fitted in {taken} passes over {len(train):,} products{few}"]
    if (train.has_text & train.has_image).any():
        weights = fitted.crossed.fusion.pools["combined"].exponents
        shown = ", ".join(f"{name} {each.mean():.2f}" for name, each in weights.items())
        said.append(f"weights of the predictions: {shown}")
    if weighted := in_words(train.selection_probabilities, config.fit.max_selection_weight):
        said.append(weighted)
    if train.inner is not None:
        inner = int((train.inner.nodes >= 0).sum())
        said.append(f"{inner:,} of the products are labelled with inner categories")
    if unproving := int((train.has_leaf & ~train.evidence).sum()):
        said.append(f"{unproving:,} with a leaf only train: no threshold rests on them")
    if nothing := int((~train.teaches).sum()):
        said.append(f"{nothing:,} teach nothing: no product is labelled with a leaf below theirs")
    said.append(f"{len(fitted.suspects)} label issues ({config.label_issues.action})")
    return "; ".join(said)
