import pytest

from components.manifest_example_gen.input_validation import (
    RejectTally,
    refuse_empty_splits,
    refuse_unusable,
)
from shelfsort.core.errors import InputError
from shelfsort.products.manifest.rejects import Reject
from tests.fixtures.golden import refusal


def tally(lines, *rejects):
    result = RejectTally(lines)
    for line, reason in rejects:
        result.add(Reject(line, "", reason, f"detail {line}", "", file="m"))
    return result


def test_a_share_at_the_limit_is_borne_and_above_it_is_not():
    two_of_ten = tally(10, (3, "not_json"), (8, "not_json"))
    refuse_unusable("m", two_of_ten, ["a", "b"], 0.2)
    with pytest.raises(
        InputError, match=r"^m:3: 20\.0% .* 10 .* 19\.0% \(not_json 2 from line 3\)"
    ):
        refuse_unusable("m", two_of_ten, ["a", "b"], 0.19)


def test_reasons_are_listed_most_frequent_first_and_the_rest_summed():
    rejects = [(n, f"reason{n % 5}") for n in range(1, 12)]
    with pytest.raises(InputError, match=r"\(reason1 3 from line 1, .*other 2\)"):
        refuse_unusable("m", tally(20, *rejects), ["a", "b"], 0.1)


def test_every_line_rejected_gives_the_first_detail_even_when_all_is_borne():
    with pytest.raises(InputError, match=r"^m:1: .*\(not_json 1 .*no_content 1 .*: detail 1"):
        refuse_unusable("m", tally(2, (2, "not_json"), (1, "no_content")), [], 1.0)


def test_unlabelled_lines_do_not_count_towards_the_share_that_stops_a_run():
    unlabelled = [(n, "missing_label") for n in range(3, 42)]
    refuse_unusable("m", tally(61, *unlabelled), ["a", "b"], 0.0)
    with pytest.raises(InputError, match=r"^m:1: 9\.1% of 22 .*\(not_json 2 from line 1\)"):
        refuse_unusable("m", tally(61, (1, "not_json"), (2, "not_json"), *unlabelled), "ab", 0.05)


@pytest.mark.parametrize(
    ("reason", "remedy"),
    [
        ("unknown_label", "taxonomy"),
        ("unsupported_image_format", "images"),
        ("rare_category", "minimum"),
        ("not_json", "example"),
        ("missing_label", "label_attribute"),
    ],
)
def test_the_remedy_fits_the_most_frequent_reason(reason, remedy):
    with pytest.raises(InputError) as refused:
        refuse_unusable("m", tally(2, (1, reason), (2, reason)), [], 1.0)
    named = {"taxonomy", "images", "minimum", "example", "label_attribute"}
    said = str(refused.value).rpartition("detail 1")[2]
    assert {word for word in named if word in said} == {remedy}


def test_one_category_or_none_is_refused():
    for categories, named in ((["a"], "'a'"), ([], "no category")):
        with pytest.raises(InputError, match=f"^m: .*{named}"):
            refuse_unusable("m", tally(1), categories, 0.2)


def test_an_empty_split_is_refused_by_name():
    refuse_empty_splits("m", ["train", "eval"], {"train": 1, "eval": 1})
    with pytest.raises(InputError, match=r"^m: .* 5 .*'eval'.*data\.splits"):
        refuse_empty_splits("m", ["train", "eval"], {"train": 5})


def test_with_several_files_each_reason_names_the_file_of_its_first_line():
    rejects = RejectTally(10)
    for file, line, reason in (
        ("b", 1, "not_json"),
        ("a", 7, "no_content"),
        ("b", 9, "no_content"),
    ):
        rejects.add(Reject(line, "", reason, "", "", file=f"in/{file}"))
    with pytest.raises(
        InputError, match=r"in/a:7: .*no_content 2 from line 7 of a, not_json 1 from line 1 of b"
    ):
        refuse_unusable("in", rejects, ["a", "b"], 0.2)


def test_golden_input_validation_errors(golden):
    two_of_ten = tally(10, (3, "not_json"), (8, "not_json"))
    lines = [
        refusal(InputError, refuse_unusable, "m", tally(1, (1, "no_content")), [], 1.0),
        refusal(InputError, refuse_unusable, "m", two_of_ten, ["a", "b"], 0.19),
        refusal(InputError, refuse_unusable, "m", tally(1), ["a"], 0.2),
        refusal(InputError, refuse_unusable, "m", tally(1), [], 0.2),
        refusal(InputError, refuse_unusable, "m", tally(7), [], 0.2, 7),
        refusal(InputError, refuse_empty_splits, "m", ["train", "eval"], {"train": 5}),
    ]
    golden("input_validation_errors.txt", lines)
