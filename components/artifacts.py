"""Shelfsort's own artifact types: what its components hand on beside TFX's standard ones."""

from tfx.types.artifact import Artifact


class Rejects(Artifact):
    """The manifest lines left out: `rejects.jsonl`, one reason a line, and `summary.json`."""

    TYPE_NAME = "ShelfsortRejects"


class Taxonomy(Artifact):
    """The category tree that the examples are labelled with, after reduction: `taxonomy.json`."""

    TYPE_NAME = "ShelfsortTaxonomy"
