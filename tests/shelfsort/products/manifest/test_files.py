import pytest

from components.manifest_example_gen.preflight import check
from components.manifest_example_gen.settings import DataConfig
from shelfsort.core.errors import InputError
from shelfsort.core.files import write_text
from shelfsort.products.manifest.files import are_of, find_spans


@pytest.fixture
def inbox(tmp_path):
    folder = tmp_path / "inbox"
    folder.mkdir()
    for name in ("10.manifest", "09.manifest", "notes.txt", "_11.manifest", ".12.manifest"):
        (folder / name).write_text("x")
    (folder / "13.manifest.part").write_text("x")
    (folder / "14.manifest").mkdir()
    return folder


def names(spans):
    return [span.rsplit("/", 1)[-1] for span in spans]


def test_a_folders_complete_manifests_are_its_spans_in_the_order_of_their_names(inbox):
    assert names(find_spans(str(inbox))) == ["09.manifest", "10.manifest"]
    assert names(find_spans(f"{inbox}/")) == ["09.manifest", "10.manifest"]


def test_a_pattern_chooses(inbox):
    assert names(find_spans(f"{inbox}/1*.manifest")) == ["10.manifest"]
    assert names(find_spans(f"{inbox}/*")) == [
        "09.manifest",
        "10.manifest",
        "13.manifest.part",
        "notes.txt",
    ]


def test_a_file_is_the_only_span_even_with_brackets_in_its_name(tmp_path):
    path = tmp_path / "labels [1].manifest"
    path.write_text("x")
    assert find_spans(str(path)) == (str(path),)


def test_a_missing_file_is_left_to_whoever_reads_it():
    assert find_spans("/nowhere/labelled.manifest") == ("/nowhere/labelled.manifest",)


@pytest.mark.parametrize("name", ["", "/*.manifest", "/2026-??.manifest"])
def test_a_folder_or_pattern_without_a_complete_manifest_is_refused(tmp_path, name):
    (tmp_path / "_half.manifest").write_text("x")
    with pytest.raises(InputError, match=r"no complete manifest is there.*half written"):
        find_spans(f"{tmp_path}{name}")


@pytest.mark.parametrize(
    ("manifest", "theirs"),
    [
        ("/in/1.manifest", True),
        ("/in", True),
        ("/in/", True),
        ("/in/*.manifest", True),
        ("/in/2.manifest", False),
        ("/i", False),
        ("/in/*.jsonl", False),
        ("/other", False),
    ],
)
def test_files_are_told_to_be_of_a_manifest_or_not(manifest, theirs):
    assert are_of(["/in/1.manifest"], manifest) is theirs


def test_spans_of_an_object_store_are_found(memory_bucket):
    for name in ("2.manifest", "_3.manifest", "1.manifest", "notes.txt"):
        write_text(f"{memory_bucket}/in/{name}", "x")
    expected = (f"{memory_bucket}/in/1.manifest", f"{memory_bucket}/in/2.manifest")
    for manifest in ("in", "in/", "in/*.manifest"):
        assert find_spans(f"{memory_bucket}/{manifest}") == expected


def test_a_store_that_cannot_be_asked_is_told_in_one_line():
    with pytest.raises(InputError, match=r"nostore://b/\*.manifest: cannot be listed"):
        find_spans("nostore://b/*.manifest")


@pytest.fixture
def spans(catalogue, make_line):
    """Writes one file: {id: label}."""

    def write(name, **labels):
        for id_, label in labels.items():
            catalogue.add(make_line([label], id=id_, title=f"thing {id_}"))
        catalogue.manifest = str(catalogue.folder / name)
        catalogue.write()
        catalogue.lines = []
        return str(catalogue.folder)

    return write


def test_a_later_answer_is_no_reject_and_a_repetition_within_a_file_is(spans, catalogue, make_line):
    spans("1.manifest", a="shoes", b="shirts")
    catalogue.add(make_line(["shoes"], id="b", title="thing b"))
    folder = spans("2.manifest", b="trousers")
    found = check(folder, catalogue.taxonomy, DataConfig(max_reject_share=0.5))
    assert names(found.spans) == ["1.manifest", "2.manifest"]
    assert (found.lines, found.rejected) == (4, 1)


def test_the_digest_goes_by_every_file_and_their_order(spans, catalogue):
    spans("1.manifest", a="shoes", b="shirts")
    folder = spans("2.manifest", b="shoes", c="shirts")
    both = check(folder, catalogue.taxonomy, DataConfig()).digest
    (catalogue.folder / "1.manifest").rename(catalogue.folder / "3.manifest")
    assert check(folder, catalogue.taxonomy, DataConfig()).digest != both
    first = check(f"{folder}/2.manifest", catalogue.taxonomy, DataConfig()).digest
    assert first not in (both, check(folder, catalogue.taxonomy, DataConfig()).digest)


def test_pictures_are_relative_to_their_own_files_folder(catalogue, make_line, make_picture):
    for day, colour in (("mon", (1, 1, 1)), ("tue", (2, 2, 2))):
        (catalogue.folder / day).mkdir()
        (catalogue.folder / day / "p.jpg").write_bytes(make_picture(colour=colour))
        for label in ("shoes", "shirts"):
            catalogue.add(make_line([label], id=day + label, **{"source-ref": "p.jpg"}))
        catalogue.manifest = str(catalogue.folder / day / "l.manifest")
        catalogue.write()
        catalogue.lines = []
    pattern = f"{catalogue.folder}/*/l.manifest"
    before = check(pattern, catalogue.taxonomy, DataConfig()).digest
    (catalogue.folder / "tue" / "p.jpg").write_bytes(make_picture(colour=(3, 3, 3)))
    assert check(pattern, catalogue.taxonomy, DataConfig()).digest != before


def test_an_empty_or_vanished_span_is_named_with_the_remedy(spans, catalogue):
    folder = spans("1.manifest", a="shoes", b="shirts")
    (catalogue.folder / "2.manifest").write_text("\n")
    with pytest.raises(InputError, match=r"2.manifest: the manifest is empty.*take it away"):
        check(folder, catalogue.taxonomy, DataConfig())
    gone = catalogue.folder / "1.manifest"
    gone.unlink()
    with pytest.raises(InputError, match=r"1.manifest: the manifest cannot be read \(No such file"):
        check(str(gone), catalogue.taxonomy, DataConfig())


def test_a_reject_names_its_file(spans, catalogue, make_line):
    spans("1.manifest", a="shoes", b="shirts")
    folder = spans("2.manifest", c="hats", d="hats")
    with pytest.raises(InputError, match=r"2.manifest:1: 50.0% of 4 lines are rejected"):
        check(folder, catalogue.taxonomy, DataConfig())
