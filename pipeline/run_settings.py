"""The configuration of each run, kept whole in its output folder."""

from pathlib import Path
from typing import Any

from pipeline.config import Config, to_dict
from pipeline.output_folder import OutputFolder
from pipeline.renamed_keys import RENAMED
from shelfsort.core import files
from shelfsort.core.keys import current_key, flat

_VERSION = 1


def write_settings(folder: OutputFolder, run_id: str, config: Config) -> None:
    """Keeps every setting of a run, before it begins."""
    record = {"version": _VERSION, "settings": to_dict(config)}
    files.write_json(_file(folder, run_id), record)


def read_settings(folder: OutputFolder, run_id: str) -> dict[str, Any]:
    """The settings of a run by dotted key; {} for a run of a version that kept none.

    Raises:
        InputError: the file is not JSON.
    """
    record = files.read_json(_file(folder, run_id), missing={})
    return {current_key(key, RENAMED): value for key, value in flat(record.get("settings", {}))}


def _file(folder: OutputFolder, run_id: str) -> Path:
    return folder.settings / f"{run_id}.json"
