"""The artifact type that ReportGen writes."""

from tfx.types.artifact import Artifact


class Report(Artifact):
    """A folder with `index.html`, the `metrics.json` it was drawn from, and `relabel.manifest`."""

    TYPE_NAME = "components.Report"
