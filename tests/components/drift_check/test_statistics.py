import pytest

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def module():
    from components.drift_check import statistics

    return statistics


@pytest.fixture(scope="module")
def counted(product_of, statistics_of):
    return statistics_of([product_of(number) for number in range(70)])


def test_every_value_is_counted(module, counted):
    assert module.products_counted(counted) == 70
    assert module.value_counts(counted, "category") == dict.fromkeys(
        ("bags", "hats", "shoes", "belts", "socks"), 14
    )
    assert sum(module.value_counts(counted, "price").values()) == 70
    assert module.value_counts(counted, "description_words") == {}


def test_no_word_and_no_id_of_a_product_is_in_the_statistics(counted):
    content = counted.SerializeToString()
    assert b"everyday" not in content and b"p69" not in content
    assert len(content) < 30_000


def test_they_are_read_back_and_other_content_is_refused_with_a_reason(module, counted):
    assert module.parse(counted.SerializeToString()) == counted
    with pytest.raises(module.StatisticsError, match="cannot be read"):
        module.parse(b"\xff\xff not a proto")
    other = module.Statistics.FromString(counted.SerializeToString())
    other.datasets[0].name = "shelfsort-profile-0"
    with pytest.raises(module.StatisticsError, match="another version"):
        module.parse(other.SerializeToString())
    with pytest.raises(module.StatisticsError, match="another version"):
        module.parse(b"")


def test_variants_of_one_product_count_once_for_each_label(module, product_of, statistics_of):
    groups = [-3] * 90 + [7] * 10
    products = [
        product_of(number, group=group, category="hats" if number == 7 else "shoes")
        for number, group in enumerate(groups)
    ]
    assert module.value_counts(statistics_of(products), "category") == {"shoes": 2, "hats": 1}
