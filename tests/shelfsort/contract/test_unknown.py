"""The document of rates at which unknown products are noticed."""

import pytest

from shelfsort.contract.unknown import LeftOut, UnknownRates, rates_from_json, rates_to_json
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


@pytest.mark.parametrize(
    "document", [{"image": {}}, {"image": 3}, {"image": {"false_alarms": "x"}}]
)
def test_another_form_is_refused_in_one_line(document):
    with pytest.raises(InputError, match="unknown: not in a form"):
        rates_from_json(document)
