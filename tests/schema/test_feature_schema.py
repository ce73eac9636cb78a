import pytest

import schema

pytestmark = pytest.mark.slow


def test_the_serving_environment_asks_for_no_label():
    import tensorflow_data_validation as tfdv

    declared = tfdv.load_schema_text(str(schema.SCHEMA_FILE))
    served = {f.name for f in declared.feature if "SERVING" not in f.not_in_environment}
    assert served == {"title", "description", "image", "price"}


def test_statistics_are_taken_of_everything_but_the_pixels():
    import tensorflow_data_validation as tfdv

    declared = tfdv.load_schema_text(str(schema.SCHEMA_FILE))
    options = tfdv.StatsOptions.from_json(schema.statistics_options().to_json())
    names = {feature.name for feature in options.schema.feature}
    assert names == {feature.name for feature in declared.feature} - {schema.PIXELS}
    assert options.experimental_filter_read_paths
