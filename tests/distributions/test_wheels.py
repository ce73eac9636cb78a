"""What each distribution owns: each of our files is in one wheel, and no name in two."""

from pathlib import Path
from zipfile import ZipFile

import pytest

from shelfsort.core.packages import DISTRIBUTIONS, OUR_PACKAGES
from tests.distributions.extras import ROOT
from tests.distributions.wheels import build_wheels

# Deployed with kubectl, from a checkout.
NOT_INSTALLED = Path("serving/kubernetes")


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> dict[str, set[str]]:
    """The files of each wheel, by distribution, without their metadata."""
    wheels = build_wheels(tmp_path_factory.mktemp("wheels"))
    return {name: _contents(wheel) for name, wheel in wheels.items()}


def _contents(wheel: Path) -> set[str]:
    with ZipFile(wheel) as archive:
        return {each for each in archive.namelist() if ".dist-info/" not in each}


def _ours() -> set[str]:
    paths = (path for name in OUR_PACKAGES for path in (ROOT / name).rglob("*"))
    relative = (path.relative_to(ROOT) for path in paths if path.is_file())
    return {
        path.as_posix()
        for path in relative
        if "__pycache__" not in path.parts and not path.is_relative_to(NOT_INSTALLED)
    }


@pytest.mark.slow
def test_each_distribution_owns_its_top_level_packages_and_no_others(files):
    owned = {name: {each.partition("/")[0] for each in files[name]} for name in files}
    assert owned == {name: set(packages) for name, packages in DISTRIBUTIONS.items()}


@pytest.mark.slow
def test_every_module_and_data_file_is_in_exactly_one_wheel(files):
    assert sorted(each for contents in files.values() for each in contents) == sorted(_ours())


def test_no_locked_package_takes_a_name_of_ours():
    locks = [path.read_text("utf-8") for path in ROOT.glob("stacks/*/requirements.lock")]
    lines = [line for lock in locks for line in lock.splitlines()]
    locked = {line.partition("==")[0] for line in lines if line[:1].isalpha()}
    assert locked and not locked & set(OUR_PACKAGES)
