"""The locks hold what the ranges of pyproject.toml ask for, on each Python of a stack."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.distributions.extras import EXTRAS, PROJECT

STACKS = Path(__file__).parents[2] / "stacks"


def locked(stack: str) -> dict[str, str]:
    """Versions by name."""
    lines = (STACKS / stack / "requirements.lock").read_text("utf-8").splitlines()
    pins = (line.split(" ")[0].partition("==") for line in lines if line[:1].isalpha())
    return {canonicalize_name(name.partition("[")[0]): version for name, _, version in pins}


def asked(python: str, requirements: list[str]) -> Iterator[Requirement]:
    """Requirements that hold on a Python, those of the extras that they name among them."""
    for requirement in map(Requirement, requirements):
        marker = requirement.marker
        if marker is None or marker.evaluate({"python_version": python}):
            if requirement.name == "shelfsort":
                for extra in requirement.extras:
                    yield from asked(python, EXTRAS[extra])
            else:
                yield requirement


@pytest.mark.parametrize(
    ("stack", "python"), [("tfx-1.16", "3.10"), ("tfx-1.21", "3.12"), ("tfx-1.21", "3.13")]
)
def test_the_ranges_of_a_python_hold_the_locked_versions(stack, python):
    versions = locked(stack)
    ranges = list(asked(python, [*PROJECT["dependencies"], "shelfsort[pipeline]"]))
    assert {"click", "tfx", "tensorflow", "boto3"} <= {each.name for each in ranges}
    outside = [
        str(each)
        for each in ranges
        if not each.specifier.contains(versions[canonicalize_name(each.name)])
    ]
    assert outside == []
