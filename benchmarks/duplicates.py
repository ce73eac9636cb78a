"""How well near-duplicates are found, and how fast pairs are proposed.

    python benchmarks/duplicates.py FOLDER [--hashes 400000]

FOLDER holds `labelled.manifest`: one JSON object a line with `source-ref`, `title` and `gold` (the
path of the true category).

A known duplicate is a pair with the same normalised title, which is the project's definition of
variants. A pair is known to be wrong where the categories differ, or the first words of the titles,
which are brands. Other pairs are not known, so the share that is not wrong is the most that the
precision can be. Half of the titles choose the difference; the other half is reported. Known
duplicates that another photo shows cannot be found by their looks: copies that are made from the
photos tell what can.
"""

import argparse
import io
import json
import random
import resource
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageOps

from shelfsort.catalog.duplicates.hashing import as_numbers, perceptual_hash
from shelfsort.catalog.duplicates.nearby import distances, nearby_pairs
from shelfsort.catalog.duplicates.pixels import differences, small
from shelfsort.catalog.duplicates.settings import DuplicateSettings
from shelfsort.products.groups import group_id, group_key, normalised
from shelfsort.stats.binomial import interval, lower_bound

PRECISION = 0.9
MADE = 1_000
_BLOCK = 512
_GRID = (0.002, 0.004, 0.006, 0.008, 0.01, 0.012, 0.015, 0.02, 0.03, 0.05)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--hashes", type=int, default=400_000)
    arguments = parser.parse_args()
    products = Products(arguments.folder)
    most = DuplicateSettings().distance
    real_pairs(products, most)
    made_copies(products, most, DuplicateSettings().difference)
    speed(arguments.hashes, most)


class Products:
    """Products with photos; those whose photos look alike."""

    def __init__(self, folder: Path):
        lines = (folder / "labelled.manifest").read_text("utf-8").splitlines()
        read = [json.loads(line) for line in lines]
        self.images = [(folder / each["source-ref"]).read_bytes() for each in read]
        titles = [normalised(each.get("title", "")) for each in read]
        self.titles = np.array(titles)
        self.brands = np.array([title.partition(" ")[0] for title in titles])
        self.leaves = np.array([each["gold"] for each in read])
        keys = map(group_key, titles, self.images, titles)
        groups = [group_id(key) for key in keys]
        self.first_half = np.array([group % 2 == 0 for group in groups])
        self.hashes = as_numbers([perceptual_hash(each) for each in self.images])
        self.small = np.array([small(each) for each in self.images])

    def near(self, most: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """All pairs at most so many bits apart, and their distances."""
        unique, place = np.unique(self.hashes, return_inverse=True)
        members = [np.flatnonzero(place == each) for each in range(len(unique))]
        pairs = [(a, b, 0) for each in members for n, a in enumerate(each) for b in each[n + 1 :]]
        for one, other, apart in nearby_pairs(unique, most):
            for left, right, bits in zip(one, other, apart, strict=True):
                pairs += [(a, b, bits) for a in members[left] for b in members[right]]
        found = np.array(pairs)
        return found[:, 0], found[:, 1], found[:, 2]


def real_pairs(products: Products, most: int) -> None:
    """Prints the table of real pairs, and the difference that the first half chooses."""
    one, other, bits = products.near(most)
    apart = _apart(products.small[one], products.small[other])
    wrong = products.leaves[one] != products.leaves[other]
    wrong |= products.brands[one] != products.brands[other]
    known = (products.titles[one] == products.titles[other]) & (products.titles[one] != "")
    first = products.first_half[one] & products.first_half[other]
    second = ~products.first_half[one] & ~products.first_half[other]
    print(f"{len(products.images):,} photos, {len(one):,} pairs at most {most} bits apart")
    for limit in (0, 4, most):
        near = bits <= limit
        if not near.any():
            continue
        print(
            f"  hash alone, <= {limit} bits: {near.sum():,} pairs, {wrong[near].mean():.1%} wrong"
        )
    chosen = _GRID[0]
    for difference in _GRID:
        same = first & (apart <= difference)
        if lower_bound(int((same & ~wrong).sum()), int(same.sum())) >= PRECISION:
            chosen = difference
    print(f"chosen on the first half: difference <= {chosen} (not wrong >= {PRECISION}, 95 %)")
    print("second half:")
    titles = products.titles[~products.first_half]
    variants = _variant_pairs(titles[titles != ""])
    for difference in _GRID:
        same = second & (apart <= difference)
        if not same.any():
            continue
        right = int((same & ~wrong).sum())
        low, high = interval(right, int(same.sum()))
        found = int((same & known).sum())
        least, greatest = interval(found, variants)
        print(
            f"  <= {difference:<6} {int(same.sum()):5,} pairs, not wrong {right / same.sum():.3f} "
            f"({low:.3f} to {high:.3f}), known duplicates found {found}/{variants:,} "
            f"({least:.4f} to {greatest:.4f})" + (" <- chosen" if difference == chosen else "")
        )


def made_copies(products: Products, most: int, difference: float) -> None:
    """Prints which copies of photos of the second half are found."""
    second = np.flatnonzero(~products.first_half).tolist()
    picked = random.Random(0).sample(second, min(MADE, len(second)))
    print(f"copies of {len(picked):,} photos of the second half, found at most {difference} apart:")
    for name, change in COPIES.items():
        copies = [_encoded(change(_opened(products.images[each]))) for each in picked]
        bits = distances(
            products.hashes[picked], as_numbers([perceptual_hash(each) for each in copies])
        )
        apart = _apart(products.small[picked], np.array([small(each) for each in copies]))
        found = int(((bits <= most) & (apart <= difference)).sum())
        low, high = interval(found, len(picked))
        print(
            f"  {name:22s} {found / len(picked):.3f} ({low:.3f} to {high:.3f}); "
            f"proposed {(bits <= most).mean():.3f}"
        )


def speed(count: int, most: int) -> None:
    """Prints how long proposing takes among random hashes with planted pairs."""
    rng = np.random.default_rng(0)
    hashes = rng.integers(0, 2**64, count, dtype=np.uint64)
    planted = hashes[:1_000].copy()
    for number in range(len(planted)):
        for bit in rng.permutation(64)[:most].tolist():
            planted[number] ^= np.uint64(1 << bit)
    numbers = np.concatenate([hashes, planted])
    started = time.perf_counter()
    found: set[int] = set()
    total = 0
    for one, other, _ in nearby_pairs(numbers, most):
        total += len(one)
        found.update(one[other == one + count].tolist(), other[one == other + count].tolist())
    seconds = time.perf_counter() - started
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{len(numbers):,} random hashes, {total:,} pairs at most {most} bits apart in "
        f"{seconds:.1f} s; {len(found):,} of {len(planted):,} planted ones found; "
        f"peak memory of the benchmark {memory:,.0f} MiB"
    )


def _apart(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    blocks = range(0, len(one), _BLOCK)
    return np.concatenate([differences(one[n : n + _BLOCK], other[n : n + _BLOCK]) for n in blocks])


def _variant_pairs(titles: np.ndarray) -> int:
    _, counts = np.unique(titles, return_counts=True)
    return int((counts * (counts - 1) // 2).sum())


def _opened(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content)).convert("RGB")


def _encoded(image: Image.Image, quality: int = 85) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality)
    return out.getvalue()


def _scaled(image: Image.Image, factor: float) -> Image.Image:
    size = (round(image.width * factor), round(image.height * factor))
    return image.resize(size, Image.Resampling.BICUBIC)


def _cropped(image: Image.Image) -> Image.Image:
    dx, dy = round(image.width * 0.03), round(image.height * 0.03)
    return image.crop((dx, dy, image.width - dx, image.height - dy))


def _marked(image: Image.Image) -> Image.Image:
    drawn = _scaled(image, 2)
    ImageDraw.Draw(drawn).text((8, drawn.height // 2), "SHOP.EXAMPLE", fill=(128, 128, 128))
    return drawn


COPIES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "JPEG again, quality 85": lambda image: image,
    "JPEG, quality 40": lambda image: _opened(_encoded(image, 40)),
    "twice as large": lambda image: _scaled(image, 2),
    "three quarters": lambda image: _scaled(image, 0.75),
    "half as large": lambda image: _scaled(image, 0.5),
    "15 % brighter": lambda image: ImageEnhance.Brightness(image).enhance(1.15),
    "15 % less contrast": lambda image: ImageEnhance.Contrast(image).enhance(0.85),
    "grey": lambda image: image.convert("L").convert("RGB"),
    "words across": _marked,
    "3 % cut off each side": _cropped,
    "white border of 5 %": lambda image: ImageOps.expand(image, 3, "white"),
    "padded to a square": lambda image: ImageOps.pad(image, (80, 80), color="white"),
    "mirrored": ImageOps.mirror,
}


if __name__ == "__main__":
    main()
