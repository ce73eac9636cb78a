"""What consolidation decided about a line, as the job's metadata keep it."""

from collections.abc import Mapping
from typing import Any

LABEL, INNER_LABEL = "label", "inner_label"
CANNOT_TELL, NO_CONSENSUS = "cannot_tell", "no_consensus"
OUTCOMES = (LABEL, INNER_LABEL, CANNOT_TELL, NO_CONSENSUS)
"""A leaf, a parent category, "cannot tell", or neither."""

CONSOLIDATION = "consolidation"
"""The key of the metadata that holds the outcome and how it was reached."""


def read_outcome(metadata: Mapping[str, Any]) -> str:
    """One of `OUTCOMES`; "" where the job's answers have not been consolidated."""
    found = metadata.get(CONSOLIDATION)
    outcome = found.get("outcome") if isinstance(found, dict) else None
    return outcome if isinstance(outcome, str) and outcome in OUTCOMES else ""
