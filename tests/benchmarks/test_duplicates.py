"""The benchmark of duplicates: the pairs that it takes for known, and what it prints."""

import json
from pathlib import Path

import pytest
from PIL import Image

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _beside_the_benchmarks(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))


@pytest.fixture
def folder(tmp_path):
    """40 titles with two variants each: the same photo, in two sizes."""
    lines = []
    for n in range(40):
        photo = Image.effect_noise((16, 16), 90).resize((64, 64), Image.Resampling.BICUBIC)
        for variant, size in enumerate((64, 96)):
            name = f"{n}_{variant}.png"
            photo.resize((size, size)).save(tmp_path / name)
            record = {"source-ref": name, "title": f"brand{n} mug", "gold": f"leaf{n % 3}"}
            lines.append(json.dumps(record))
    (tmp_path / "labelled.manifest").write_text("\n".join(lines))
    return tmp_path


@pytest.mark.slow
def test_variants_of_one_photo_are_found_and_counted(folder, capsys):
    from duplicates import Products, made_copies, real_pairs

    products = Products(folder)
    one, other, bits = products.near(6)
    found = {tuple(sorted((int(a) // 2, int(b) // 2))) for a, b in zip(one, other, strict=True)}
    assert {(n, n) for n in range(40)} <= found
    assert bits.max() <= 6
    real_pairs(products, 6)
    said = capsys.readouterr().out
    second = int((~products.first_half).sum()) // 2
    assert "80 photos" in said
    assert f"known duplicates found {second}/{second}" in said
    made_copies(products, 6, 0.008)
    lines = {line.split("  ")[1].strip(): line for line in capsys.readouterr().out.splitlines()[1:]}
    assert " 0.000 (" in lines["mirrored"]


def test_planted_pairs_are_all_proposed(capsys):
    from duplicates import speed

    speed(2_000, 6)
    assert "1,000 of 1,000 planted ones found" in capsys.readouterr().out


def test_pairs_of_equal_titles_are_counted():
    import numpy as np
    from duplicates import _variant_pairs

    assert _variant_pairs(np.array(["a", "a", "a", "b", "b", "c"])) == 4
