r"""Fine-tuning of a backbone: how right its answers become, and what that costs.

Tunes on the split `train` of a set with `items.csv` (columns image, split, category), fits the
pipeline's image tower on the tuned embeddings, and chooses on `validation` between the tower's
answers and those of the classifier that was tuned with the backbone. The split `test` is opened
once, for the chosen one. Prints accuracy, products, its 95 % interval, seconds and CPU seconds.

    python benchmarks/finetune.py clothing/ --layers all
    python benchmarks/finetune.py clothing/ --backbone efficientnet_lite2 --size 224 \
        --tuned-size 192
    python benchmarks/finetune.py clothing/ --rates --backend jax

With `--rates` it measures images a second instead: of the input pipeline alone, of the steps alone
on one batch again and again, and of both together as in a tuning.

With `--backend jax` the same network is tuned under JAX, where that is installed. The image tower
is TensorFlow's, so there the classifier alone answers.
"""

import argparse
import csv
import dataclasses
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from shelfsort.core.cost import Clock
from shelfsort.stats.binomial import interval
from shelfsort.training.backbones import Backbone, embedding_key, load_backbone, resized
from shelfsort.training.dataset import ProductIds, Products, feature_type
from shelfsort.training.finetuning.checkpoints import Checkpoints
from shelfsort.training.finetuning.devices import compiled_steps, find_devices
from shelfsort.training.finetuning.inputs import Embedded, Examples, Order, picture_batches
from shelfsort.training.finetuning.network import TuningNetwork
from shelfsort.training.finetuning.optimizer import optimizer_of
from shelfsort.training.finetuning.picture_tuner import PictureTuner
from shelfsort.training.finetuning.pictures import Pictures
from shelfsort.training.fitting import VocabularySizes, fit_all, tower_logits
from shelfsort.training.settings import FineTuningConfig, FitConfig, ImageConfig, TrainingConfig

_BACKENDS = ("tensorflow", "jax")
_RATED_BATCHES = 20


@dataclasses.dataclass(frozen=True)
class Items:
    """A set of pictures.

    Attributes:
        pictures: of n products.
        labels: (n,) ints in [0, K).
        splits: (n,) names.
        categories: K.
    """

    pictures: Pictures
    labels: np.ndarray
    splits: np.ndarray
    categories: int

    @classmethod
    def read(cls, folder: Path, most: int) -> "Items":
        """Reads `items.csv`; of each split every so many-th, `most` in all."""
        with (folder / "items.csv").open(newline="", encoding="utf-8") as stream:
            rows = list(csv.DictReader(stream))
        rows = rows[:: max(1, len(rows) // most)]
        names = sorted({row["category"] for row in rows})
        return cls(
            Pictures((folder / row["image"]).read_bytes() for row in rows),
            np.array([names.index(row["category"]) for row in rows]),
            np.array([row["split"] for row in rows]),
            len(names),
        )

    def rows(self, split: str) -> np.ndarray:
        return np.flatnonzero(self.splits == split)

    def products(self, rows: np.ndarray, embeddings: np.ndarray) -> Products:
        """Products of these rows as the towers take them: pictures alone."""
        n = len(rows)
        features = np.zeros(n, feature_type(1, 1, embeddings.shape[1]))
        features["embeddings"] = embeddings[rows]
        return Products(
            product_ids=ProductIds(np.arange(n).astype("S")),
            features=features,
            word_terms=1,
            piece_terms=1,
            has_text=np.zeros(n, bool),
            has_image=np.ones(n, bool),
            labels=self.labels[rows].astype(np.int32),
            label_weights=np.ones(n, np.float32),
            groups=np.arange(n),
            evidence=np.ones(n, bool),
        )


def embedded(backbone: Backbone, pictures: Pictures) -> np.ndarray:
    """(n, embedding) float32, from pixels as they are served."""
    return Embedded(backbone.model, pictures)[np.arange(len(pictures))]


def quality(items: Items, backbone: Backbone, config: TrainingConfig, kept: Path | None) -> None:
    """Tunes, chooses on validation, and prints a line for the test."""
    clock = Clock()
    train, validation, test = (items.rows(each) for each in ("train", "validation", "test"))
    vectors = embedded(backbone, items.pictures)
    answers = _tower_answers(items, vectors, config)
    _print_validation(items, validation, answers, "pretrained")
    if config.image.fine_tuning.layers != "none":
        tuned = _tuner(items, backbone, vectors, config, kept).tune(train)
        vectors = embedded(tuned.backbone, items.pictures)
        answers = _tower_answers(items, vectors, config)
        answers["classifier"] = vectors @ tuned.kernel + tuned.bias
        _print_validation(items, validation, answers, config.image.fine_tuning.layers)
    cost = clock.lap()
    chosen = max(answers, key=lambda each: _accuracy(answers[each], items, validation))
    right = round(_accuracy(answers[chosen], items, test) * len(test))
    low, high = interval(right, len(test))
    print(
        f"{backbone.name}, {config.image.fine_tuning.layers}, seed {config.fit.seed}: test "
        f"{right / len(test):.4f} ({chosen}), n {len(test)}, 95 % interval {low:.3f} to {high:.3f}"
        f", {cost.seconds:.0f} s, {cost.cpu_seconds:.0f} CPU-s",
        flush=True,
    )


def _tuner(
    items: Items,
    backbone: Backbone,
    vectors: np.ndarray,
    config: TrainingConfig,
    kept: Path | None,
) -> PictureTuner:
    weights = np.ones(len(items.labels))
    return PictureTuner(
        backbone,
        Examples(items.pictures, items.labels, weights, items.categories),
        vectors,
        config.image.fine_tuning,
        seed=config.fit.seed,
        devices=find_devices(config.image.fine_tuning),
        checkpoints=Checkpoints(kept),
        start_key=embedding_key(backbone),
    )


def _tower_answers(
    items: Items, vectors: np.ndarray, config: TrainingConfig
) -> dict[str, np.ndarray]:
    """(n, K) logits of the image tower, fitted on `train`; {} under JAX."""
    if keras.backend.backend() != _BACKENDS[0]:
        return {}
    train = items.products(items.rows("train"), vectors)
    sizes = VocabularySizes(1, 1, 1, items.categories)
    towers = fit_all(train, sizes, config, np.ones(len(train), np.float32))
    every = np.arange(len(items.labels))
    return {"tower": tower_logits(towers, items.products(every, vectors))["image"][every]}


def _accuracy(logits: np.ndarray, items: Items, rows: np.ndarray) -> float:
    return float((logits[rows].argmax(axis=1) == items.labels[rows]).mean())


def _print_validation(
    items: Items, rows: np.ndarray, answers: dict[str, np.ndarray], what: str
) -> None:
    for name, logits in answers.items():
        found = _accuracy(logits, items, rows)
        print(f"{what}, {name}: validation {found:.4f}, n {len(rows)}", flush=True)


def rates(items: Items, backbone: Backbone, config: FineTuningConfig) -> None:
    """Prints images a second, and CPU milliseconds an image, of input, of steps and of both."""
    train = items.rows("train")
    passes = -(-_RATED_BATCHES * config.batch_size // len(train)) + 1
    order = Order.of(train, config.batch_size, passes, seed=1)
    examples = Examples(items.pictures, items.labels, np.ones(len(items.labels)), items.categories)
    mixture = config.mixup, config.label_smoothing

    def batches() -> tf.data.Dataset:
        return picture_batches(examples, order, backbone.image_size, mixture).take(_RATED_BATCHES)

    backbone, devices = resized(backbone, config.image_size), find_devices(config)
    classifier = np.zeros((backbone.embedding_size, items.categories)), np.zeros(items.categories)
    with devices.strategy.scope():
        model = TuningNetwork.of(backbone, "", classifier, devices.precision).whole
        loss = keras.losses.CategoricalCrossentropy(from_logits=True)
        optimizer = optimizer_of(model, config, _RATED_BATCHES)
        model.compile(optimizer, loss, jit_compile=compiled_steps())
    one = next(iter(batches()))
    same = tf.data.Dataset.from_tensors(one).repeat(_RATED_BATCHES)

    def fit(some: tf.data.Dataset) -> None:
        model.fit(some, verbose=0)
        # Under JAX the averages share memory with the weights, which the next fit would free.
        model.set_weights(model.get_weights())

    fit(same.take(2))
    measured: dict[str, Callable[[], object]] = {
        "input alone": lambda: [0 for _ in batches()],
        "steps alone": lambda: fit(same),
        "input and steps": lambda: fit(batches()),
    }
    for name, seconds, cpu in _timed(measured):
        images = _RATED_BATCHES * order.rows.shape[1]
        print(f"{name}: {images / seconds:.0f} images/s, {1000 * cpu / images:.1f} CPU-ms an image")


def _timed(measured: dict[str, Callable[[], object]]) -> Iterator[tuple[str, float, float]]:
    for name, run in measured.items():
        clock, begin = Clock(), time.monotonic()
        run()
        yield name, time.monotonic() - begin, clock.lap().cpu_seconds


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    given = FineTuningConfig(layers="all")
    parser.add_argument("folder", type=Path, help="holds items.csv and the images that it names")
    parser.add_argument("--layers", default=given.layers, choices=("none", "last_blocks", "all"))
    parser.add_argument("--backbone", default="efficientnet_lite0")
    parser.add_argument("--size", type=int, default=0, help="of images; 0 for the backbone's")
    parser.add_argument("--tuned-size", type=int, default=0, help="of those tuned on; 0 for --size")
    parser.add_argument("--tunings", type=int, default=given.tunings, help="that are averaged")
    parser.add_argument("--backend", default=_BACKENDS[0], choices=_BACKENDS)
    parser.add_argument("--epochs", type=int, default=given.epochs)
    parser.add_argument("--batch-size", type=int, default=given.batch_size)
    parser.add_argument("--learning-rate", type=float, default=given.learning_rate)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--gpus", type=int, default=0, help="stop where there are fewer")
    parser.add_argument("--most", type=int, default=10**6, help="products to read at most")
    parser.add_argument("--kept", type=Path, help="folder for checkpoints; none without it")
    parser.add_argument("--rates", action="store_true", help="measure images a second instead")
    args = parser.parse_args()
    if args.backend != keras.backend.backend():
        # Keras chooses its backend when it is imported: begin again.
        os.environ["KERAS_BACKEND"] = args.backend
        os.execv(sys.executable, [sys.executable, *sys.argv])
    tuning = dataclasses.replace(
        given,
        layers=args.layers,
        epochs=args.epochs,
        batch_size=args.batch_size,
        learning_rate=args.learning_rate,
        image_size=args.tuned_size,
        tunings=args.tunings,
        gpus=args.gpus,
    )
    items = Items.read(args.folder, args.most)
    backbone = load_backbone(args.backbone, image_size=args.size)
    if args.rates:
        rates(items, backbone, tuning)
        return
    image = ImageConfig(backbone=args.backbone, image_size=args.size, fine_tuning=tuning)
    config = TrainingConfig(image=image, fit=FitConfig(seed=args.seed))
    quality(items, backbone, config, args.kept)


if __name__ == "__main__":
    main()
