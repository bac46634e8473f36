"""Which stage may start next, and how long the rest will take."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from softcifar.pipeline.jobs.schedule import Schedule, parse_dot, seconds_left

GRAPH = {
    "plan": set(),
    "prepare": {"plan"},
    "train@a": {"plan", "prepare"},
    "train@b": {"plan", "prepare"},
    "evaluate@a": {"train@a"},
    "report": {"evaluate@a", "train@b"},
}
DOT = """strict digraph {
"plan";
"prepare";
"train@a";
"train@b";
"evaluate@a";
"report";
"plan" -> "prepare";
"plan" -> "train@a";
"plan" -> "train@b";
"prepare" -> "train@a";
"prepare" -> "train@b";
"train@a" -> "evaluate@a";
"evaluate@a" -> "report";
"train@b" -> "report";
}
"""


def with_changed(*changed: str) -> Schedule:
    return Schedule(GRAPH, GRAPH.keys() - set(changed))


def run(schedule: Schedule, name: str, **how: bool) -> None:
    assert name in schedule.ready()
    schedule.running.add(name)
    schedule.end(name, **how)


def test_the_graph_is_read_in_the_order_of_dvc_yaml():
    found = parse_dot(DOT)
    assert found == GRAPH
    assert list(found) == list(GRAPH)


@given(st.data())
def test_stages_run_after_all_that_they_need_and_what_needs_a_failed_one_never_does(data):
    count = data.draw(st.integers(1, 12))
    names = data.draw(st.permutations([f"s{number}" for number in range(count)]))
    graph = {name: set(data.draw(st.lists(st.sampled_from(names[:i])))) if i else set() for i, name in enumerate(names)}
    schedule = Schedule(graph, [])
    failing = data.draw(st.sets(st.sampled_from(names)))
    ended: list[str] = []
    while schedule.ready() or schedule.running:
        ready = schedule.ready()
        if ready and (not schedule.running or data.draw(st.booleans())):
            assert graph[ready[0]] <= set(ended) - failing
            schedule.running.add(ready[0])
        else:
            name = data.draw(st.sampled_from(sorted(schedule.running)))
            schedule.end(name, failed=name in failing)
            ended.append(name)
    assert len(ended) == len(set(ended))
    assert set(schedule.lost()) == set(names) - set(ended)
    assert schedule.waiting() == []


def test_what_most_stages_wait_for_starts_first_then_as_in_dvc_yaml():
    schedule = Schedule(GRAPH, [])
    assert schedule.ready() == ["plan"]
    schedule.running.add("plan")
    assert schedule.ready() == []
    schedule.end("plan")
    run(schedule, "prepare")
    assert schedule.ready() == ["train@a", "train@b"]
    late = {"x": set(), "first": set(), "second": {"first"}, "y": set()}
    assert Schedule(late, []).ready() == ["first", "x", "y"]


def test_unchanged_stages_are_done_at_once_but_not_behind_an_open_one():
    schedule = with_changed("train@a")
    assert schedule.done == {"plan", "prepare", "train@b"}
    assert schedule.ready() == ["train@a"]
    assert schedule.waiting() == ["train@a", "evaluate@a", "report"]


def test_what_follows_a_stage_that_wrote_is_doubted_until_dvc_was_asked_again():
    schedule = with_changed("plan", "train@b")
    run(schedule, "plan")
    assert schedule.ready() == ["prepare"]
    assert schedule.doubted == {"prepare", "train@a"}  # train@b has to be started anyway
    schedule.learn(GRAPH.keys() - {"train@b"})
    assert schedule.doubted == set()
    assert schedule.done == {"plan", "prepare", "train@a", "evaluate@a"}
    assert schedule.ready() == ["train@b"]


def test_a_doubted_stage_that_is_not_asked_about_is_started():
    schedule = with_changed("plan")
    run(schedule, "plan")
    run(schedule, "prepare", wrote=False)
    assert schedule.ready() == ["train@a", "train@b"]


def test_a_stage_that_dvc_found_unchanged_leaves_what_is_known_of_those_behind_it():
    schedule = with_changed("plan")
    run(schedule, "plan", wrote=False)
    assert schedule.done == set(GRAPH)


def test_a_failed_stage_never_counts_as_done_though_dvc_finds_it_unchanged():
    schedule = with_changed("plan")
    run(schedule, "plan", failed=True)
    schedule.learn(GRAPH)
    assert (schedule.done, schedule.ready(), schedule.lost()) == (set(), [], list(GRAPH)[1:])


def test_time_left_is_reckoned_by_kind_of_stage_and_spread_over_the_jobs():
    ended = [("train@a", 10.0), ("train@b", 20.0), ("prepare", 3.0)]
    assert seconds_left([], {}, ended, 2) == 0
    assert seconds_left(["train@c", "train@d"], {"train@e": 5.0}, ended, 2) == (15 + 15 + 10) / 2
    assert seconds_left(["report"], {}, ended, 1) == pytest.approx(11)
    assert seconds_left([], {"train@e": 5.0}, ended, 4) == 10  # one stage is not spread
    assert seconds_left([], {"train@e": 50.0}, ended, 1) == 0
    assert seconds_left(["train@c", "evaluate@a"], {"evaluate@b": 1.0}, ended, 1) == 15  # a bound: no evaluation has ended
