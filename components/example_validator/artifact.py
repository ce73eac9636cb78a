"""What ExampleValidator leaves behind: TFDV's anomalies of each split."""

from collections.abc import Sequence

from tensorflow_metadata.proto.v0 import anomalies_pb2

from components.example_validator.anomalies import describe
from shelfsort.core.storage import Place, child_folders, join, read_bytes

# TFX's names.
_FILE = "SchemaDiff.pb"
_SPLIT = "Split-"

Anomalies = dict[str, anomalies_pb2.Anomalies]
"""By split."""


def read_anomalies(uri: Place, splits: Sequence[str] | None = None) -> Anomalies:
    """The anomalies of these splits; of all that are there where they are None.

    Raises:
        OSError: a split's file is missing.
    """
    folder = uri
    if splits is None:
        named = (name for name in child_folders(folder) if name.startswith(_SPLIT))
        splits = [name.removeprefix(_SPLIT) for name in named]
    return {
        split: anomalies_pb2.Anomalies.FromString(
            read_bytes(join(folder, f"{_SPLIT}{split}", _FILE))
        )
        for split in splits
    }


def describe_anomalies(uri: Place, splits: Sequence[str]) -> list[str]:
    """One line for each anomaly of these splits; see `anomalies.describe`."""
    return describe(read_anomalies(uri, splits))
