from shelfsort.labeling.queue.progress import Pace


def test_the_time_left_follows_the_last_quarter_of_an_hour():
    pace = Pace()
    for now in range(0, 40, 10):
        pace.note(now)
    assert pace.seconds_for(100, 40) is None
    pace.note(40)
    # Five answers: four pauses of ten seconds.
    assert pace.seconds_for(100, 40) == 1000
    assert pace.seconds_for(0, 40) == 0
    assert pace.seconds_for(100, 1000) is None


def test_a_burst_of_answers_says_nothing_yet():
    pace = Pace()
    for _ in range(10):
        pace.note(5)
    assert pace.seconds_for(100, 6) is None
