import pytest

from shelfsort.core.errors import InputError
from shelfsort.products.tables.columns import parse_columns, recognise


def test_columns_are_recognised_without_case_blanks_and_punctuation():
    names = ["SKU", "product_name", "Long Description", "Retail-Price", "imageUrl", "Label", "Size"]
    found = recognise("p.csv", names, {})
    assert found.of == {
        "id": "SKU",
        "title": "product_name",
        "description": "Long Description",
        "price": "Retail-Price",
        "image": "imageUrl",
        "category": "Label",
    }
    assert found.unused == ("Size",)


def test_the_best_known_name_wins_and_a_named_column_wins_over_all():
    names = ["name", "title", "label", "category", "class"]
    assert recognise("p.csv", names, {}).of == {"title": "title", "category": "category"}
    named = recognise("p.csv", names, {"title": "name"}, label_attribute="class")
    assert named.of == {"title": "name", "category": "class"}


def test_a_column_that_is_named_for_one_field_is_not_recognised_for_another():
    assert recognise("p.csv", ["text", "label"], {"title": "text"}).of == {
        "title": "text",
        "category": "label",
    }


def test_the_command_lines_columns_are_parsed():
    assert parse_columns("title=Product Name, image=Photo") == {
        "title": "Product Name",
        "image": "Photo",
    }


def test_columns_that_are_given_twice_are_joined():
    assert parse_columns("title=A,price=P", "image=B") == {"title": "A", "price": "P", "image": "B"}
    assert parse_columns() == {}
    with pytest.raises(InputError, match="FIELD=COLUMN"):
        parse_columns("title=A", "title=B")


@pytest.mark.parametrize(
    "text", ["", "colour=A", "title", "=x", "title=", "title=a,title=b", "title=a,,"]
)
def test_other_columns_of_the_command_line_are_refused(text):
    with pytest.raises(InputError, match=r"FIELD=COLUMN|no field 'colour'"):
        parse_columns(text)


@pytest.mark.parametrize(
    ("named", "message"),
    [
        ({"title": "Names"}, r"no column 'Names'; nearest: 'Name'"),
        ({"name": "Name"}, r"no field 'name'.*title"),
    ],
)
def test_an_unknown_column_or_field_is_refused_with_what_there_is(named, message):
    with pytest.raises(InputError, match=message):
        recognise("p.csv", ["Name"], named)
