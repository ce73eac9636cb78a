"""The artifact type that ReportGen writes."""

from tfx.types.artifact import Artifact


class Report(Artifact):
    """A folder with `index.html`, and the `metrics.json` it was drawn from."""

    TYPE_NAME = "components.Report"
