"""What BaselineModel leaves behind: a copy of a version laid out as the Trainer's, or none."""

from tfx.dsl.io import fileio
from tfx.utils import path_utils

from shelfsort.contract.model_files import SAVED_MODEL
from shelfsort.core.storage import join

NO_LIVE_MODEL_FILE = "NO_LIVE_MODEL"
LIVE_VERSION = "live_version"
"""The artifact's custom property that holds the version's number."""


def model_path(uri: str) -> str | None:
    """Folder of the SavedModel in the artifact; None where there is no model."""
    if not fileio.exists(uri) or set(fileio.listdir(uri)) <= {NO_LIVE_MODEL_FILE}:
        return None
    path = path_utils.serving_model_path(uri)
    return path if fileio.exists(join(path, SAVED_MODEL)) else uri
