"""Has one run's artifacts read, and writes its report."""

import json
from typing import Any

from tfx import types
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils

from components.code_version import code_commit
from components.report_gen import page
from components.report_gen.artifact import write_page, write_relabelling
from components.report_gen.reading import ReadRun, read_run
from shelfsort.labeling.label_issues import relabelling_lines

Artifacts = dict[str, list[types.Artifact]]


class Executor(base_executor.BaseExecutor):
    """Executor of ReportGen."""

    def Do(  # noqa: N802 - TFX's name
        self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]
    ) -> None:
        """Writes the page, the same in brief, the figures, and what to label again.

        Args:
            input_dict: see ReportGenSpec.
            output_dict: `report`.
            exec_properties: `model_name`, `title`, `settings`, `max_errors`, `explained_errors`,
                `price_per_answer` or None.
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
            explained_errors=exec_properties["explained_errors"],
            max_errors=exec_properties["max_errors"],
            price_per_answer=exec_properties.get("price_per_answer"),
            run_id=(self._context and self._context.pipeline_run_id) or "",
            git_commit=code_commit(),
            settings=json.loads(exec_properties.get("settings") or "{}"),
        )
        report_uri = artifact_utils.get_single_uri(output_dict["report"])
        _write_report(report_uri, run)


def _write_report(report_uri: str, run: ReadRun) -> None:
    if run.inputs.suspects:
        write_relabelling(report_uri, relabelling_lines(run.inputs.suspects, run.inputs.taxonomy))
    run.inputs.metrics.write(report_uri)
    page.summary(run.content).write(report_uri)
    write_page(report_uri, page.render(run.content, run.pictures, run.details, run.explained))
