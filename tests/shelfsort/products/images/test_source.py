import os

import pytest

from shelfsort.core import storage
from shelfsort.core.errors import InputError
from shelfsort.core.files import write_bytes
from shelfsort.core.http import DownloadError, TooLargeError
from shelfsort.products.images import source as source_module
from shelfsort.products.images.source import ImageSource
from shelfsort.products.manifest.rejects import RejectedLine
from tests.fixtures.golden import refusal


@pytest.fixture
def folder(tmp_path):
    inside = tmp_path / "catalogue"
    (inside / "images").mkdir(parents=True)
    (inside / "images" / "a.jpg").write_bytes(b"inside")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "a.jpg").write_bytes(b"outside")
    (tmp_path / "catalogue2").mkdir()
    (tmp_path / "catalogue2" / "a.jpg").write_bytes(b"neighbour")
    return inside


@pytest.fixture
def source(folder):
    return ImageSource(str(folder / "x.manifest"), max_bytes=10)


def read(source, reference):
    return source.read(source.locate(reference))


def reason_for(source, reference):
    with pytest.raises(RejectedLine) as caught:
        read(source, reference)
    return caught.value.reason


def test_relative_absolute_and_file_references_are_read(folder, source):
    absolute = folder / "images" / "a.jpg"
    for reference in ("images/a.jpg", "./images/../images/a.jpg", str(absolute), absolute.as_uri()):
        assert read(source, reference) == b"inside"


@pytest.mark.parametrize(
    "reference",
    [
        "../outside/a.jpg",
        "images/../../outside/a.jpg",
        "../catalogue2/a.jpg",
        "/etc/passwd",
        "file:///etc/passwd",
        "file://localhost/etc/%70asswd",
        "..",
        "/",
        "",
    ],
)
def test_references_out_of_the_folder_are_refused(source, reference):
    assert reason_for(source, reference) == "path_outside_folder"


def test_symbolic_links_out_of_the_folder_are_refused(folder, source):
    (folder / "link.jpg").symlink_to(folder.parent / "outside" / "a.jpg")
    (folder / "linked").symlink_to(folder.parent / "outside")
    assert reason_for(source, "link.jpg") == "path_outside_folder"
    assert reason_for(source, "linked/a.jpg") == "path_outside_folder"


def test_a_symbolic_link_within_the_folder_is_followed(folder, source):
    (folder / "link.jpg").symlink_to("images/a.jpg")
    assert read(source, "link.jpg") == b"inside"


def test_a_further_root_may_be_allowed(folder):
    source = ImageSource(str(folder / "x.manifest"), [str(folder.parent / "outside")])
    assert read(source, "../outside/a.jpg") == b"outside"
    assert reason_for(source, "../catalogue2/a.jpg") == "path_outside_folder"


@pytest.mark.parametrize("reference", ["images/none.jpg", "images", "images/a.jpg\0x", "x" * 300])
def test_what_is_not_a_file_is_missing(source, reference):
    assert reason_for(source, reference) == "missing_image"


def test_a_named_pipe_is_refused_without_waiting_for_it(folder, source):
    os.mkfifo(folder / "pipe")
    assert reason_for(source, "pipe") == "missing_image"


def test_a_file_above_the_limit_is_too_large(folder, source):
    (folder / "big").write_bytes(b"x" * 11)
    (folder / "fits").write_bytes(b"x" * 10)
    assert reason_for(source, "big") == "image_too_large"
    assert len(read(source, "fits")) == 10


@pytest.mark.parametrize(
    "reference",
    ["http://example.org/a.jpg", "https://example.org/a.jpg", "ftp://example.org/a.jpg",
     "data:image/png;base64,AAAA", "file://otherhost/a.jpg", "gopher://x/"],
)  # fmt: skip
def test_schemes_that_are_not_allowed_are_refused(source, reference):
    assert reason_for(source, reference) == "unsupported_scheme"


def test_object_store_addresses_below_a_root_are_kept_as_they_are(folder):
    source = ImageSource(str(folder / "x.manifest"), ["s3://bucket/images", "gs://other"])
    for address in ("s3://bucket/images/a b.jpg", "S3://bucket/images/%2e%2e/x", "gs://other/k"):
        assert source.locate(address) == address


@pytest.mark.parametrize(
    "address",
    ["s3://bucket/secret.jpg", "s3://bucket/images-2/a.jpg", "s3://bucket/images",
     "s3://bucket/images/../secret.jpg", "s3://bucket/images/./../secret.jpg", "s3://bucket",
     "s3://bucket2/images/a.jpg", "s3://BUCKET/images/a.jpg", "gs://bucket/images/a.jpg",
     "hdfs://bucket/images/a.jpg", "hdfs:///images/a.jpg", "s3:///bucket/images/a.jpg",
     "s3://user@bucket/images/a.jpg", "s3://bucket/images/a\0.jpg"],
)  # fmt: skip
def test_object_store_addresses_outside_the_roots_are_refused(folder, address):
    for roots in ([], ["s3://bucket/images/"], ["s3://bucket/images"]):
        source = ImageSource(str(folder / "x.manifest"), roots)
        assert reason_for(source, address) == "path_outside_folder"


def test_a_remote_manifest_may_name_addresses_below_its_own_folder_only():
    source = ImageSource("gs://bucket/catalogue/x.manifest")
    assert source.locate("gs://bucket/catalogue/a.jpg") == "gs://bucket/catalogue/a.jpg"
    for address in ("gs://bucket/a.jpg", "gs://bucket/catalogue2/a.jpg", "s3://bucket/catalogue/a"):
        with pytest.raises(RejectedLine, match="path_outside_folder"):
            source.locate(address)


def test_references_of_a_remote_manifest_stay_below_its_folder():
    source = ImageSource("gs://bucket/catalogue/x.manifest")
    assert source.locate("images/a.jpg") == "gs://bucket/catalogue/images/a.jpg"
    for reference in ("../a.jpg", "images/../../a.jpg", "/etc/passwd", "file:///etc/passwd"):
        with pytest.raises(RejectedLine, match="path_outside_folder"):
            source.locate(reference)


class Site:
    """Stands in for the web: answers, or says why not."""

    def __init__(self, answer):
        self._answer = answer

    def get(self, url):
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer + url.encode()


def test_an_image_on_the_web_is_fetched_where_that_is_allowed(folder):
    source = ImageSource(str(folder / "x.manifest"), allow_http=True)
    for reference in ("http://shop.test/a.jpg", "HTTPS://shop.test/a.jpg"):
        source._downloader = Site(b"from ")
        assert read(source, reference) == b"from " + reference.encode()


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (TooLargeError(10), "image_too_large"),
        (DownloadError("HTTP status 404", 404, kind="status"), "missing_image"),
    ],
)
def test_what_cannot_be_fetched_is_rejected_with_the_reason(folder, error, reason):
    source = ImageSource(str(folder / "x.manifest"), allow_http=True)
    source._downloader = Site(error)
    with pytest.raises(RejectedLine) as caught:
        read(source, "http://shop.test/a.jpg")
    assert (caught.value.reason, caught.value.detail) == (reason, str(error))


@pytest.mark.parametrize("scheme", ["http", "HTTP"])
def test_no_address_of_the_inner_network_is_fetched(folder, scheme):
    source = ImageSource(str(folder / "x.manifest"), allow_http=True)
    with pytest.raises(RejectedLine, match=r"127\.0\.0\.1") as caught:
        read(source, f"{scheme}://127.0.0.1:1/a.jpg")
    assert caught.value.reason == "missing_image"


def test_golden_image_source_rejects(folder, source, golden):
    (folder / "big").write_bytes(b"x" * 11)
    references = ["../outside/a.jpg", "images/none.jpg", "images/a.jpg\0x", "big"]
    references += ["http://example.org/a.jpg", "ftp://example.org/a.jpg", "file://otherhost/a.jpg"]
    lines = [refusal(RejectedLine, read, source, reference) for reference in references]
    remote = ImageSource("gs://bucket/catalogue/x.manifest")
    lines.append(refusal(RejectedLine, remote.locate, "../a.jpg"))
    golden("image_source_rejects.txt", lines)


def test_a_store_without_its_package_rejects_each_line_after_one_try(folder, monkeypatch):
    tried = []

    def missing(place):
        tried.append(place)
        raise InputError(f"{place}: s3:// needs a package. Run pip install 'shelfsort[aws]'.")

    monkeypatch.setattr(storage, "file_system", missing)
    source = ImageSource(str(folder / "x.manifest"), ["s3://bucket", "gs://bucket"])
    for key in ("a.jpg", "b.jpg"):
        with pytest.raises(RejectedLine, match=r"shelfsort\[aws\]") as caught:
            source.read(f"s3://bucket/{key}")
        assert caught.value.reason == "unreachable_store"
        with pytest.raises(RejectedLine):
            source.remote_state(f"s3://bucket/{key}")
    assert tried == ["s3://bucket/a.jpg"]


@pytest.mark.parametrize(
    "bucket", ["memory_bucket", pytest.param("s3_bucket", marks=pytest.mark.slow)]
)
def test_images_of_an_object_store_are_read_up_to_the_limit(request, bucket, monkeypatch):
    place = request.getfixturevalue(bucket)
    monkeypatch.setattr(source_module, "OBJECT_STORES", {"memory", "s3"})
    write_bytes(f"{place}/images/fits.jpg", b"x" * 10)
    write_bytes(f"{place}/images/big.jpg", b"x" * 11)
    write_bytes(f"{place}/images/empty.jpg", b"")
    source = ImageSource(f"{place}/x.manifest", max_bytes=10)
    assert read(source, "images/fits.jpg") == b"x" * 10
    assert read(source, f"{place}/images/empty.jpg") == b""
    assert reason_for(source, "images/big.jpg") == "image_too_large"
    assert reason_for(source, "images/none.jpg") == "missing_image"
