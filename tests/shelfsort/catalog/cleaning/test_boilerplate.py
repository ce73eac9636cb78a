"""Sentences that many products of a source share."""

from shelfsort.catalog.cleaning.boilerplate import SharedSentences, sentences

PROMISE = "30 Day Replacement Guarantee."


def counted(*texts):
    shared = SharedSentences()
    for text in texts:
        shared.add("shop", text)
    return shared


def test_sentences_keep_their_lines():
    assert sentences("One is red. Two is blue!\n\nThree") == [
        ["One is red.", "Two is blue!"],
        ["Three"],
    ]
    assert sentences("一つ目です。二つ目です。") == [["一つ目です。", "二つ目です。"]]


def test_a_shared_sentence_goes_and_the_others_stay():
    texts = [f"Mug number {number} of the set. {PROMISE}\nPure cotton" for number in range(10)]
    shared = counted(*texts)
    assert shared.count("shop", "30 day replacement guarantee") == 10
    left = shared.without("shop", texts[3], least_products=10, least_share=0.5)
    assert left == "Mug number 3 of the set.\nPure cotton"


def test_a_sentence_that_stands_twice_in_one_description_counts_once():
    assert counted(f"{PROMISE} {PROMISE}").count("shop", PROMISE) == 1


def test_too_few_products_and_too_small_a_share_keep_it():
    texts = [PROMISE] * 10 + [f"Some other words {number}" for number in range(90)]
    shared = counted(*texts)
    assert shared.without("shop", PROMISE, least_products=11, least_share=0.01) == PROMISE
    assert shared.without("shop", PROMISE, least_products=2, least_share=0.11) == PROMISE
    assert shared.without("shop", PROMISE, least_products=10, least_share=0.1) == ""


def test_sources_are_counted_apart():
    shared = counted(*[PROMISE] * 10)
    assert shared.count("other", PROMISE) == 0
    assert shared.without("other", PROMISE, least_products=2, least_share=0.1) == PROMISE


def test_counts_are_exact_where_few_sentences_were_counted():
    texts = [f"This is sentence number {number}." for number in range(2_000)]
    shared = counted(*texts)
    assert {shared.count("shop", text) for text in texts} == {1}
