"""What follows from the category that a person chose."""

import json
from collections.abc import Mapping

from shelfsort.decisions.rules.model import REVIEW, Facts, Rules, UndecidableError


def outcome_of(rules: Rules, category: str, fields: Mapping[str, str]) -> tuple[str, str]:
    """Outcome and reason of a category that is certain; "" and "" where the rules do not decide.

    Args:
        rules: that decide.
        category: id of a leaf.
        fields: of the product.
    """
    try:
        then = rules.decide(Facts(category, rules.levels[-1], 1.0, fields))
    except UndecidableError:
        return "", ""
    return then.outcome, then.reason


def stored_fields(text: str) -> dict[str, str]:
    """The fields of a product, as the table `prediction` keeps them."""
    found = json.loads(text or "{}")
    return found if isinstance(found, dict) else {}


def known_outcomes(rules: Rules) -> list[str]:
    """The outcomes that rules may lead to, without that of asking a person; in their order."""
    then = [rule.then.outcome for rule in rules.rules]
    then += [rules.default.outcome] if rules.default else []
    return [each for each in dict.fromkeys(then) if each != REVIEW]
