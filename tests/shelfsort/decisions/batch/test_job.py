"""Summaries of parts, in any order, make one of the whole."""

import itertools
import json

from shelfsort.decisions.batch.job import Summary


def parts():
    first = Summary(rows=3, model="9", failures=1, judged=2, right=1)
    first.outcomes.update(publish=1, review=1)
    first.fault("b.csv:7: bad", (1, 7))
    second = Summary(rows=2, model="10", words_alone=1)
    second.without_image("b.csv:3: image: gone", (1, 3))
    second.outcomes.update(publish=1)
    second.rejects.update(unusable=1)
    second.fault("a.csv:9: blank", (0, 9))
    second.fault("a.csv:12: blank", (0, 12))
    return [first, second, Summary(rows=1)]


def test_the_order_of_parts_makes_no_difference():
    for order in itertools.permutations(parts()):
        whole = Summary()
        for part in order:
            whole.add(part)
        assert (whole.rows, whole.decided, whole.automatic) == (6, 3, 2)
        assert (whole.failures, whole.judged, whole.right) == (1, 2, 1)
        assert whole.rejects == {"unusable": 1}
        assert (whole.words_alone, whole.first_words_alone) == (1, "b.csv:3: image: gone")
        assert (whole.model, whole.first_fault) == ("10", "a.csv:9: blank")
        assert Summary.read(json.dumps(whole.to_json())).to_json() == whole.to_json()
