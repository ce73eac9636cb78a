import json

import pytest

from components.artifacts import Rejects, Taxonomy

pytestmark = pytest.mark.slow


@pytest.fixture
def component():
    from components.manifest_example_gen.component import ManifestExampleGen

    return ManifestExampleGen("m.manifest", "t.json", "0123", image_roots=["/pictures"])


def test_outputs_are_typed_so_that_only_what_fits_can_be_wired(component):
    from tfx.types import standard_artifacts

    types = {name: channel.type for name, channel in component.outputs.items()}
    assert types == {
        "examples": standard_artifacts.Examples,
        "rejects": Rejects,
        "taxonomy": Taxonomy,
    }


def test_the_content_digest_is_an_execution_property_so_that_the_cache_goes_by_it(component):
    assert component.exec_properties["content_digest"] == "0123"


def test_defaults_divide_the_data_eighty_ten_ten(component):
    assert json.loads(component.exec_properties["splits"]) == {
        "train": 80,
        "calibration": 10,
        "eval": 10,
    }
    assert json.loads(component.exec_properties["image_roots"]) == ["/pictures"]
