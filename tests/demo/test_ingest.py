"""Ingest and catalogue agree on every line: what is rejected, why, and what is left."""

import pytest


@pytest.mark.slow
def test_ingest_rejects_exactly_the_lines_that_were_broken(catalogue, tmp_path):
    from tfx.types import standard_artifacts

    from components.artifacts import Rejects, Taxonomy
    from components.manifest_example_gen.artifact import Ingestion
    from components.manifest_example_gen.component import ManifestExampleGen
    from components.manifest_example_gen.executor import Executor
    from components.manifest_example_gen.settings import DataConfig

    component = ManifestExampleGen(
        str(catalogue.manifest), str(catalogue.taxonomy), DataConfig(), "digest"
    )
    outputs = {}
    kinds = {"examples": standard_artifacts.Examples, "rejects": Rejects, "taxonomy": Taxonomy}
    for name, kind in kinds.items():
        outputs[name] = [kind()]
        outputs[name][0].uri = str(tmp_path / name)
        (tmp_path / name).mkdir()
    Executor().Do({}, outputs, component.exec_properties)

    ingestion = Ingestion.read(outputs["rejects"][0].uri)
    assert ingestion.by_reason == catalogue.rejects
    assert (ingestion.lines, ingestion.accepted) == (catalogue.lines, catalogue.products)
