"""Names of the figures of metrics.json that there is one of for each target."""

from shelfsort.contract.targets import target_key


def coverage(target: float) -> str:
    """Share of products whose category is accepted at the target."""
    return f"coverage_at_{target_key(target)}"


def parent_coverage(target: float) -> str:
    """Share of products whose category's parent is accepted at the target."""
    return f"parent_{coverage(target)}"


def accepted_accuracy(target: float) -> str:
    """Share of right ones among the products accepted at the target."""
    return f"accepted_accuracy_{target_key(target)}"
