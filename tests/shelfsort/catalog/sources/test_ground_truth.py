"""Products of a manifest that goes to Ground Truth."""

from shelfsort.catalog.rows import SourceRow
from shelfsort.catalog.sources.ground_truth import GroundTruthSettings

MANIFEST = """{"source-ref": "s3://shop/1.jpg", "id": "a", "title": "Mug", "price": "$5"}
{"source-ref": "photos/2.jpg"}
{"source": "A blue mug"}
{"source-ref": "s3://shop/4.jpg", "id": "d", "shape": 1, "shape-metadata": {"class-name": "mug"}}
no json
{"id": "e"}
"""


def test_lines_become_products_with_their_picture_and_others_are_rejected(tmp_path):
    (tmp_path / "in.manifest").write_text(MANIFEST)
    source = GroundTruthSettings(name="s", folder=str(tmp_path), files="in.manifest").open()
    page, last = source.pages("", "")
    assert page.rows[0] == SourceRow(
        id="a", title="Mug", price=5.0, image_urls=("s3://shop/1.jpg",)
    )
    assert [row.image_urls for row in page.rows[1:]] == [
        (f"{tmp_path}/photos/2.jpg",),
        (),
        ("s3://shop/4.jpg",),
    ]
    assert (page.rows[1].id, page.rows[2].description) == ("photos/2.jpg", "A blue mug")
    assert [(each.place, each.reason, each.id) for each in page.rejects] == [
        ("in.manifest:5", "not_json", ""),
        ("in.manifest:6", "no_content", "e"),
    ]
    assert [each.unchanged for each in source.pages("", last.state)] == [True]
    (rest,) = source.pages(page.cursor, "")
    assert rest.rows == ()
