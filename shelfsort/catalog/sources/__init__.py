"""Where products come from: each module here is one kind of source.

A module defines one subclass of `base.SourceSettings`, whose `type` names the kind in the settings.
"""

import importlib
import pkgutil

from shelfsort.catalog.sources.base import SourceSettings


def _kinds() -> dict[str, type[SourceSettings]]:
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    return {kind.model_fields["type"].default: kind for kind in SourceSettings.__subclasses__()}


KINDS = _kinds()
"""The settings of each kind of source, by the name of the kind."""
