"""Which products the settings of a catalogue allow to be taken."""

from collections.abc import Sequence

from shelfsort.catalog.output.labels import path_label, settings_label
from shelfsort.catalog.output.selection import OnePer, Wanted
from shelfsort.catalog.settings import CatalogSettings
from shelfsort.core.errors import InputError


def wanted_products(
    settings: CatalogSettings,
    sources: Sequence[str] = (),
    *,
    labelled: bool = False,
    without_images: bool = False,
    licensed: bool = False,
    one_per: OnePer = "picture",
) -> Wanted:
    """What `selection.Selection` looks for.

    Args:
        settings: of the catalogue.
        sources: names of the sources to take from; () for all.
        labelled: take products of trusted sources only, each with its leaf.
        without_images: take products without a good picture, too.
        licensed: take products whose source has a licence only.
        one_per: which copies are left out.

    Raises:
        InputError: no such source, no source is trusted, or tree or crosswalk cannot be read.
    """
    for name in sources:
        if name not in settings.sources:
            known = ", ".join(settings.sources)
            raise InputError(f"{settings.file}: no source {name!r}. Name one of {known}.")
    chosen = sources or tuple(settings.sources)
    trusted = frozenset(name for name in chosen if settings.sources[name].trusted_categories)
    if labelled and not trusted:
        raise InputError(
            f"{settings.file}: no chosen source has trusted_categories: true. Set it where the "
            "source's categories are right."
        )
    return Wanted(
        {name: settings.sources[name].licence for name in settings.sources},
        frozenset(sources),
        trusted,
        (settings_label(settings) or path_label) if labelled else None,
        without_images,
        licensed,
        one_per,
        settings.cleaning,
        settings.least_products,
    )
