"""Pairs of hashes that are near, found without comparing all."""

import numpy as np
import pytest

from shelfsort.catalog.duplicates.nearby import distances, nearby_pairs


def hashes(count: int, copies: int, bits: int) -> np.ndarray:
    rng = np.random.default_rng(bits)
    made = rng.integers(0, 2**64, count, dtype=np.uint64)
    near = made[:copies].copy()
    for number in range(copies):
        for bit in rng.permutation(64)[:bits].tolist():
            near[number] ^= np.uint64(1 << bit)
    return np.unique(np.concatenate([made, near]))


def pairs(numbers: np.ndarray, most: int) -> list[tuple[int, int, int]]:
    found = []
    for one, other, apart in nearby_pairs(numbers, most):
        for a, b, bits in zip(one.tolist(), other.tolist(), apart.tolist(), strict=True):
            found.append((min(a, b), max(a, b), bits))
    return sorted(found)


@pytest.mark.parametrize("most", [0, 1, 3, 4, 7, 8, 11])
def test_the_pairs_are_those_of_comparing_all(most):
    numbers = hashes(400, 100, most)
    ones, others = np.triu_indices(len(numbers), 1)
    apart = np.array([bin(each).count("1") for each in (numbers[ones] ^ numbers[others]).tolist()])
    expected = np.stack([ones, others, apart], axis=1)[apart <= most].tolist()
    assert list(map(list, pairs(numbers, most))) == expected
    assert len(expected) >= (100 if most else 0)


def test_numbers_that_share_one_band_are_found_in_bounded_blocks(monkeypatch):
    monkeypatch.setattr("shelfsort.catalog.duplicates.nearby._BLOCK", 1_000)
    numbers = np.arange(300, dtype=np.uint64)
    blocks = [len(one) for one, _, _ in nearby_pairs(numbers, 11)]
    assert sum(blocks) == 300 * 299 // 2
    assert max(blocks) <= 1_300


def test_distances_are_differing_bits():
    one, other = np.array([0, 2**63, 7], np.uint64), np.array([0, 1, 1], np.uint64)
    assert distances(one, other).tolist() == [0, 2, 2]


def test_a_distance_beyond_the_bands_is_refused():
    with pytest.raises(ValueError, match="12"):
        next(nearby_pairs(np.arange(2, dtype=np.uint64), 12))
