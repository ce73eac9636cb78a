"""Fetches what others name, without letting them reach into the network this machine stands in."""

from shelfsort.core.http.addresses import (
    AddressRule,
    is_company_address,
    is_public_address,
)
from shelfsort.core.http.downloads import (
    AsyncDownloader,
    Downloader,
    DownloadError,
    Limits,
    TooLargeError,
    UnreachableError,
)
from shelfsort.core.http.messages import Answer, Request

__all__ = [
    "AddressRule",
    "Answer",
    "AsyncDownloader",
    "DownloadError",
    "Downloader",
    "Limits",
    "Request",
    "TooLargeError",
    "UnreachableError",
    "is_company_address",
    "is_public_address",
]
