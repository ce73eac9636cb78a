"""Fetches what others name, without letting them reach into the network this machine stands in."""

from shelfsort.core.http.addresses import AddressRule, is_public_address
from shelfsort.core.http.downloads import (
    AsyncDownloader,
    Downloader,
    DownloadError,
    Limits,
    TooLargeError,
)

__all__ = [
    "AddressRule",
    "AsyncDownloader",
    "DownloadError",
    "Downloader",
    "Limits",
    "TooLargeError",
    "is_public_address",
]
