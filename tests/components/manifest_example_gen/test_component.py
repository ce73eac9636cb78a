import pytest
from pydantic import TypeAdapter

from components.artifacts import Rejects, Taxonomy
from components.manifest_example_gen.settings import DataConfig

pytestmark = pytest.mark.slow
SETTINGS = DataConfig(image_roots=("/pictures",), min_confidence=0.7, allow_http=True)


@pytest.fixture
def component():
    from components.manifest_example_gen.component import ManifestExampleGen

    return ManifestExampleGen("m.manifest", "t.json", SETTINGS, "0123")


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


def test_the_settings_are_one_property_that_reads_back_as_they_were(component):
    read = TypeAdapter(DataConfig).validate_json(component.exec_properties["data"])
    assert read == SETTINGS


def test_by_default_nine_tenths_train_and_a_tenth_judges():
    assert DataConfig().splits == {"train": 90, "eval": 10}


def test_a_calibration_split_is_allowed_and_any_other_refused():
    splits = {"train": 80, "calibration": 10, "eval": 10}
    assert DataConfig(splits=splits).splits == splits
    for wrong in ({"train": 90}, {"train": 80, "eval": 10, "test": 10}):
        with pytest.raises(ValueError, match="must name train and eval"):
            DataConfig(splits=wrong)
