"""Reads labelling jobs from files and evaluates them."""

from collections.abc import Sequence

from shelfsort.core.errors import InputError
from shelfsort.labeling.answer_files import answer_rows, is_table, json_record, read_gold
from shelfsort.labeling.answers import UNSURE
from shelfsort.labeling.consolidation_job import label_tree
from shelfsort.labeling.evaluation import Quality, job_quality
from shelfsort.products.manifest.annotations import Annotation, Annotations, read_annotations
from shelfsort.products.manifest.files import find_manifest_files
from shelfsort.products.manifest.label_attributes import find_label_attribute
from shelfsort.products.manifest.lines import file_lines
from shelfsort.products.manifest.rejects import RejectedLine


def evaluate_jobs(
    jobs: Sequence[str],
    gold: str = "",
    taxonomy: str = "",
    attribute: str = "",
    unsure: str = UNSURE,
) -> list[Quality]:
    """Evaluates each job.

    Args:
        jobs: manifests (file, folder or pattern), or tables with a row for each answer.
        gold: file of true labels (`answer_files.read_gold`), "" for the `gold` of the lines.
        taxonomy: category tree, "" where labels are paths or have no parent.
        attribute: that holds the label, "" for the only one of each manifest.
        unsure: the answer that means "cannot tell".

    Raises:
        InputError: one line with file, line and remedy.
    """
    resolve, above = label_tree(taxonomy, unsure)
    truth = read_gold(gold) if gold else {}
    found = []
    for job in jobs:
        files = find_manifest_files(job)
        if len(files) == 1 and is_table(files[0]):
            said = _of_table(files[0])
            own: dict[str, str] = {}
        else:
            said, own = _of_manifest(files, attribute)
        if not said:
            raise InputError(f"{job}: no product has a label or an answer. Give a job's output.")
        known = {id_: resolve(label) or label for id_, label in {**own, **truth}.items()}
        if gold and not set(said) & set(truth):
            raise InputError(f"{gold}: no product of {job} is in it. Use the same ids.")
        found.append(job_quality(said, known, resolve, above, unsure))
    return found


def _of_table(file: str) -> dict[str, Annotations]:
    answers: dict[str, list[Annotation]] = {}
    for row in answer_rows(file):
        given = answers.setdefault(row.answer.task, [])
        if row.answer.label:
            given.append(Annotation(row.answer.worker, row.answer.label))
    return {task: Annotations(tuple(given)) for task, given in answers.items()}


def _of_manifest(
    files: Sequence[str], attribute: str
) -> tuple[dict[str, Annotations], dict[str, str]]:
    """What the job says of each product, and the gold of the lines, by id. Of several lines
    with one id the first counts."""
    name = attribute or find_label_attribute(files, option="--attribute NAME")
    said: dict[str, Annotations] = {}
    gold: dict[str, str] = {}
    for file in files:
        for line in file_lines(file):
            fields = json_record(line).fields
            id_ = str(fields.get("id") or fields.get("source-ref") or f"{file}:{line.number}")
            try:
                annotations = read_annotations(fields, name)
            except RejectedLine as why:
                raise InputError(f"{file}:{line.number}: {why}. Correct the line.") from why
            if annotations is None or id_ in said:
                continue
            said[id_] = annotations
            truth = fields.get("gold")
            if isinstance(truth, str) and truth.strip():
                gold[id_] = truth
    return said, gold
