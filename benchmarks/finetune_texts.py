r"""Fine-tuning of the text encoder: what our answers gain by it, and what that costs.

The sets, splits, seeds, thresholds and figures are those of quality.py, and so are the lines of
`WORK/results.jsonl`, which its `--table` prints. The encoder is tuned for each fold without it, and
once on all products that are learnt from, as in a run. `ours, encoder` of quality.py is the same
without tuning. CPU seconds are those of all tunings, embeddings and fits.

    python benchmarks/finetune_texts.py WORK --set fashion=FOLDER --layers last_blocks
    python benchmarks/finetune_texts.py WORK --set fashion=FOLDER --labels "1000 drawn" --seeds 1
"""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from labelled_sets import LabelledSet, encoded_texts, read_set
from quality import RESULTS, arguments_on_sets
from quality_answers import OURS_ENCODED, answers_of, result_line
from quality_problems import ALL_LABELS, Case, Problem, problem
from quality_results import add_result, read_results, tables

from shelfsort.core.cost import Clock
from shelfsort.training.embedding_cache import EmbeddingCache
from shelfsort.training.encoders import load_encoder
from shelfsort.training.finetuning.contents import Contents
from shelfsort.training.finetuning.tuned_texts import with_tuned_encoder
from shelfsort.training.settings import TextConfig, TextFineTuningConfig, TrainingConfig
from shelfsort.training.text_embedding import TextEmbeddings


def tuned_problem(split: Problem, texts: np.ndarray) -> Problem:
    """The problem as encoders embed it that were tuned on its products.

    Args:
        split: as the pretrained encoder embeds it.
        texts: (n,) bytes of all products of the set.
    """
    text = split.config.text
    encoder = load_encoder(text.encoder, text.encoder_weights)
    contents = [
        Contents(texts[int(product_id)] for product_id in each.product_ids)
        for each in (split.train, split.rest)
    ]
    _, (train, rest) = with_tuned_encoder(
        TextEmbeddings(encoder, EmbeddingCache(None, encoder.key)),
        contents,
        [split.train, split.rest],
        split.labels,
        split.config,
    )
    return dataclasses.replace(split, train=train, rest=rest)


def measure(
    whole: LabelledSet, texts: np.ndarray, case: Case, work: Path, config: TrainingConfig
) -> Iterator[dict]:
    """The results of our towers, and of those for words alone, on a tuned encoder."""
    clock = Clock()
    split = tuned_problem(problem(whole, case, config, work), texts)
    tuning = clock.lap().cpu_seconds
    for name, fitted in answers_of(split, OURS_ENCODED).items():
        model = f"{name} tuned ({config.text.fine_tuning.layers})"
        yield result_line(case, model, split, fitted, fitted.cpu_seconds + tuning)


def main() -> None:
    parser = arguments_on_sets(__doc__)
    given = TextFineTuningConfig(layers="last_blocks")
    parser.add_argument("--labels", nargs="+", default=[ALL_LABELS], help="as in quality.py")
    parser.add_argument("--encoder", default="minilm")
    parser.add_argument("--layers", default=given.layers, choices=("last_blocks", "all"))
    parser.add_argument("--epochs", type=int, default=given.epochs)
    parser.add_argument("--learning-rate", type=float, default=given.learning_rate)
    arguments = parser.parse_args()
    tuning = dataclasses.replace(
        given,
        layers=arguments.layers,
        epochs=arguments.epochs,
        learning_rate=arguments.learning_rate,
    )
    config = TrainingConfig(text=TextConfig(encoder=arguments.encoder, fine_tuning=tuning))
    for name, _, folder in (each.partition("=") for each in arguments.set):
        kept = arguments.work / f"{name}.npz"
        whole = read_set(Path(folder), kept, encoder=arguments.encoder)
        texts = encoded_texts(Path(folder))
        for labels in arguments.labels:
            for seed in arguments.seeds:
                for result in measure(
                    whole, texts, Case(name, labels, seed), arguments.work, config
                ):
                    add_result(arguments.work / RESULTS, result)
    if arguments.table:
        print("\n".join(tables(read_results(arguments.work / RESULTS), (OURS_ENCODED,))))


if __name__ == "__main__":
    main()
