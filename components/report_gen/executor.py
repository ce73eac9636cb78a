"""Has one run's artifacts read, and writes its report."""

import os
from typing import Any

from tfx import types
from tfx.dsl.components.base import base_executor
from tfx.dsl.io import fileio
from tfx.types import artifact_utils

from components.report_gen import page
from components.report_gen.reading import ReadRun, join, read, read_run
from shelfsort.labeling.label_issues import relabelling_lines

RELABELLING = "relabel.manifest"

Artifacts = dict[str, list[types.Artifact]]


class Executor(base_executor.BaseExecutor):
    """Executor of ReportGen."""

    def Do(  # noqa: N802 - TFX's name
        self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]
    ) -> None:
        """Writes `index.html`, the figures that it shows, and what to label again.

        Args:
            input_dict: see ReportGenSpec.
            output_dict: `report`.
            exec_properties: `model_name`, `title`, `max_errors`, `price_per_answer` or None.
        """
        uris = {name: artifacts[0].uri for name, artifacts in input_dict.items() if artifacts}
        train_uri, eval_uri = (
            artifact_utils.get_split_uri(input_dict["examples"], split)
            for split in ("train", "eval")
        )
        run = read_run(
            uris,
            train_uri,
            eval_uri,
            model_name=exec_properties["model_name"],
            title=exec_properties.get("title") or "",
            max_errors=exec_properties["max_errors"],
            price_per_answer=exec_properties.get("price_per_answer"),
        )
        report_uri = artifact_utils.get_single_uri(output_dict["report"])
        _write_report(report_uri, run, read(join(uris["evaluation"], "metrics.json")))


def _write_report(report_uri: str, run: ReadRun, metrics: bytes) -> None:
    if run.inputs.suspects:
        lines = relabelling_lines(run.inputs.suspects, run.inputs.taxonomy)
        _write(join(report_uri, RELABELLING), "".join(f"{line}\n" for line in lines).encode())
    _write(join(report_uri, "metrics.json"), metrics)
    # The page comes last: where it is, the report is whole.
    _write(join(report_uri, "index.html"), page.render(run.content, run.pictures))


def _write(path: str, data: bytes) -> None:
    fileio.makedirs(os.path.dirname(path))  # noqa: PTH120 - a URI
    with fileio.open(path + ".part", "wb") as file:
        file.write(data)
    fileio.rename(path + ".part", path, overwrite=True)
