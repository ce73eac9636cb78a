"""How good are the answers of our towers, beside those of models that people would pick instead?

Each set is split by groups, four fifths to fit on and one fifth to score, once for each seed. Every
model gets the same features, temperature and thresholds from its answers about products that its
fits never saw, and the naive threshold beside them: the lowest at which these answers themselves
reach the target. Coverage is the accepted share of the unseen fifth; `right` is the share of the
accepted whose true category is the prediction. The check for unknown products is left out.

    python benchmarks/quality.py WORK --set fashion=FOLDER --encoder minilm --table
    python benchmarks/quality.py WORK --set clothing=FOLDER --models ours "image + LR" --seeds 1 2
    python benchmarks/quality.py WORK --set fashion=FOLDER --labels 10 "1000 drawn" --curves
    python benchmarks/quality.py WORK --curves --plot FILE.png

A set is a folder with `labelled.manifest` and `taxonomy.json`. Without a folder, as in `--set
made`, it is that of made_set.py, whose images are numbers and whose words no encoder reads. WORK
holds what was read and embedded, and `results.jsonl` with a line for each set, seed, number of
labels and model; what is there is not measured again. Our model is `ours`, with an encoder `ours,
encoder`. On sets with both words and images the same towers answer as `words alone` and `images
alone`. Bytes are those of what was fitted; CPU seconds those of all folds and the final fit.
"""

import argparse
import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from labelled_sets import LabelledSet, read_set
from made_set import made_set
from quality_answers import ALONE, MODELS, OURS, OURS_ENCODED, answers_of, result_line
from quality_problems import ALL_LABELS, Case, problem
from quality_results import add_result, curves, read_results, tables

from shelfsort.training.settings import TrainingConfig

RESULTS = "results.jsonl"
LABELS = ("5", "10", "20", "50", "1000 drawn", ALL_LABELS)
ORDER = (
    OURS_ENCODED,
    OURS,
    *(f"{each}, encoder" for each in ALONE.values()),
    *ALONE.values(),
    *MODELS[2:],
)


def measure(
    whole: LabelledSet, case: Case, models: Sequence[str], work: Path, config: TrainingConfig
) -> Iterator[dict]:
    """The results of these models, each with its answers in WORK."""
    split = problem(whole, case, config, work)
    nothing = np.zeros((len(whole), 0), np.float32)
    unencoded = dataclasses.replace(whole, encoded=nothing, named={})
    for model in models:
        own_split = problem(unencoded, case, config, work) if model == OURS else split
        for own, fitted in answers_of(own_split, model).items():
            fitted.save(split.kept / f"{own}.npz")
            yield result_line(case, own, split, fitted, fitted.cpu_seconds)


def arguments_on_sets(about: str) -> argparse.ArgumentParser:
    """The arguments work, --set, --seeds and --table, which benchmarks on labelled sets share.

    Args:
        about: what the benchmark does.
    """
    parser = argparse.ArgumentParser(
        description=about, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("work", type=Path, help="folder for what is read, and for results")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=FOLDER")
    parser.add_argument("--seeds", nargs="+", type=int, default=[1, 2, 3])
    parser.add_argument("--table", action="store_true", help="print the table of all results")
    return parser


def main() -> None:
    parser = arguments_on_sets(__doc__)
    parser.add_argument("--models", nargs="+", choices=MODELS, default=MODELS)
    parser.add_argument("--labels", nargs="+", default=LABELS, help="a leaf, drawn, or all")
    parser.add_argument("--encoder", default="", help="of texts: minilm or e5_multilingual")
    parser.add_argument("--curves", action="store_true", help="print tables by labels a leaf")
    parser.add_argument("--plot", type=Path, metavar="PNG", help="draw them into this file")
    arguments = parser.parse_args()
    for name, _, folder in (each.partition("=") for each in arguments.set):
        whole = _set(arguments.work, name, folder, arguments.encoder)
        for labels in arguments.labels:
            for seed in arguments.seeds:
                case = Case(name, labels, seed)
                run(whole, case, arguments.models, arguments.work, TrainingConfig())
    results = read_results(arguments.work / RESULTS)
    for wanted, printed in ((arguments.table, tables), (arguments.curves, curves)):
        if wanted:
            print("\n".join(printed(results, ORDER)))
    if arguments.plot:
        from quality_plot import plot

        plot(results, [each for each in ORDER if "alone" not in each], arguments.plot)


def _set(work: Path, name: str, folder: str, encoder: str) -> LabelledSet:
    if folder:
        return read_set(Path(folder), work / f"{name}.npz", encoder=encoder)
    work.mkdir(parents=True, exist_ok=True)
    return made_set(work / f"{name}.json", width=128)


def run(
    whole: LabelledSet, case: Case, models: Sequence[str], work: Path, config: TrainingConfig
) -> None:
    """Measures the models that the results lack, and appends a line for each."""
    done = {
        each["model"]
        for each in read_results(work / RESULTS)
        if Case(each["set"], each["labels"], each["seed"]) == case
    }
    missing = [each for each in models if each not in done]
    if not missing:
        return
    for result in measure(whole, case, missing, work, config):
        add_result(work / RESULTS, result)


if __name__ == "__main__":
    main()
