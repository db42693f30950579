"""The truth that our word on a state is measured against: the stub's log as spans, and a score."""

from __future__ import annotations

from agents_truth import Sample, score, spans

ROWS = [
    {"at": 10.0, "request": 1, "main": True, "turn": "ask"}, {"at": 10.1, "over": 1},
    {"at": 24.0, "request": 2, "main": True, "turn": "say"}, {"at": 26.0, "over": 2},
    {"at": 40.0, "request": 3, "main": False, "turn": "say"}, {"at": 41.0, "over": 3},
    {"at": 50.0, "request": 4, "main": True, "turn": "say"}, {"at": 53.0, "over": 4, "aborted": True},
    {"at": 60.0, "request": 5, "main": True, "turn": "limit"}, {"at": 60.1, "over": 5},
]  # fmt: skip


def test_a_question_waits_from_when_it_is_drawn() -> None:
    """In between the program has its model's call and works; nobody was asked yet."""
    found = [(s.begin, s.phase) for s in spans(ROWS, [3.0, 18.0], [4.0, 22.0], 5.0)]
    assert found == [
        (5.0, "ready"), (10.0, "busy"), (18.0, "waiting"), (22.0, "busy"), (26.0, "ready"), (50.0, "busy"),
        (53.0, "ready"), (60.0, "busy"), (60.1, "limited"),
    ]  # fmt: skip


def test_a_command_that_no_model_hears_of_ends_the_turn() -> None:
    rows = ROWS[:2]
    found = [(s.begin, s.phase) for s in spans(rows, [18.0], [22.0], 5.0, (), [27.0])]
    assert found == [(5.0, "ready"), (10.0, "busy"), (18.0, "waiting"), (22.0, "busy"), (27.0, "ready")]


def test_samples_near_an_edge_are_counted_apart() -> None:
    truth = spans(ROWS, [18.0], [22.0], 5.0)
    said = [
        (7.0, "ready"),
        (9.5, "busy"),
        (14.0, "busy"),
        (17.5, "waiting"),
        (20.0, "busy"),
        (30.0, "ready"),
        (1.0, "x"),
    ]
    found = score(truth, [Sample(at, phase, "", ()) for at, phase in said])
    assert (found.counted, found.near, found.nearly) == (4, 2, 2)
    assert [sample.at for sample, _ in found.wrong] == [20.0] and found.percent == 75.0


def test_a_text_on_its_way_is_ready_or_busy_and_nothing_else() -> None:
    truth = spans(ROWS, [18.0], [22.0], 2.0, [5.0])
    assert [(s.begin, s.phase) for s in truth][:3] == [(2.0, "ready"), (5.0, "coming"), (10.0, "busy")]
    found = score(truth, [Sample(at, p, "", ()) for at, p in ((6.5, "ready"), (7.5, "busy"), (8.0, "unknown"))])
    assert found.counted == 3 and [sample.phase for sample, _ in found.wrong] == ["unknown"]
