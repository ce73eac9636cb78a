"""What an answer leads to."""

import pytest
import sqlalchemy as sa

from shelfsort.core.errors import InputError
from shelfsort.decisions.database import tables
from shelfsort.decisions.promise.stored import stored_audits
from shelfsort.decisions.review.appeals import MOST_APPEALS, appeal
from shelfsort.decisions.review.asking import waiting
from tests.shelfsort.decisions.review.queue.conftest import ANN, BOB, CLEO, LEAD, says


def latest(shop):
    return shop.rows("select product, outcome, category from latest_decision order by product")


def kinds(queue, person):
    return [each.kind for each in queue.take(person, 9)]


def test_a_refusal_needs_another_person_who_agrees(shop):
    shop.decided("a")
    queue = shop.queue()
    (first,) = queue.take(ANN, 1)
    assert says(queue, ANN, first, "package").next == "second"
    assert latest(shop) == [("a", "review", "package")]
    assert kinds(queue, ANN) == []
    (second,) = queue.take(BOB, 1)
    assert (second.kind, second.blind) == ("second", True)
    assert says(queue, BOB, second, "package").next == ""
    assert latest(shop) == [("a", "refuse", "package")]


def test_a_lead_decides_where_two_disagree(each_shop):
    each_shop.decided("a")
    queue = each_shop.queue()
    says(queue, ANN, queue.take(ANN, 1)[0], "package")
    assert says(queue, BOB, queue.take(BOB, 1)[0], "product").next == "dispute"
    assert kinds(queue, CLEO) == []
    (dispute,) = queue.take(LEAD, 1)
    assert queue.opinions(dispute) == [("package", "refuse"), ("product", "grant")]
    with pytest.raises(KeyError):
        says(queue, CLEO, dispute, "product")
    for category in ("half", ""):
        with pytest.raises(InputError, match="choose an outcome"):
            says(queue, LEAD, dispute, category)
    says(queue, LEAD, dispute, "half", outcome="grant")
    assert latest(each_shop) == [("a", "grant", "half")]


@pytest.mark.parametrize(
    ("answers", "steps"),
    [
        (["product"], [""]),
        (["half"], ["dispute"]),
        (["", ""], ["second", "dispute"]),
        (["", "product"], ["second", ""]),
        (["", "package", "package"], ["second", "second", ""]),
        (["", "package", "product"], ["second", "second", "dispute"]),
    ],
)
def test_answers_lead_on_until_somebody_can_tell(shop, answers, steps):
    shop.decided("a")
    queue = shop.queue()
    found = []
    for person, category in zip((ANN, BOB, CLEO), answers, strict=False):
        found.append(says(queue, person, queue.take(person, 1)[0], category).next)
    assert found == steps
    open_ = shop.rows("select kind from task where closed is null")
    assert open_ == ([(steps[-1],)] if steps[-1] else [])


def test_an_answer_is_taken_back_with_what_followed_from_it(each_shop):
    each_shop.decided("a")
    queue = each_shop.queue()
    (held,) = queue.take(ANN, 1)
    done = says(queue, ANN, held, "package")
    assert queue.standing(ANN).last == done.review
    assert not queue.undo(BOB, done.review)
    assert queue.undo(ANN, done.review) and queue.undo(ANN, done.review)
    assert kinds(queue, BOB) == []
    assert [each.id for each in queue.take(ANN, 1)] == [held.id]
    assert says(queue, ANN, held, "product").result == "kept"
    assert latest(each_shop) == [("a", "grant", "product")]
    assert [what for (what,) in each_shop.rows("select what from event order by id")] == [
        "answer",
        "undo",
        "undo",
        "answer",
    ]


def test_nothing_is_taken_back_from_which_somebody_has_gone_on(shop):
    shop.decided("a", "b")
    queue = shop.queue()
    done = says(queue, ANN, queue.take(ANN, 1)[0], "package")
    assert kinds(queue, BOB) == ["review", "second"]
    assert not queue.undo(ANN, done.review)
    (other, _) = queue.take(BOB, 2)
    done = says(queue, BOB, other, "product")
    shop.later(minutes=16)
    assert queue.standing(BOB).last is None and not queue.undo(BOB, done.review)


def test_an_appeal_goes_to_somebody_who_has_not_seen_it(each_shop):
    each_shop.decided("a")
    queue = each_shop.queue()
    for person in (ANN, BOB):
        says(queue, person, queue.take(person, 1)[0], "package")

    def appeals(words="It is the product!"):
        with each_shop.engine.begin() as connection:
            return appeal(connection, "a", words, "Shop", each_shop.now)

    appeals()
    with pytest.raises(InputError, match="waits for people already"):
        appeals()
    assert latest(each_shop)[0][1] == "refuse"
    assert (kinds(queue, ANN), kinds(queue, BOB)) == ([], [])
    (held,) = queue.take(CLEO, 1)
    assert (held.kind, held.blind, held.note) == ("appeal", True, "It is the product!")
    assert says(queue, CLEO, held, "product").next == ""
    assert latest(each_shop) == [("a", "grant", "product")]


def test_an_appeal_that_fails_is_final_and_their_number_is_limited(shop):
    shop.decided("a", outcome="refuse")
    queue = shop.queue()
    with shop.engine.begin() as connection:
        appeal(connection, "a", "x" * 9_999, "Shop", shop.now)
    (held,) = queue.take(ANN, 1)
    assert len(held.note) == 2_000
    assert says(queue, ANN, held, "package").next == ""
    assert latest(shop) == [("a", "refuse", "package")]
    with shop.engine.begin() as connection:
        connection.exec_driver_sql("update task set closed = since")
        rows = [{"decision": 1, "kind": "appeal", "part": str(n)} for n in range(2, 6)]
        for row in rows:
            connection.exec_driver_sql(
                "insert into task (decision, kind, part, since, due, value, closed) select "
                f"{row['decision']}, 'appeal', '{row['part']}', since, due, 1, since from task "
                "where part = '1'"
            )
    assert MOST_APPEALS == 5
    with pytest.raises(InputError, match="had 5 appeals"), shop.engine.begin() as connection:
        appeal(connection, "a", "again", "Shop", shop.now)
    with pytest.raises(InputError, match="no decision"), shop.engine.begin() as connection:
        appeal(connection, "b", "", "Shop", shop.now)


def test_an_answer_that_new_rules_decide_about_again_is_audited_once(each_shop):
    (first,) = each_shop.decided("a", outcome="grant", rate=1.0)
    assert each_shop.queue().new == 1
    each_shop.later(minutes=5)
    again = {"prediction": 1, "rules": "r2", "at": each_shop.now, "run": 1, "outcome": "refuse"}
    with each_shop.engine.begin() as connection:
        row = {"digest": "r2", "stored": each_shop.now}
        connection.execute(sa.insert(tables.rules), row)
        second = each_shop.insert(connection, tables.decision, again)
        row = {"decision": second, "drawn": each_shop.now, "rate": 1.0, "draw": 0.5}
        connection.execute(sa.insert(tables.audit), row)
    assert [each["decision"] for each in waiting(each_shop.engine, "audit", 9)] == [second]
    queue = each_shop.queue()
    (held,) = queue.take(ANN, 9)
    assert held.decision == second > first
    assert stored_audits(each_shop.engine).waiting == 1
    says(queue, ANN, held, "product")
    found = stored_audits(each_shop.engine)
    assert ([each.right for each in found.audits], found.waiting) == ([False], 0)
    assert each_shop.queue().take(BOB, 9) == []


def test_two_people_look_at_some_audits_and_a_third_settles_where_they_differ(each_shop):
    each_shop.decided("a", "b", outcome="grant", rate=1.0)
    queue = each_shop.queue(double_share=1.0)
    assert queue.new == 4
    for_ann, for_bob = queue.take(ANN, 9), queue.take(BOB, 9)
    assert [each.decision for each in for_ann] == [each.decision for each in for_bob] == [1, 2]
    assert all(each.blind and each.kind == "audit" for each in (*for_ann, *for_bob))
    says(queue, ANN, for_ann[0], "product")
    assert says(queue, BOB, for_bob[0], "product").next == ""
    says(queue, ANN, for_ann[1], "product")
    found = stored_audits(each_shop.engine)
    assert (found.twice, found.agreed, found.undecided) == (1, 1, 0)
    differs = says(queue, BOB, for_bob[1], "full")
    assert differs.next == "audit"
    found = stored_audits(each_shop.engine)
    assert (found.twice, found.agreed, found.undecided) == (2, 1, 1)
    assert queue.take(ANN, 9) == queue.take(BOB, 9) == []
    (held,) = queue.take(CLEO, 9)
    assert (held.decision, held.kind, held.blind) == (2, "audit", True)
    assert says(queue, CLEO, held, "full").next == ""
    found = stored_audits(each_shop.engine)
    assert (found.twice, found.agreed, found.undecided, found.waiting) == (2, 1, 0, 0)
    assert [each.right for each in found.audits] == [False, False]
    assert latest(each_shop)[1] == ("b", "grant", "full")


def test_a_second_look_that_is_taken_back_needs_no_third(shop):
    shop.decided("a", outcome="grant", rate=1.0)
    queue = shop.queue(double_share=1.0)
    says(queue, ANN, queue.take(ANN, 1)[0], "product")
    differs = says(queue, BOB, queue.take(BOB, 1)[0], "full")
    assert queue.undo(BOB, differs.review) is not None
    assert queue.take(CLEO, 9) == []
    assert says(queue, BOB, queue.take(BOB, 1)[0], "product").next == ""
    assert stored_audits(shop.engine).agreed == 1


def test_a_share_of_the_audits_is_drawn_for_two(shop):
    shop.decided(*map(str, range(400)), outcome="grant", rate=0.5)
    queue = shop.queue(double_share=0.25)
    assert 60 < queue.new - 400 < 140
    # The draw is independent of that of the audits.
    low = shop.rows(
        "select count(*) from task join decision d on d.id = task.decision "
        "join audit on audit.decision = d.id where part = 'double' and draw < 0.5"
    )[0][0]
    assert 20 < low < 80


def test_audits_count_for_the_promise_and_appeals_do_not(each_shop):
    each_shop.decided("a", "b", outcome="refuse", rate=1.0)
    queue = each_shop.queue()
    a, b = queue.take(ANN, 2)
    taken_back = says(queue, ANN, a, "product")
    queue.undo(ANN, taken_back.review)
    says(queue, ANN, a, "package")
    assert says(queue, ANN, b, "product").next == ""
    with each_shop.engine.begin() as connection:
        appeal(connection, "a", "", "Shop", each_shop.now)
    says(queue, BOB, queue.take(BOB, 1)[0], "product")
    found = stored_audits(each_shop.engine)
    assert [each.right for each in found.audits] == [True, False]
    assert (found.waiting, found.undecided) == (0, 0)
    assert latest(each_shop) == [("a", "grant", "product"), ("b", "grant", "product")]
