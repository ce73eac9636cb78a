"""What is true of every component of the graph."""

import json
import re
from typing import get_args

import pytest

from components.evaluator.settings import CostLimits
from pipeline.config import Config, load_config
from pipeline.settings import BeamComponent

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def components():
    from pipeline.pipeline import Source, create_components

    source = Source("labelled.manifest", "taxonomy.json", "category", "0123", "[]")
    config = load_config(None, ["tuning.trials=2"])
    return create_components(source, config, serving_dir="serving/x", live_version="")


def test_a_digest_of_its_code_is_among_every_components_execution_properties(components):
    for component in components:
        # All of StatisticsGen is TFX's own, and what it counts is a property.
        if component.id == "StatisticsGen":
            continue
        properties = component.exec_properties
        digest = (
            properties.get("code_digest") or json.loads(properties["custom_config"])["code_digest"]
        )
        assert re.fullmatch("[0-9a-f]{16}", digest), component.id


def test_a_warm_start_is_from_a_model_of_its_own_and_not_from_the_baseline():
    from pipeline.pipeline import Source, create_components

    source = Source("labelled.manifest", "taxonomy.json", "category", "0123")
    config = load_config(None, ["training.fit.warm_start=true"])
    graph = create_components(
        source, config, serving_dir="serving/x", live_version="7", start_digest="ab"
    )
    components = {each.id: each for each in graph}
    assert (
        components["Trainer"].inputs["base_model"] is components["StartModel"].outputs["baseline"]
    )
    assert components["StartModel"].exec_properties["model_digest"] == "ab"
    assert components["BaselineModel"].exec_properties["live_version"] == "7"


def test_no_two_components_have_the_digest_of_one_room(components):
    digests = [
        component.exec_properties["code_digest"]
        for component in components
        if "code_digest" in component.exec_properties
    ]
    assert len(set(digests)) == len(digests) > 1


def test_every_component_that_runs_on_beam_has_options_of_its_own(components):
    from tfx.dsl.components.base.base_beam_component import BaseBeamComponent

    on_beam = {each.id for each in components if isinstance(each, BaseBeamComponent)}
    assert on_beam == set(get_args(BeamComponent))


def test_other_weights_of_ones_own_are_other_properties_of_what_learns_from_them():
    from pipeline.pipeline import Source, create_components

    source = Source("labelled.manifest", "taxonomy.json", "category", "0123")
    graph = create_components(
        source,
        load_config(None, ["tuning.trials=2"]),
        serving_dir="serving/x",
        live_version="",
        weights_digest="c0ffee",
    )
    custom = {
        each.id: each.exec_properties["weights_digest"]
        for each in graph
        if "weights_digest" in each.exec_properties
    }
    assert custom == {"Tuner": "c0ffee", "Trainer": "c0ffee"}


def test_times_that_have_a_limit_are_measured_in_each_run():
    from pipeline.local.run import measurement
    from pipeline.pipeline import Source, create_components

    timed = CostLimits(milliseconds_alone=50.0)
    assert measurement(timed) != measurement(timed)
    assert measurement(CostLimits(model_mb=50.0)) == measurement(CostLimits()) == ""
    source = Source("labelled.manifest", "taxonomy.json", "category", "0123")
    graph = create_components(
        source, Config(), serving_dir="serving/x", live_version="", measurement="c0ffee"
    )
    measured = [each.id for each in graph if "c0ffee" in map(str, each.exec_properties.values())]
    assert measured == ["ServingCheck"]
