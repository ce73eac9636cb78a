"""The step that a compiled pipeline begins with: what is there to ingest, and what is live?

`shelfsort run` asks the same before its graph. The answers become parameters of the steps behind
it, and so part of what the cluster's cache goes by: same content and same live model, same results.
Imports no TFX, and TensorFlow or Beam only for addresses that need them.
"""

import argparse
import json
import logging
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from components.baseline_model.selection import start_digest
from components.manifest_example_gen.preflight import Preflight, check
from components.manifest_example_gen.settings import DataConfig
from serving.versions import live_version
from shelfsort.core.errors import InputError
from shelfsort.core.progress import note
from shelfsort.core.terminal import one_line
from shelfsort.products.manifest.files import are_of

BAD_INPUT = 2


def main(argv: Sequence[str]) -> int:
    """Writes each answer into the file of its output parameter.

    Args:
        argv: `--executor_input`, KFP's ExecutorInput as JSON.

    Returns:
        The exit status: 0, or 2 where the input is at fault, which is then said in a line.
    """
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--executor_input", type=json.loads, required=True)
    given = parser.parse_args(argv).executor_input
    logging.basicConfig(format="%(message)s")
    try:
        answers = answer(given["inputs"]["parameterValues"])
    except InputError as error:
        print(f"shelfsort: {one_line(str(error))}", file=sys.stderr)
        return BAD_INPUT
    for name, output in given["outputs"]["parameters"].items():
        file = Path(output["outputFile"])
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(answers[name], "utf-8")
    return 0


def answer(parameters: Mapping[str, Any]) -> dict[str, str]:
    """What the steps behind this one take as parameters; see `input_check_task.ANSWERS`.

    Args:
        parameters: of the task; see `input_check_task`.

    Raises:
        InputError: manifest or tree cannot be used, or there are no such serving logs or weights.
    """
    digest, spans = _content(parameters)
    live = live_version(parameters["serving_dir"])
    note(f"content {digest}; live is {f'version {live.number}' if live else 'nothing'}")
    return {
        "content_digest": digest,
        "spans": spans,
        "live_version": str(live.number) if live else "",
        "start_digest": start_digest(live, digest),
        "serving_logs_digest": _logs_digest(parameters["serving_logs"]),
        "weights_digest": _weights_digest(parameters["training"]),
    }


def content_of(parameters: Mapping[str, Any]) -> Preflight:
    """What there is to ingest now.

    Args:
        parameters: of ManifestExampleGen.

    Raises:
        InputError: manifest or tree cannot be used.
    """
    if "data" not in parameters:
        raise InputError("no settings of the input: an older release compiled this. Compile again.")
    data = TypeAdapter(DataConfig).validate_json(parameters["data"])
    return check(parameters["manifest"], parameters["taxonomy_file"], data)


def _content(parameters: Mapping[str, Any]) -> tuple[str, str]:
    """Digest and files: those that the run was given, if they are its manifest's; else a look."""
    digest, spans = parameters["content_digest"], parameters["spans"]
    pinned = json.loads(spans or "[]")
    if digest and pinned and are_of(pinned, parameters["manifest"]):
        return digest, spans
    found = content_of(parameters)
    note(
        f"{found.lines:,} lines of {len(found.files):,} files, {len(found.categories):,} categories"
    )
    return found.digest, json.dumps(found.files)


def _logs_digest(pattern: str) -> str:
    if not pattern:
        return ""
    # Brings Beam.
    from components.drift_check.serving_logs import logs_digest

    return logs_digest(pattern)


def _weights_digest(settings: str) -> str:
    if not settings:
        return ""
    from shelfsort.training.settings import TrainingConfig
    from shelfsort.training.weights import own_weights_digest

    return own_weights_digest(TypeAdapter(TrainingConfig).validate_json(settings))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
