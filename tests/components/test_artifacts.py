import subprocess
import sys

import pytest
import yaml

from components.artifacts import DataDrift, Rejects, Report, Taxonomy

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("type_", [DataDrift, Rejects, Report, Taxonomy])
def test_kubeflow_compiles_the_type_and_can_tell_it_by_its_title(type_):
    from tfx.orchestration.kubeflow.v2 import compiler_utils

    declared = yaml.safe_load(compiler_utils.get_artifact_schema(type_))
    assert declared["title"] == f"components.{type_.__name__}"


@pytest.mark.parametrize("type_", [DataDrift, Rejects, Report, Taxonomy])
def test_a_kubeflow_step_imports_the_class_by_the_types_name(type_):
    from tfx.utils import import_utils

    assert import_utils.import_class_by_path(type_.TYPE_NAME) is type_


def test_the_package_imports_without_tfx():
    program = "import sys, components; sys.exit('tfx' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
