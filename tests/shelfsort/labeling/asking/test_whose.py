from shelfsort.labeling.asking.whose import assign

SKILLS = {"ann": 0.9, "bob": 0.8, "cat": 0.95}


def test_urgent_products_go_to_skilled_workers_in_equal_parts():
    found = assign([("p", 1), ("q", 1), ("r", 1)], SKILLS, {})
    assert found == {"p": ["cat"], "q": ["ann"], "r": ["bob"]}


def test_nobody_gets_a_product_twice():
    found = assign([("p", 2), ("q", 2)], SKILLS, {"p": {"cat"}, "q": {"ann", "bob"}})
    assert found == {"p": ["ann", "bob"], "q": ["cat"]}


def test_without_known_workers_nobody_is_named():
    assert assign([("p", 2)], {}, {}) == {"p": []}
