"""Fetches what others name, without letting them reach into the network this machine stands in."""

from shelfsort.core.http.addresses import (
    AddressRule,
    is_company_address,
    is_public_address,
)
from shelfsort.core.http.downloads import AsyncDownloader, Downloader, Limits
from shelfsort.core.http.failures import DownloadError, TooLargeError, UnreachableError
from shelfsort.core.http.messages import Answer, Fetched, Request

__all__ = [
    "AddressRule",
    "Answer",
    "AsyncDownloader",
    "DownloadError",
    "Downloader",
    "Fetched",
    "Limits",
    "Request",
    "TooLargeError",
    "UnreachableError",
    "is_company_address",
    "is_public_address",
]
