import pytest

from components.check import Check
from components.remedies import advised


@pytest.mark.parametrize(
    ("name", "setting"),
    [
        ("accuracy", "gate.accuracy"),
        ("accepted_accuracy_95", "gate.accepted_accuracy.95"),
        ("accepted_accuracy_97_5", "gate.accepted_accuracy.97_5"),
        ("coverage_98", "gate.coverage.98"),
        ("category_promise_95", "gate.on_broken_category"),
    ],
)
def test_a_check_names_the_setting_that_decides_it_and_a_remedy_where_it_failed(name, setting):
    passed, failed = (advised(Check(name, passed, "Said.")) for passed in (True, False))
    assert passed.setting == failed.setting == setting
    assert (passed.remedy, bool(failed.remedy)) == ("", True)
    assert str(failed) == f"{name}: Said. {failed.remedy}"
