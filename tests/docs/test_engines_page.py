"""The page on engines: settings such as Beam takes, and facts of the Beam that is locked."""

import re
import typing
from pathlib import Path
from types import SimpleNamespace

import pytest

from pipeline.beam_args import component_args
from pipeline.config import load_config
from pipeline.settings import BeamComponent

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "engines.md"
FILES = sorted((ROOT / "docs" / "engines").glob("*.yaml"))
COMPONENTS = typing.get_args(BeamComponent)


def test_every_engine_of_the_page_has_its_file():
    linked = re.findall(r"\(engines/(\w+\.yaml)\)", PAGE.read_text())
    assert sorted(linked) == [path.name for path in FILES] and len(linked) == 3


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_an_engines_settings_are_known_to_beam_and_complete(path, monkeypatch):
    from apache_beam.io.gcp import gcsio
    from apache_beam.options.pipeline_options import PipelineOptions
    from apache_beam.options.pipeline_options_validator import PipelineOptionsValidator
    from apache_beam.runners.runner import create_runner

    # Beam would ask Google about the bucket's policy, and try for a minute where there is no net.
    bucket = SimpleNamespace(is_soft_delete_enabled=lambda path: False)
    monkeypatch.setattr(gcsio, "GcsIO", lambda: bucket)
    config = load_config(str(path))
    for component in COMPONENTS:
        options = PipelineOptions(component_args(component, config.beam))
        runner = create_runner(options.get_all_options()["runner"])
        assert PipelineOptionsValidator(options, runner).validate() == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_an_option_that_only_a_job_server_knows_is_called_so(path):
    from pipeline.beam_args import _parser

    args = load_config(str(path)).beam.args
    _, unknown = _parser("").parse_known_args(list(args))
    assert unknown == (["--execution_mode_for_batch=BATCH_FORCED"] if path.stem == "flink" else [])


def test_versions_on_the_page_are_those_of_the_locked_beam():
    from apache_beam.options.pipeline_options import FlinkRunnerOptions

    page = PAGE.read_text()
    for lock in ROOT.glob("stacks/*/requirements.lock"):
        (locked,) = re.findall(r"^apache-beam==(\S+)", lock.read_text(), re.M)
        assert f"Beam {locked}" in page
    first, *_, last = FlinkRunnerOptions.PUBLISHED_FLINK_VERSIONS
    assert f"Flink {first} to {last}" in page
