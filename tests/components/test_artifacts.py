import pytest
import yaml

from components.artifacts import Rejects, Taxonomy

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("type_", [Rejects, Taxonomy])
def test_kubeflow_compiles_the_type_and_can_tell_it_by_its_title(type_):
    from tfx.orchestration.kubeflow.v2 import compiler_utils

    declared = yaml.safe_load(compiler_utils.get_artifact_schema(type_))
    assert declared["title"] == f"components.{type_.__name__}"
