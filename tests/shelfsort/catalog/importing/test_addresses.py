"""The one spelling of an address."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shelfsort.catalog.importing.addresses import address
from shelfsort.catalog.sources.base import Rewrite


@pytest.mark.parametrize(
    ("given", "kept", "host"),
    [
        ("https://a.test/1.jpg", "https://a.test/1.jpg", "a.test"),
        (" HTTP://A.Test:80/B.jpg#top ", "http://a.test/B.jpg", "a.test"),
        ("//cdn.test/x", "https://cdn.test/x", "cdn.test"),
        ("https://a.test", "https://a.test/", "a.test"),
        ("https://a.test:8443/x?b=1&a=2", "https://a.test:8443/x?b=1&a=2", "a.test"),
        ("https://a.test./x", "https://a.test/x", "a.test"),
        ("https://a.test/größe <1>.jpg", "https://a.test/gr%C3%B6%C3%9Fe%20%3C1%3E.jpg", "a.test"),
        ("https://a.test/a%20b", "https://a.test/a%20b", "a.test"),
        ("http://[2001:DB8::1]:80/x", "http://[2001:db8::1]/x", "2001:db8::1"),
        ("http://user:pw@A.test/x", "http://user:pw@a.test/x", "a.test"),
        ("http://Müller.test/x", "http://xn--mller-kva.test/x", "xn--mller-kva.test"),
    ],
)
def test_an_address_has_one_spelling(given, kept, host):
    assert address(given) == (kept, host)
    assert address(kept) == (kept, host)


FOLDERS = ("/srv/photos", "s3://shop/photos/")


@pytest.mark.parametrize(
    ("given", "kept", "host"),
    [
        ("a b/1.jpg", "file:///srv/photos/a%20b/1.jpg", "file://"),
        ("./a/../1.jpg", "file:///srv/photos/1.jpg", "file://"),
        ("/srv/photos/größe.jpg", "file:///srv/photos/gr%C3%B6%C3%9Fe.jpg", "file://"),
        ("file:///srv/photos/1.jpg", "file:///srv/photos/1.jpg", "file://"),
        ("S3://shop/photos/Key#1.jpg", "s3://shop/photos/Key#1.jpg", "s3://shop"),
        ("https://a.test/1.jpg", "https://a.test/1.jpg", "a.test"),
    ],
)
def test_pictures_may_be_in_folders_that_the_settings_name(given, kept, host):
    assert address(given, (), FOLDERS) == (kept, host)
    assert address(kept, (), FOLDERS) == (kept, host)


@pytest.mark.parametrize("folders", [(), FOLDERS])
@pytest.mark.parametrize(
    "given",
    [
        "/etc/passwd",
        "../secret.jpg",
        "a/../../secret.jpg",
        "/srv/photos",
        "/srv/photos2/1.jpg",
        "file:///srv/photos/%2e%2e/secret.jpg",
        "file://other/srv/photos/1.jpg",
        "s3://shop/photos/../secret.jpg",
        "s3://shop/photos2/1.jpg",
        "s3://other/photos/1.jpg",
        "s3://key@shop/photos/1.jpg",
        "gs://shop/photos/1.jpg",
        "memory://shop/photos/1.jpg",
        "file:relative.jpg",
    ],
)
def test_other_files_and_buckets_are_refused(given, folders):
    with pytest.raises(ValueError):
        address(given, (), folders)


@pytest.mark.parametrize(
    "given",
    [
        "",
        "photo.jpg",
        "/photos/1.jpg",
        "data:image/png;base64,AAAA",
        "javascript:alert(1)",
        "file:///etc/passwd",
        "https://",
        "https:///x",
        "http://[1::/x",
        "http://a.test:x/",
        "http://a b/",
        "http://a.test:99999/",
        "https://a.test/" + "a" * 2_500,
        "https://a.test/" + "ö" * 1_000,
    ],
)
def test_what_is_no_address_is_refused(given):
    with pytest.raises(ValueError):
        address(given)


def test_rewrites_apply_in_order_before_the_spelling():
    rules = [
        Rewrite(pattern=r"/w_\d+,c_fill/", replacement="/"),
        Rewrite(pattern=r"^http:", replacement="https:"),
        Rewrite(pattern=r"(\w+)\.jpg$", replacement=r"\1_full.jpg"),
    ]
    assert address("http://a.test/w_60,c_fill/1.jpg", rules)[0] == "https://a.test/1_full.jpg"


@pytest.mark.slow
@given(st.text(max_size=40), st.sampled_from(["https://a.test/", "http://", "//", ""]))
def test_a_kept_address_stays_as_it_is_and_is_ascii(text, start):
    try:
        kept, host = address(start + text)
    except ValueError:
        return
    assert kept.isascii()
    assert address(kept) == (kept, host)
