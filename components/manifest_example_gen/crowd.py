"""What all workers' answers together say of each line, where the settings ask for it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from components.manifest_example_gen.settings import DataConfig
from shelfsort.core.errors import InputError
from shelfsort.labeling.choice import AUTO, MODEL_ASSISTED
from shelfsort.labeling.consensus import Ancestors, Verdict, consolidate_answers, paths_above
from shelfsort.labeling.manifest_answers import ManifestAnswers
from shelfsort.labeling.model_scores import Scores, scores_by_task, scores_file
from shelfsort.products.leaves import LeafResolver, Leaves
from shelfsort.products.manifest.parsing import read_record
from shelfsort.products.tables.lines import all_product_lines
from shelfsort.products.taxonomy import UnknownLabel

MAJORITY = "majority"


@dataclass(frozen=True)
class CrowdVerdicts:
    """The verdicts on lines, by `manifest_answers.task_of`.

    Attributes:
        by_people: of the workers alone.
        assisted: of the workers and a model's scores; of the lines that have scores.
    """

    by_people: Mapping[str, Verdict] = field(default_factory=dict)
    assisted: Mapping[str, Verdict] = field(default_factory=dict)


NO_VERDICTS = CrowdVerdicts()


def crowd_verdicts(files: Sequence[str], data: DataConfig, resolver: Leaves) -> CrowdVerdicts:
    """The verdict on each line with workers' answers.

    Reads every line once more. A majority needs no other line than its own, so there is none where
    `data.consolidation` is `majority`, and none without workers' answers.

    Args:
        files: with the products.
        data: settings, with the label attribute in them.
        resolver: finds the leaf that a label means.

    Raises:
        InputError: there are too many answers for the method, or the scores cannot be read or are
            of other products.
    """
    if data.consolidation == MAJORITY:
        return NO_VERDICTS
    found = _answers(files, data, resolver)
    if not found.answers:
        return NO_VERDICTS
    alone = AUTO if data.consolidation == MODEL_ASSISTED else data.consolidation
    try:
        by_people = _consolidated(found, alone, data, resolver)
    except ValueError as error:
        raise InputError(f"{files[0]}: data.consolidation: {error}.") from error
    if not data.scores:
        return CrowdVerdicts(by_people)
    scores = scores_by_task(data.scores, found.ids, found.resolve)
    if not scores:
        raise InputError(f"{data.scores}: no product of {files[0]} is in it. Use the same ids.")
    assisted = _consolidated(found, MODEL_ASSISTED, data, resolver, scores)
    return CrowdVerdicts(by_people, {task: assisted[task] for task in scores if task in assisted})


def files_beside(data: DataConfig, taxonomy: str) -> list[str]:
    """The files that labels depend on, beside the products' own. Raises InputError."""
    return [place for place in (taxonomy, data.reduction, scores_file(data.scores)) if place]


def _answers(files: Sequence[str], data: DataConfig, resolver: Leaves) -> ManifestAnswers:
    def resolve(label: str) -> str | None:
        try:
            return resolver.category(label)
        except UnknownLabel:
            return None

    found = ManifestAnswers(data.label_attribute, resolve)
    for line in all_product_lines(files, data.reading):
        found.add(read_record(line))
    return found


def _consolidated(
    found: ManifestAnswers,
    method: str,
    data: DataConfig,
    resolver: Leaves,
    scores: Scores | None = None,
) -> Mapping[str, Verdict]:
    return consolidate_answers(
        found.answers,
        method,
        min_confidence=data.min_confidence,
        above=_above(resolver),
        scores=scores,
    ).verdicts


def _above(resolver: Leaves) -> Ancestors:
    if not isinstance(resolver, LeafResolver):
        return paths_above
    tree = resolver.taxonomy

    def above(label: str) -> list[str]:
        if label not in tree:
            return []
        # Who names an inner category agrees with those who name a leaf below it.
        return [*tree.ancestors(label), *([label] if resolver.is_inner(label) else [])]

    return above
