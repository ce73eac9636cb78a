"""The environments that our distributions support, and the modules that each has to import."""

from dataclasses import dataclass
from pathlib import Path

import tomli

from shelfsort.core.packages import DISTRIBUTIONS, OUR_PACKAGES

ROOT = Path(__file__).parents[2]
PROJECT = tomli.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]


@dataclass(frozen=True)
class Environment:
    """A set of installed distributions.

    Attributes:
        extras: extras of `shelfsort`.
        distributions: names of our own distributions.
    """

    extras: tuple[str, ...] = ()
    distributions: tuple[str, ...] = ("shelfsort",)

    @property
    def packages(self) -> list[str]:
        """Our top-level packages in it."""
        return [package for name in self.distributions for package in DISTRIBUTIONS[name]]


ENVIRONMENTS = {
    "base": Environment(),
    "images": Environment(("images",)),
    "tables": Environment(("tables",)),
    "labels": Environment(("labels",)),
    "catalog": Environment(("catalog", "database", "postgres")),
    "decisions": Environment(("decisions",)),
    "serve": Environment(("serve",), ("shelfsort", "shelfsort-serving")),
    "pipeline": Environment(
        ("pipeline", "encoders", "mlflow", "plots", "wandb"), tuple(DISTRIBUTIONS)
    ),
}

# Where a module has to import, by the longest prefix of its name.
_NEEDED_IN = {
    "shelfsort": {"base"},
    "shelfsort.catalog": {"catalog"},
    "shelfsort.cli.catalog": {"catalog"},
    "shelfsort.cli.label": {"labels"},
    "shelfsort.cli.labels": {"labels"},
    "shelfsort.cli.database": {"catalog", "decisions"},
    "shelfsort.cli.decide": {"decisions"},
    "shelfsort.cli.alarms": {"decisions"},
    "shelfsort.cli.monitor": {"decisions"},
    "shelfsort.cli.promise": {"decisions"},
    "shelfsort.cli.review": {"decisions"},
    "shelfsort.cli.rules": {"decisions"},
    "shelfsort.cli.shadow": {"decisions"},
    "shelfsort.core.backups": {"catalog", "decisions"},
    "shelfsort.core.database": {"catalog", "decisions"},
    "shelfsort.core.http": {"catalog"},
    "shelfsort.core.settings": {"labels", "catalog", "decisions"},
    "shelfsort.core.web": {"labels", "decisions", "serve"},
    "shelfsort.core.yaml": {"labels", "catalog", "decisions"},
    "shelfsort.decisions": {"decisions"},
    "shelfsort.labeling": {"labels"},
    "shelfsort.products": {"labels", "catalog", "decisions"},
    "shelfsort.products.images": {"images"},
    "shelfsort.products.tables": {"tables"},
    "shelfsort.products.images.decoder": {"pipeline"},
    "shelfsort.products.example": {"pipeline"},
    "shelfsort.stats": {"labels", "decisions"},
    "shelfsort.training": {"pipeline"},
    "serving": {"serve"},
    "components": {"pipeline"},
    "demo": {"pipeline"},
    "pipeline": {"pipeline"},
    "schema": {"pipeline"},
}

# Imports the modules given as arguments; prints `{module: error}` of those that failed.
IMPORT_EACH = """
import importlib, json, sys
failures = {}
for module in sys.argv[1:]:
    try:
        importlib.import_module(module)
    except Exception as error:
        failures[module] = f"{type(error).__name__}: {error}"
print(json.dumps(failures))
"""


def modules_needed_in(environment: str) -> list[str]:
    paths = (path for package in OUR_PACKAGES for path in (ROOT / package).rglob("*.py"))
    names = (".".join(path.relative_to(ROOT).with_suffix("").parts) for path in paths)
    modules = sorted(name.removesuffix(".__init__") for name in names)
    return [module for module in modules if environment in _needed_in(module)]


def _needed_in(module: str) -> set[str]:
    prefixes = [prefix for prefix in _NEEDED_IN if f"{module}.".startswith(f"{prefix}.")]
    return _NEEDED_IN[max(prefixes, key=len)]
