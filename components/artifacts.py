"""Shelfsort's own artifact types: what its components hand on beside TFX's standard ones.

TFX's Kubeflow compiler takes a custom type only where its name has the form `package.Class`, and
the entrypoint of a step imports the class by that name.
"""

from tfx.types.artifact import Artifact


class DataDrift(Artifact):
    """How far the products are from the live model's: `drift.json`, `training_statistics.pb`."""

    TYPE_NAME = "components.DataDrift"


class Rejects(Artifact):
    """The manifest lines left out: `rejects.jsonl`, one reason a line, and `summary.json`."""

    TYPE_NAME = "components.Rejects"


class Report(Artifact):
    """A report: `index.html`, `report.json`, `metrics.json` and `relabel.manifest`."""

    TYPE_NAME = "components.Report"


class Taxonomy(Artifact):
    """The category tree that the examples are labelled with, after reduction: `taxonomy.json`."""

    TYPE_NAME = "components.Taxonomy"
