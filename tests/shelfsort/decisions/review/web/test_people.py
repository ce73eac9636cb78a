"""Who may open the page."""

import csv

import pytest

from shelfsort.core.errors import InputError
from shelfsort.decisions.review.web.people import (
    People,
    lacks,
    read_reviewers,
    with_new,
    write_people,
)

NOBODY = People({}, frozenset())


def test_people_get_tokens_in_a_file_that_its_owner_alone_reads(tmp_path):
    file = tmp_path / "people.csv"
    people = with_new(NOBODY, ["Ann"], ["Lea"])
    write_people(file, people, "http://127.0.0.1:8011")
    assert file.stat().st_mode & 0o777 == 0o600
    rows = list(csv.DictReader(file.open()))
    assert [(row["name"], row["role"]) for row in rows] == [("Ann", "reviewer"), ("Lea", "lead")]
    assert rows[0]["link"] == f"http://127.0.0.1:8011/?token={rows[0]['token']}"
    assert read_reviewers(file) == people
    assert with_new(read_reviewers(file), ["Bob"], []).tokens["Ann"] == people.tokens["Ann"]


def test_a_file_of_names_is_enough(tmp_path):
    file = tmp_path / "people.csv"
    file.write_text("name,role,token\nAnn,,\n\nLea,Lead,\n")
    people = read_reviewers(file)
    assert (list(people.tokens), people.leads) == (["Ann", "Lea"], {"Lea"})
    assert len(set(people.tokens.values())) == 2


def test_what_is_wrong_with_a_file_of_people_is_one_line(tmp_path):
    file = tmp_path / "people.csv"
    file.write_text("name,role,token\nAnn,boss,\n")
    with pytest.raises(InputError, match=r"people\.csv:2: 'boss' is no role"):
        read_reviewers(file)
    with pytest.raises(InputError, match="'Ann': is in the file"):
        with_new(People({"Ann": "x" * 16}, frozenset()), ["Ann"], [])


def test_what_people_cannot_do_together_is_said():
    assert "nobody is a lead" in lacks(with_new(NOBODY, ["Ann", "Bob"], []), {"refuse"})
    assert "one person alone" in lacks(with_new(NOBODY, [], ["Lea"]), {"refuse"})
    assert lacks(with_new(NOBODY, [], ["Lea"]), ()) == ""
    assert lacks(with_new(NOBODY, ["Ann"], ["Lea"]), {"refuse"}) == ""
