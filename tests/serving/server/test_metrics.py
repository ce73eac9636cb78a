"""Metrics in the text form that Prometheus reads."""

from prometheus_client.parser import text_string_to_metric_families

from serving.server.metrics import Counter, Histogram, ServerMetrics


def test_a_counter_adds_up_for_each_combination_of_labels():
    counter = Counter(("model", "status"))
    counter.add("bags", "OK")
    counter.add("bags", "OK", by=2)
    counter.add("bags", "NOT_FOUND")
    assert counter.lines("n") == [
        'n{model="bags",status="NOT_FOUND"} 1',
        'n{model="bags",status="OK"} 3',
    ]


def test_a_histogram_counts_what_lies_below_each_bound():
    histogram = Histogram(("model",), (1, 10))
    for value in (0.5, 1, 3, 50):
        histogram.observe(value, "bags")
    assert histogram.lines("n") == [
        'n_bucket{model="bags",le="1"} 1',
        'n_bucket{model="bags",le="10"} 3',
        'n_bucket{model="bags",le="+Inf"} 4',
        'n_sum{model="bags"} 54.5',
        'n_count{model="bags"} 4',
    ]


def test_label_values_of_strangers_are_escaped():
    metrics = ServerMetrics()
    metrics.requests.add('a"b\\c\nd', "OK")
    samples = [
        sample
        for family in text_string_to_metric_families(metrics.page())
        for sample in family.samples
    ]
    assert [sample.labels["model_name"] for sample in samples] == ['a"b\\c\nd']
