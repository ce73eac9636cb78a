"""Curated schemas: the TFDV schema, and the JSON Schemas of manifest and taxonomy."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import tensorflow_data_validation as tfdv

FOLDER = Path(__file__).parent
SCHEMA_FILE = FOLDER / "schema.pbtxt"
MANIFEST_SCHEMA_FILE = FOLDER / "manifest.schema.json"
TAXONOMY_SCHEMA_FILE = FOLDER / "taxonomy.schema.json"
PIXELS = "image"
SERVING = "SERVING"


def served_features() -> frozenset[str]:
    """Features that a request may have: those of the environment SERVING."""
    import tensorflow_data_validation as tfdv

    declared = tfdv.load_schema_text(str(SCHEMA_FILE))
    return frozenset(
        feature.name for feature in declared.feature if SERVING not in feature.not_in_environment
    )


def statistics_options() -> "tfdv.StatsOptions":
    """Options of StatisticsGen: every feature of the schema but the pixels.

    Statistics over encoded pictures say nothing and would hold them all in memory.
    """
    import tensorflow_data_validation as tfdv

    declared = tfdv.load_schema_text(str(SCHEMA_FILE))
    # An allowlist would be applied after the pixels have been read; this way they never are.
    without_pixels = [feature for feature in declared.feature if feature.name != PIXELS]
    del declared.feature[:]
    declared.feature.extend(without_pixels)
    return tfdv.StatsOptions(schema=declared, experimental_filter_read_paths=True)
