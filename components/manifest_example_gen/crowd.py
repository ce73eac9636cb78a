"""What all workers' answers together say of each line, where the settings ask for it."""

from collections.abc import Mapping, Sequence

from components.manifest_example_gen.settings import DataConfig
from shelfsort.core.errors import InputError
from shelfsort.labeling.consensus import Verdict, consolidate_answers, paths_above
from shelfsort.labeling.manifest_answers import ManifestAnswers
from shelfsort.products.leaves import LeafResolver, Leaves
from shelfsort.products.manifest.parsing import read_record
from shelfsort.products.tables.lines import all_product_lines
from shelfsort.products.taxonomy import UnknownLabel

MAJORITY = "majority"


def crowd_verdicts(
    files: Sequence[str], data: DataConfig, resolver: Leaves
) -> Mapping[str, Verdict]:
    """The verdict on each line with workers' answers, by `manifest_answers.task_of`.

    Reads every line once more. A majority needs no other line than its own, so there is none where
    `data.consolidation` is `majority`, and none without workers' answers.

    Args:
        files: with the products.
        data: settings, with the label attribute in them.
        resolver: finds the leaf that a label means.

    Raises:
        InputError: there are too many answers for the method.
    """
    if data.consolidation == MAJORITY:
        return {}

    def resolve(label: str) -> str | None:
        try:
            return resolver.leaf(label)
        except UnknownLabel:
            return None

    found = ManifestAnswers(data.label_attribute, resolve)
    for line in all_product_lines(files, data.reading):
        found.add(read_record(line))
    if not found.answers:
        return {}
    tree = resolver.taxonomy if isinstance(resolver, LeafResolver) else None
    try:
        return consolidate_answers(
            found.answers,
            data.consolidation,
            min_confidence=data.min_confidence,
            above=paths_above
            if tree is None
            else lambda label: tree.ancestors(label) if label in tree else [],
        ).verdicts
    except ValueError as error:
        raise InputError(f"{files[0]}: data.consolidation: {error}.") from error
