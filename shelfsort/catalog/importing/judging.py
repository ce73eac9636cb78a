"""Whether a whole pass may be stored."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from shelfsort.catalog.contract import Contract
from shelfsort.catalog.importing.hosts import MainHosts


@dataclass(frozen=True)
class Volume:
    """What a pass gave.

    Attributes:
        products: different ones.
        rejected: rows in quarantine.
        repeated: rows with the id of an earlier row.
        announced: rows that the source said it has; None where it did not.
        before: products of the last whole pass; None before the first.
        lists_all: whether the source gives every product in each pass.
        hosts: of the main pictures.
        hosts_before: the same of the last whole pass; None before the first.
        same_settings: whether that one had the settings of this one.
    """

    products: int
    rejected: int
    repeated: int
    announced: int | None
    before: int | None
    lists_all: bool
    hosts: MainHosts = field(default_factory=MainHosts)
    hosts_before: MainHosts | None = None
    same_settings: bool = True

    @property
    def rows(self) -> int:
        """All that were read."""
        return self.products + self.repeated + self.rejected


def refusals(volume: Volume, contract: Contract) -> tuple[str, ...]:
    """Why a pass may not be stored; empty where it may.

    A source that gives what changed since the last pass may well give nothing, so a least number is
    asked of those only that list everything.
    """
    return tuple(_refusals(volume, contract))


def _refusals(volume: Volume, contract: Contract) -> Iterator[str]:
    rejected, rows, most = volume.rejected, volume.rows, contract.most_rejected
    if rejected > most * rows:
        yield (
            f"{rejected:,} of {rows:,} rows are in quarantine, more than {most:.0%} (most_rejected)"
        )
    products = volume.products
    if contract.most_rows is not None and products > contract.most_rows:
        yield f"{products:,} rows, more than {contract.most_rows:,} (most_rows)"
    if not volume.lists_all:
        return
    share = contract.least_share
    if products < contract.least_rows:
        yield f"{products:,} rows, fewer than {contract.least_rows:,} (least_rows)"
    if volume.before is not None and products < share * volume.before:
        yield (
            f"{products:,} rows, fewer than {share:.0%} of the {volume.before:,} of the last "
            "whole pass (least_share)"
        )
    if volume.announced is not None and rows < share * volume.announced:
        yield (
            f"{rows:,} rows, fewer than {share:.0%} of the {volume.announced:,} that the source "
            "announced (least_share)"
        )
    if volume.hosts_before is not None:
        yield from _lost_pictures(volume, volume.hosts_before, contract.least_pictures)


def _lost_pictures(volume: Volume, before: MainHosts, share: float) -> Iterator[str]:
    now, kept = volume.hosts, volume.hosts.shared(before)
    if now.total < share * before.total:
        yield (
            f"{now.total:,} rows have a picture, fewer than {share:.0%} of the {before.total:,} "
            "of the last whole pass (least_pictures)"
        )
    elif volume.same_settings and kept < share * before.total:
        yield (
            f"{kept:,} rows have their picture where the last whole pass had it, fewer than "
            f"{share:.0%} of {before.total:,}; the others are at {', '.join(now.new(before))} "
            "(least_pictures)"
        )
