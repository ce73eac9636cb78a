"""The document of rates at which unknown products are noticed."""

import pytest

from shelfsort.contract.unknown import (
    LeftOut,
    UnknownRates,
    Withheld,
    rates_from_json,
    rates_to_json,
    withheld_from_json,
)
from shelfsort.core.errors import InputError

RATES = {
    "image": UnknownRates(
        0.05,
        (LeftOut("wear", "Wear", 80, 1.0),),
        (LeftOut("boots", "Wear > Boots", 40, 0.25), LeftOut("mugs", "Mugs", 20, 1.0)),
    )
}


def test_rates_are_read_back_and_averaged_over_parts():
    read = rates_from_json(rates_to_json(RATES))
    assert read == RATES
    assert (read["image"].of_departments, read["image"].of_leaves) == (1.0, 0.625)
    assert rates_from_json(None) == {}
    assert UnknownRates(0.05, (), ()).of_leaves is None


def changed(**fields):
    (part,) = rates_to_json(RATES)["image"]["departments"]
    return {"image": {"false_alarms": 0.05, "departments": [part | fields], "leaves": []}}


@pytest.mark.parametrize(
    "document",
    [
        {"image": {}},
        {"image": 3},
        {"image": {"false_alarms": "x"}},
        [],
        0,
        "",
        {"image": {"false_alarms": "0.05", "departments": [], "leaves": []}},
        {"image": {"false_alarms": True, "departments": [], "leaves": []}},
        {"image": {"false_alarms": float("nan"), "departments": [], "leaves": []}},
        {"image": {"false_alarms": 0.05, "departments": "ab", "leaves": []}},
        changed(n="80"),
        changed(n=80.5),
        changed(n=True),
        changed(n=None),
        changed(node=3),
        changed(path=["Wear"]),
        changed(detected="1.0"),
        changed(detected=float("nan")),
        changed(detected=1.5),
        changed(more=1),
    ],
)
def test_another_form_is_refused_in_one_line(document):
    with pytest.raises(InputError, match="unknown: not in a form"):
        rates_from_json(document)


def test_a_whole_number_is_a_share_too():
    assert rates_from_json(changed(detected=1))["image"].of_departments == 1


@pytest.mark.parametrize(
    "document",
    [None, {}, {"limit": "0.9", "n": 3, "above": 1}, {"limit": 0.9, "n": 3, "above": 1.5}],
)
def test_withheld_products_of_another_form_are_refused(document):
    assert withheld_from_json({"limit": 0.9, "n": 3, "above": 1}) == Withheld(0.9, 3, 1)
    with pytest.raises(InputError, match="withheld: not in a form"):
        withheld_from_json(document)
