"""How cost grows with the catalogue: time, pictures a second and memory of every component.

Makes catalogues of the sizes given, runs the whole pipeline on each, and prints by component the
seconds, CPU seconds, products a second and peak memory, with the exponent of growth (1: cost is
proportional to products) and the kilobytes of memory that each further product takes. Beside them
stands what the same pictures cost bare: decoded, resized and embedded in this process with nothing
around it. A last run on the largest catalogue and 1 % more says what new products cost.

    python benchmarks/scale.py 1000 10000 50000 --where /tmp/scale

Components run one after the other in one process, so a peak holds what the libraries take (0.9 GB
before the first component) and what earlier components left behind.
"""

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from large_catalogue import TAXONOMY, make_catalogue

from shelfsort.core.cost import Clock, Cost

_EMBEDS = ("ManifestExampleGen", "Transform", "embedding")
_NOT_BLESSED = 3


@dataclass(frozen=True)
class Measured:
    """One run of the pipeline.

    Attributes:
        products: lines of the manifest.
        components: by component, and for the Trainer's `embedding` and other parts.
        peak_mb: by component.
        pictures: that were embedded.
        whole: of the process, start included.
        bare: of decoding, resizing and embedding one picture with nothing around it; None where
            it was not measured.
    """

    products: int
    components: dict[str, Cost]
    peak_mb: dict[str, int]
    pictures: int
    whole: Cost
    bare: Cost | None

    def towards_embeddings(self) -> Cost:
        """From manifest to embeddings, for one picture."""
        parts = [self.components[name] for name in _EMBEDS]
        n = max(1, self.pictures)
        return Cost(sum(p.seconds for p in parts) / n, sum(p.cpu_seconds for p in parts) / n)


def measure(folder: Path, products: int, output: Path, settings: Sequence[str]) -> Measured:
    """Runs the pipeline on a catalogue of `products` in `folder`, and the bare work after it."""
    manifest = make_catalogue(folder, products)
    whole = _run(manifest, folder / TAXONOMY, output, settings)
    metrics = json.loads((output / "metrics.json").read_text())
    training = json.loads(_latest(output, "Trainer/model_run", "training.json").read_text())
    components = {
        name: Cost(seconds, metrics["cpu_seconds"][name])
        for name, seconds in metrics["seconds"].items()
    }
    components |= {name: Cost(**cost) for name, cost in training["cost"].items()}
    pictures = training["pictures_embedded"]
    return Measured(
        products,
        components,
        metrics["peak_rss_mb_by_component"],
        pictures,
        whole,
        bare_cost(folder, pictures) if pictures else None,
    )


def bare_cost(folder: Path, pictures: int, most: int = 2_000) -> Cost:
    """Seconds a picture of the backbone alone, fed by tf.data, on up to `most` of the pictures."""
    import tensorflow as tf

    from shelfsort.training.backbones import load_backbone
    from shelfsort.training.images import decode_picture

    backbone = load_backbone("efficientnet_lite0")
    paths = [str(p) for p in sorted((folder / "images").rglob("*.jpg"))[: min(pictures, most)]]
    embed = tf.function(lambda pixels: backbone.model(tf.cast(pixels, tf.float32), training=False))
    batches = (
        tf.data.Dataset.from_tensor_slices(paths)
        .map(
            lambda path: decode_picture(tf.io.read_file(path), backbone.image_size),
            num_parallel_calls=tf.data.AUTOTUNE,
        )
        .batch(32, drop_remainder=len(paths) >= 32)
        .prefetch(2)
    )
    embed(next(iter(batches)))  # traced before the clock starts
    clock, done = Clock(), 0
    for batch in batches:
        done += embed(batch).shape[0]
    cost = clock.lap()
    return Cost(cost.seconds / done, cost.cpu_seconds / done)


def _run(manifest: Path, taxonomy: Path, output: Path, settings: Sequence[str]) -> Cost:
    command = [sys.executable, "-m", "shelfsort.cli.main", "run", "--manifest", str(manifest)]
    command += ["--taxonomy", str(taxonomy), "--output", str(output)]
    command += [part for setting in settings for part in ("--set", setting)]
    clock = Clock()
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode not in (0, _NOT_BLESSED):
        raise SystemExit(f"the run on {manifest.name} failed:\n{done.stderr[-2000:]}")
    return clock.lap()


def _latest(output: Path, artifact: str, file: str) -> Path:
    found = (output / "pipeline" / artifact).glob(f"*/{file}")
    return max(found, key=lambda path: int(path.parent.name))


def growth(small: Measured, large: Measured, name: str) -> tuple[float, float | None]:
    """Exponent of growth of the CPU seconds, and KB of peak memory a further product."""
    factor = large.products / small.products
    before, after = small.components[name].cpu_seconds, large.components[name].cpu_seconds
    exponent = math.log(max(after, 0.01) / max(before, 0.01)) / math.log(factor)
    if name not in small.peak_mb:
        return exponent, None
    further = large.products - small.products
    return exponent, (large.peak_mb[name] - small.peak_mb[name]) * 1024 / further


def print_table(runs: Sequence[Measured]) -> None:
    """One block of lines a size, and the growth from the size before."""
    print(
        f"{'products':>9} {'component':<20} {'seconds':>8} {'CPU s':>8} {'products/s':>10} "
        f"{'peak MB':>8} {'exponent':>8} {'KB/product':>10}"
    )
    for before, run in zip([None, *runs[:-1]], runs, strict=True):
        for name, cost in run.components.items():
            line = f"{run.products:>9,} {name:<20} {cost.seconds:>8.1f} {cost.cpu_seconds:>8.1f} "
            line += f"{run.products / max(cost.seconds, 0.01):>10,.0f} "
            line += f"{run.peak_mb.get(name, ''):>8} "
            if before:
                exponent, kb = growth(before, run, name)
                line += f"{exponent:>8.2f} " + (f"{kb:>10.1f}" if kb is not None else "")
            print(line.rstrip())
        cost = run.whole
        print(
            f"{run.products:>9,} {'whole run':<20} {cost.seconds:>8.1f} {cost.cpu_seconds:>8.1f}\n"
        )


def print_throughput(run: Measured) -> None:
    """Pictures a second from manifest to embedding, against the bare backbone."""
    if run.bare is None:
        return
    ours = run.towards_embeddings()
    print(
        f"{run.products:,} products: from manifest to embeddings (ingest, transform, embedding) "
        f"{1 / ours.seconds:.1f} pictures/s, {ours.cpu_seconds * 1000:.1f} ms of CPU each; bare "
        f"{1 / run.bare.seconds:.1f} pictures/s, {run.bare.cpu_seconds * 1000:.1f} ms: "
        f"{run.bare.seconds / ours.seconds:.0%} of bare by the clock, "
        f"{run.bare.cpu_seconds / ours.cpu_seconds:.0%} by CPU"
    )


def print_marginal(full: Measured, same: Measured, more: Measured) -> None:
    """What 1 % new products cost, beside a run that has nothing new to learn from."""
    share = (more.whole.cpu_seconds - same.whole.cpu_seconds) / full.whole.cpu_seconds
    print(
        f"A run with {more.products - full.products:,} new products took {more.whole.seconds:.0f} s"
        f" ({more.whole.cpu_seconds:.0f} s of CPU), one with none but a changed manifest "
        f"{same.whole.cpu_seconds:.0f} s of CPU, the first, full run "
        f"{full.whole.cpu_seconds:.0f} s: a rerun costs "
        f"{more.whole.cpu_seconds / full.whole.cpu_seconds:.0%} of a full run, and what is new "
        f"in it {share:.1%}"
    )


def measure_marginal(
    folder: Path, full: Measured, output: Path, settings: Sequence[str]
) -> tuple[Measured, Measured]:
    """Two runs on top of `full` in its output folder: a line more, then 1 % more products."""
    same = measure(folder, full.products + 1, output, settings)
    return same, measure(folder, full.products + max(2, full.products // 100), output, settings)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sizes", type=int, nargs="*", default=[1_000, 10_000, 50_000])
    parser.add_argument("--where", type=Path, help="folder for catalogues and runs; kept if given")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", dest="settings")
    parser.add_argument("--marginal", action="store_true", help="also what 1 %% more costs")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        where = arguments.where or Path(scratch)
        runs = []
        for size in arguments.sizes:
            output = where / f"run-{size}"
            runs.append(measure(where / "catalogue", size, output, arguments.settings))
            print(f"{size:,} products done, load {os.getloadavg()[0]:.1f}", file=sys.stderr)
        print_table(runs)
        for run in runs:
            print_throughput(run)
        if arguments.marginal:
            catalogue = where / "catalogue"
            print_marginal(
                runs[-1], *measure_marginal(catalogue, runs[-1], output, arguments.settings)
            )


if __name__ == "__main__":
    main()
