import pytest
from hypothesis import given
from hypothesis import strategies as st

from shelfsort.core.errors import InputError
from shelfsort.products.groups import group_id, group_key, normalised
from shelfsort.products.splits import Splits

SHARES = {"train": 80, "calibration": 10, "eval": 10}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Puma Backpack  Black", "puma backpack black"),
        ("Jean's – 501™", "JEAN S 501tm"),
        ("Straße", "STRASSE"),
        ("ﬁne shirt", "fine_shirt"),
    ],
)
def test_titles_that_differ_in_form_only_are_one_group(one, other):
    assert group_key(one, b"i1", "") == group_key(other, b"i2", "x")


def test_without_a_title_the_picture_decides_and_then_the_description():
    assert group_key("", b"abc", "x") == group_key("!!!", b"abc", "y")
    assert group_key("", b"abc", "x") != group_key("", b"abd", "x")
    assert group_key("", b"", "Some words") == "description:some words"


def test_a_title_and_a_picture_of_the_same_name_are_different_groups():
    assert group_key("abc", b"", "") != group_key("", b"abc", "")


@given(st.text())
def test_normalising_twice_changes_nothing(text):
    assert normalised(normalised(text)) == normalised(text)


def test_known_keys_stay_in_their_split_from_release_to_release():
    splits = Splits(SHARES)
    found = [splits.split_of(f"title:product {n}") for n in range(24)]
    assert "".join(each[0] for each in found) == "tttttttttetttetttttctttt"


def test_shares_are_kept_within_sampling_error():
    splits = Splits(SHARES)
    found = [splits.split_of(f"title:product {n}") for n in range(20_000)]
    for name, share in SHARES.items():
        # Four standard deviations of a binomial share.
        tolerance = 4 * (share / 100 * (1 - share / 100) / 20_000) ** 0.5
        assert abs(found.count(name) / 20_000 - share / 100) < tolerance


def test_shares_need_not_add_up_to_a_hundred():
    splits = Splits({"train": 1, "eval": 1})
    assert {splits.split_of(str(n)) for n in range(50)} == {"train", "eval"}


@pytest.mark.parametrize(
    ("shares", "named"),
    [
        ({}, ""),
        ([], ""),
        ({"train": 0}, ".*'train'.* 0"),
        ({"train": -1}, ".*'train'.* -1"),
        ({"train": 0.8}, ".*'train'.* 0.8"),
        ({"train": True}, ".*'train'.* True"),
        ({"../x": 1}, ".*'../x'"),
    ],
)
def test_impossible_shares_are_refused(shares, named):
    with pytest.raises(InputError, match=f"^splits: {named}"):
        Splits(shares)


def test_variants_of_one_title_have_one_group_and_other_products_their_own():
    keys = [
        group_key(title, b"", "") for title in ("Tote bag, BLUE", "tote bag blue", "Tote bag red")
    ]
    ids = [group_id(key) for key in keys]
    assert ids[0] == ids[1] != ids[2]
    assert all(-(2**63) <= each < 2**63 for each in ids)
