import io
import json

import pytest
from click.testing import CliRunner
from PIL import Image

from shelfsort.cli.labels.command import labels
from shelfsort.core.errors import InputError


@pytest.fixture
def tree(tmp_path):
    def write(*paths):
        path = tmp_path / "tree.txt"
        path.write_text("".join(f"{each}\n" for each in paths))
        return path

    return write


def run(*arguments):
    return CliRunner().invoke(labels, ["template", *map(str, arguments)])


def written(tmp_path, *arguments):
    result = run(*arguments, "--output", tmp_path / "page")
    assert result.exception is None, result.exception
    return (tmp_path / "page").read_text()


def test_a_guide_puts_definitions_and_small_pictures_into_the_page(tmp_path, tree):
    picture = io.BytesIO()
    Image.new("RGB", (2000, 1000), "teal").save(picture, "JPEG")
    (tmp_path / "boot.jpg").write_bytes(picture.getvalue())
    guide = tmp_path / "guide.yaml"
    guide.write_text("Shoes > Boots:\n  about: Cover\n    the ankle.\n  examples: [boot.jpg]\n")
    page = written(tmp_path, tree("Shoes > Boots", "Hats"), "--guide", guide)
    assert '"about":"Cover the ankle."' in page
    assert page.count("data:image/jpeg;base64,") == 1
    assert len(page) < 40_000


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("\nSocks: {about: x}", ":2: no category 'Socks'"),
        ("Hats: text", ":1: no guide"),
        ("Hats: {aboutt: x}", ":1: no guide"),
        ("Hats: {about: [x]}", ":1: about is no text"),
        ("Hats: {examples: [a, b, c, d]}", ":1: examples is no list of 1 to 3"),
        ("Hats: {examples: [none.jpg]}", ":1: none.jpg: cannot be read"),
        ("Hats: {examples: [tree.txt]}", ":1: tree.txt: is no picture"),
    ],
)
def test_a_wrong_guide_is_refused_with_its_line(tmp_path, tree, text, said):
    guide = tmp_path / "guide.yaml"
    guide.write_text(text)
    result = run(tree("Shoes > Boots", "Hats"), "--guide", guide, "--output", tmp_path / "page")
    assert isinstance(result.exception, InputError)
    assert str(result.exception).startswith(f"{guide}{said}")


def test_a_tree_that_does_not_fit_goes_to_files_of_its_own(tmp_path, tree, memory_bucket):
    large = tree(
        *(f"Group {a} > A rather long name of a category {b}" for a in range(40) for b in range(60))
    )
    refused = run(large, "--output", tmp_path / "page")
    assert "Ground Truth takes 128,000" in str(refused.exception)
    assert not (tmp_path / "page").exists()
    folder = tmp_path / "files"
    page = written(tmp_path, large, "--tree-files", folder)
    files = sorted(folder.iterdir())
    assert page.count('grant_read_access }}"></a>') == len(files) > 1
    beneath = {}
    for each in files:
        beneath |= json.loads(each.read_text())
    assert sum(map(len, beneath.values())) == 2400
    again = run(large, "--tree-files", folder, "--output", tmp_path / "page")
    assert "has files already" in str(again.exception)


def test_a_top_level_that_does_not_fit_is_refused_and_nothing_written(tmp_path, tree):
    flat = tree(*(f"A rather long name of a category, number {n}" for n in range(3000)))
    result = run(flat, "--tree-files", tmp_path / "files", "--output", tmp_path / "page")
    assert "Ground Truth takes 128,000" in str(result.exception)
    assert not (tmp_path / "files").exists()


@pytest.mark.parametrize("fields", ["colour", "price", ""])
def test_only_known_fields_can_be_shown(tmp_path, tree, fields):
    result = run(
        tree("A", "B"), "--for", "label-studio", "--fields", fields, "--output", tmp_path / "c.xml"
    )
    assert isinstance(result.exception, InputError)


def test_label_studio_takes_a_tree_of_any_size_in_one_piece(tmp_path, tree):
    text = written(tmp_path, tree("A > B", "C"), "--for", "label-studio", "--fields", "title")
    assert text.count("<Choice ") == 4
    result = run(
        tree("A"), "--for", "label-studio", "--tree-files", "x", "--output", tmp_path / "d.xml"
    )
    assert "only for Ground Truth" in str(result.exception)


@pytest.mark.parametrize("target", ["ground-truth", "label-studio"])
@pytest.mark.parametrize("character", ["\x00", "\x1b", "\x01", "\ufffe", "\udcff"])
def test_a_character_that_xml_cannot_hold_is_refused_and_named(tmp_path, tree, target, character):
    page, guide = tmp_path / "page", tmp_path / "guide.yaml"
    guide.write_text(f'Hats: {{about: "a{ascii(character)[1:-1]}b"}}\n')
    common = ["--for", target, "--output", page]
    cases = {
        "--question": ["--question", f"a{character}b"],
        "--instructions": ["--instructions", f"a{character}b"],
        "guide.yaml": ["--guide", guide],
    }
    for named, arguments in cases.items():
        result = run(tree("Hats", "Mugs"), *common, *arguments)
        assert isinstance(result.exception, InputError), result.exception
        assert f"{named}: " in str(result.exception)
        assert repr(character) in str(result.exception)
        assert not page.exists()


def test_a_name_of_a_category_that_xml_cannot_hold_is_refused(tmp_path, tree):
    result = run(tree("Ha\x1bts", "Mugs"), "--output", tmp_path / "page")
    assert isinstance(result.exception, InputError)
    assert r"tree.txt: 'Ha\x1bts' holds '\x1b'" in str(result.exception)


def test_empty_fields_are_quoted(tmp_path, tree):
    arguments = ["--for", "label-studio", "--fields", "", "--output", tmp_path / "page"]
    assert "--fields '': " in str(run(tree("Hats", "Mugs"), *arguments).exception)


def test_a_tree_that_label_studio_shows_slowly_or_not_at_all_is_told_of(tmp_path, tree):
    config = tmp_path / "config.xml"

    def said(categories):
        path = tree(*(f"Shelf {number}" for number in range(categories)))
        return run(path, "--for", "label-studio", "--output", config)

    # "cannot tell" and an image that does not load are no categories.
    assert "shelfsort label" not in said(2_999).output
    assert "shelfsort label" in said(3_000).output
    before = config.read_text()
    refused = str(said(30_001).exception)
    assert "tree.txt: has 30,001 categories" in refused and "shelfsort label" in refused
    assert config.read_text() == before
