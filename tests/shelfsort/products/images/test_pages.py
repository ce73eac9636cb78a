import io
import threading

import pytest
from PIL import Image

from shelfsort.products.images.pages import PageImages
from shelfsort.products.images.source import ImageSource
from shelfsort.products.manifest.rejects import RejectedLine


def png(colour):
    out = io.BytesIO()
    Image.new("RGB", (64, 64), colour).save(out, "PNG")
    return out.getvalue()


class Counting(ImageSource):
    """Counts what is read; addresses of a store give a picture, or what `answers` says."""

    def __init__(self, folder, roots=()):
        super().__init__(str(folder / "x.manifest"), ["s3://bucket", *roots])
        self.read_places, self.answers, self.wait = [], {}, threading.Event()
        self.wait.set()

    def read(self, location):
        self.read_places.append(location.rsplit("/", 1)[-1])
        assert self.wait.wait(10)
        answer = self.answers.get(location, png("red"))
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def source(tmp_path):
    return Counting(tmp_path)


def test_an_image_that_several_ask_for_is_read_once(source):
    images, shown = PageImages(), []
    source.wait.clear()
    people = [
        threading.Thread(target=lambda: shown.append(images.jpeg(source, "s3://bucket/a.png")))
        for _ in range(4)
    ]
    for each in people:
        each.start()
    source.wait.set()
    for each in people:
        each.join()
    assert source.read_places == ["a.png"]
    assert len(set(shown)) == 1
    assert Image.open(io.BytesIO(shown[0])).format == "JPEG"


def test_those_seen_last_are_kept_within_the_bound(source):
    names = [f"s3://bucket/{n}.png" for n in range(3)]
    size = len(PageImages().jpeg(source, names[0]))
    source.read_places.clear()
    images = PageImages(kept_bytes=2 * size)
    for name in (names[0], names[1], names[0], names[2], names[0], names[1]):
        images.jpeg(source, name)
    assert source.read_places == ["0.png", "1.png", "2.png", "1.png"]


def test_a_host_that_gave_no_image_is_asked_again_after_a_while_only(source):
    source.answers["s3://bucket/a.png"] = RejectedLine("missing_image", "status 404")
    images, hasty = PageImages(), PageImages(refused_s=0.0)
    for _ in range(2):
        for each in (images, hasty):
            with pytest.raises(RejectedLine, match="404"):
                each.jpeg(source, "s3://bucket/a.png")
    assert source.read_places == ["a.png"] * 3
    source.answers.clear()
    assert hasty.jpeg(source, "s3://bucket/a.png")
    with pytest.raises(RejectedLine, match="404"):
        images.jpeg(source, "s3://bucket/a.png")


def test_a_file_that_comes_later_is_shown_at_once(source, tmp_path):
    place = str(tmp_path / "a.png")
    source.answers[place] = RejectedLine("missing_image", "none")
    images = PageImages()
    with pytest.raises(RejectedLine):
        images.jpeg(source, "a.png")
    source.answers[place] = png("blue")
    assert images.jpeg(source, "a.png")


def test_what_is_kept_is_shown_to_nobody_who_may_not_read_it(tmp_path):
    inner = tmp_path / "inner"
    images, permitted, confined = PageImages(), Counting(inner, [str(tmp_path)]), Counting(inner)
    assert images.jpeg(permitted, "../a.png")
    with pytest.raises(RejectedLine) as refused:
        images.jpeg(confined, "../a.png")
    assert refused.value.reason == "path_outside_folder"
