import json

import pytest
from click.testing import CliRunner

from shelfsort.cli.labels.command import labels
from shelfsort.core.errors import InputError
from shelfsort.products.manifest.lines import Line
from shelfsort.products.manifest.parsing import parse_record, read_record

HOSTILE = '"It\'s" <b>& 🙂 {{ x }}'
ROWS = [
    {"sku": "1", "name": "Mug", "price": "$4.50", "image": "a/1.jpg", "category": "Mugs"},
    {"sku": "2", "name": "Tote", "price": "", "image": "", "category": ""},
    {"sku": "3", "name": "", "price": "", "image": "", "category": "Mugs"},
    {"sku": "2", "name": "Again", "price": "", "image": "", "category": ""},
]


@pytest.fixture
def catalogue(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a/1.jpg").write_bytes(b"picture")
    path = tmp_path / "products.csv"
    head = ",".join(ROWS[0])
    path.write_text("\n".join([head, *(",".join(row.values()) for row in ROWS)]) + "\n")
    return path


def run(*arguments, **settings):
    return CliRunner().invoke(labels, ["manifest", *map(str, arguments)], **settings)


def written(output, *arguments):
    result = run(*arguments, "--output", output)
    assert result.exception is None, result.exception
    return [json.loads(line) for line in output.read_text().splitlines()], result.output


def lines(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_a_catalogue_becomes_unlabelled_lines_and_the_rest_is_counted(tmp_path, catalogue):
    out, said = written(tmp_path / "input.manifest", catalogue)
    assert out == [
        {"source-ref": str(tmp_path / "a/1.jpg"), "id": "1", "title": "Mug", "price": 4.5},
        {"id": "2", "title": "Tote", "source": "Tote"},
    ]
    assert "no_content: 1" in said
    assert "repeated_id: 1" in said
    assert "images on this machine: 1" in said


def test_ids_that_are_paths_are_counted_as_they_may_tell_the_category(tmp_path):
    for name in ("Bowls/1.png", "Bowls/2.png", "Mugs/1.png"):
        (tmp_path / "cat" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "cat" / name).write_bytes(b"picture")
    _, said = written(tmp_path / "input.manifest", tmp_path / "cat")
    assert "ids that are paths: 3" in said
    rows = [{"id": "1", "source-ref": "cat/Bowls/1.png"}]
    own = lines(tmp_path / "own.manifest", rows)
    assert "ids that are paths" not in written(tmp_path / "other.manifest", own)[1]


def test_only_chosen_fields_are_written_and_no_label_or_gold(tmp_path):
    data = lines(
        tmp_path / "old.manifest",
        [
            {
                "id": "p",
                "title": HOSTILE,
                "description": "words",
                "price": 3,
                "gold": "A",
                "shelf": {"workers": [{"worker_id": "w", "label": "A"}]},
                "shelf-metadata": {"type": "groundtruth/custom"},
                "secret": "x",
            }
        ],
    )
    out, _ = written(tmp_path / "new.manifest", data, "--fields", "title")
    assert [set(line) for line in out] == [{"id", "title", "source"}]


def test_a_line_without_an_image_is_read_back_as_the_same_product(tmp_path):
    data = lines(
        tmp_path / "d.jsonl",
        [{"id": "p", "title": "T"}, {"id": "q", "description": "D"}],
    )
    out, _ = written(tmp_path / "new.manifest", data)
    read = [parse_record(read_record(Line(1, json.dumps(line).encode())), "") for line in out]
    assert [(each.product.title, each.product.description) for each in read] == [
        ("T", ""),
        ("", "D"),
    ]


def test_options_with_lists_count_each_time_they_are_given(tmp_path):
    table = tmp_path / "p.csv"
    table.write_text("number,words,more\n7,Mug,Blue\n")
    columns = ["--columns", "id=number", "--columns", "title=words,description=more"]
    fields = ["--fields", "title", "--fields", "description"]
    out, _ = written(tmp_path / "a.manifest", table, *columns, *fields)
    assert out == [{"id": "7", "title": "Mug", "description": "Blue", "source": "Mug"}]


@pytest.mark.parametrize("id_", [["1"], {"id": "1"}, True, 1.5])
def test_what_is_no_id_in_a_list_of_ids_is_refused_with_its_line(tmp_path, catalogue, id_):
    only = lines(tmp_path / "only.jsonl", [{"id": 1}, {"id": id_}])
    result = run(catalogue, "--only", only, "--output", tmp_path / "a.manifest")
    assert isinstance(result.exception, InputError)
    assert f"{only}:2: " in str(result.exception)


def test_a_list_of_ids_chooses_and_what_it_says_of_the_choice_is_kept(tmp_path, catalogue):
    ids = tmp_path / "ids.txt"
    ids.write_text("2\nunknown\n\n")
    out, said = written(tmp_path / "a.manifest", catalogue, "--only", ids)
    assert [line["id"] for line in out] == ["2"]
    assert "not_chosen: 1" in said
    assert "such as unknown" in said
    queue = lines(
        tmp_path / "queue.jsonl",
        [{"id": "1", "selected-by": "least-sure", "selection-probability": 0.5, "score": 0.1}],
    )
    out, _ = written(tmp_path / "b.manifest", catalogue, "--only", queue)
    assert out[0]["selected-by"] == "least-sure"
    assert out[0]["selection-probability"] == 0.5
    assert "score" not in out[0]
    again, _ = written(tmp_path / "c.manifest", tmp_path / "b.manifest")
    assert again == out


def test_a_folder_of_photos_without_folders_will_do(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in ("b.jpg", "a.png", "notes.md"):
        (folder / name).write_bytes(b"x")
    out, _ = written(tmp_path / "input.manifest", folder)
    assert [(line["id"], line["source-ref"]) for line in out] == [
        ("a.png", str(folder / "a.png")),
        ("b.jpg", str(folder / "b.jpg")),
    ]


def test_images_are_copied_once_and_never_over_others(tmp_path, catalogue, memory_bucket):
    place = f"{memory_bucket}/images"
    out, said = written(tmp_path / "a.manifest", catalogue, "--copy-images", place)
    assert out[0]["source-ref"] == f"{place}/a/1.jpg"
    assert "images copied: 1" in said
    written(tmp_path / "b.manifest", catalogue, "--copy-images", place)
    (tmp_path / "a/1.jpg").write_bytes(b"another picture")
    result = run(catalogue, "--copy-images", place, "--output", tmp_path / "c.manifest")
    assert "is another file" in str(result.exception)


def test_nothing_is_written_over(tmp_path, catalogue):
    place = tmp_path / "input.manifest"
    written(place, catalogue)
    result = run(catalogue, "--output", place)
    assert isinstance(result.exception, InputError)
    assert "is there already" in str(result.exception)


def test_label_studio_gets_a_file_for_each_project_with_every_field(tmp_path, catalogue):
    arguments = ("--for", "label-studio", "--copies", "2", "--image-url", "/data/?d=")
    result = run(catalogue, *arguments, "--output", tmp_path / "tasks.json")
    assert result.exception is None, result.exception
    one, two = (json.loads((tmp_path / f"tasks-{n}.json").read_text()) for n in (1, 2))
    assert one == two
    assert [task["data"] for task in one] == [
        {
            "id": "1",
            "image": "/data/?d=a/1.jpg",
            "title": "Mug",
            "description": "",
            "price": 4.5,
        },
        {"id": "2", "image": "", "title": "Tote", "description": "", "price": ""},
    ]


def test_a_line_over_the_limit_is_left_out(tmp_path):
    rows = [{"id": "p", "title": "ß" * 20_000, "description": "漢" * 20_000}, {"title": "T"}]
    data = lines(tmp_path / "d.jsonl", rows)
    out, said = written(tmp_path / "input.manifest", data)
    assert len(out) == 1
    assert "line_over_100_kb: 1" in said


def test_before_strangers_see_it_a_person_confirms_and_addresses_are_left_out(tmp_path):
    rows = [{"title": "Mug"}, {"title": "Call +44 20 7946 0958"}, {"title": "me@example.org"}]
    data = lines(tmp_path / "d.jsonl", rows)
    place = tmp_path / "input.manifest"
    refused = run(data, "--public", "--output", place, input="n\n")
    assert refused.exit_code == 1
    assert not place.exists()
    out, said = written(place, data, "--public", "--no-personal-data")
    assert [line["title"] for line in out] == ["Mug"]
    assert "personal_data: 2" in said
