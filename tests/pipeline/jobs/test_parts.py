"""What softcifar.pipeline.jobs is made of, without DVC: the schedule, the display, the share of the machine."""

import io
import json
import os
import pty
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from softcifar.errors import UserError
from softcifar.pipeline.jobs.display import Display, View, block, duration, last_words, log_line, progress_text, seconds_left
from softcifar.pipeline.jobs.resources import Resources, visible_gpus
from softcifar.pipeline.jobs.schedule import CERTAIN, CHANGED, UNCHANGED, Schedule, parse_dot, select, verdict

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
CHANGED_DEPS = {"changed deps": {"p": "modified"}}


def asked(graph: dict, **reasons: list) -> Schedule:
    """A schedule that knows what DVC says; stages without reasons are up to date."""
    schedule = Schedule(graph)
    schedule.asked = set(graph)
    schedule.learn(json.dumps({name.replace("_", "@"): found for name, found in reasons.items()}))
    return schedule


def test_the_graph_is_read_in_the_order_of_dvc_yaml():
    found = parse_dot(DOT)
    assert found == GRAPH
    assert list(found) == list(GRAPH)


def test_targets_bring_what_they_need_and_a_group_all_its_items():
    assert list(select(GRAPH, ["train"])) == ["plan", "prepare", "train@a", "train@b"]
    assert list(select(GRAPH, ["evaluate@a"])) == ["plan", "prepare", "train@a", "evaluate@a"]
    assert select(GRAPH, GRAPH) == GRAPH
    with pytest.raises(UserError, match=r"dvc\.yaml: there is no stage 'train@c'; did you mean 'train@b'\?"):
        select(GRAPH, ["train@c"])


def test_only_changed_dependencies_leave_it_open_whether_a_stage_will_still_differ():
    assert verdict([]) == UNCHANGED
    assert verdict([CHANGED_DEPS]) == CHANGED
    assert verdict([CHANGED_DEPS, {"changed outs": {"o": "deleted"}}]) == CERTAIN
    assert verdict(["changed command"]) == CERTAIN


@given(st.data())
def test_stages_run_after_all_that_they_need_and_what_needs_a_failed_one_never_does(data):
    count = data.draw(st.integers(1, 12))
    names = data.draw(st.permutations([f"s{number}" for number in range(count)]))
    graph = {name: set(data.draw(st.lists(st.sampled_from(names[:i])))) if i else set() for i, name in enumerate(names)}
    schedule = asked(graph, **{name: ["changed command"] for name in names})
    failing = data.draw(st.sets(st.sampled_from(names)))
    ended: list[str] = []
    while schedule.ready() or schedule.running:
        ready = schedule.ready()
        if ready and (not schedule.running or data.draw(st.booleans())):
            assert graph[ready[0]] <= set(ended) - failing
            schedule.start(ready[0])
        else:
            name = data.draw(st.sampled_from(sorted(schedule.running)))
            schedule.end(name, failed=name in failing)
            ended.append(name)
    assert len(ended) == len(set(ended))
    assert set(schedule.lost()) == set(names) - set(ended)
    assert set(schedule.lost()) == schedule.behind(failing & set(ended))


def test_what_most_stages_wait_for_starts_first_then_as_in_dvc_yaml():
    schedule = asked(GRAPH, plan=["changed command"], prepare=["changed command"])
    assert schedule.ready() == ["plan"]
    schedule.start("plan")
    assert schedule.ready() == []
    schedule.end("plan")
    schedule.start("prepare")
    schedule.end("prepare")
    assert schedule.ready() == ["train@a", "train@b"]
    late = {"x": set(), "first": set(), "second": {"first"}, "y": set()}
    assert Schedule(late).ready() == ["first", "x", "y"]


def test_stages_that_are_up_to_date_are_done_at_once_but_not_behind_an_open_one():
    schedule = asked(GRAPH, train_a=[CHANGED_DEPS])
    schedule.settle()
    assert schedule.done == {"plan", "prepare", "train@b"}
    assert schedule.ready() == ["train@a"]
    assert schedule.waiting() == ["train@a", "evaluate@a", "report"]


def test_after_a_stage_has_run_what_follows_is_unknown_unless_it_must_run_anyway():
    reasons = {"plan": [CHANGED_DEPS], "prepare": [CHANGED_DEPS], "train_b": [{"changed outs": {"b": "deleted"}}]}
    schedule = asked(GRAPH, **reasons)
    schedule.start("plan")
    schedule.end("plan")
    assert schedule.unsure() == ["prepare"]
    assert schedule.unknown() == {"prepare", "train@a"}
    schedule.asked = schedule.unknown()
    assert schedule.unsure() == []
    schedule.learn("{}")
    schedule.settle()
    assert schedule.done == {"plan", "prepare", "train@a", "evaluate@a"}
    assert schedule.ready() == ["train@b"]


def test_a_stage_that_dvc_found_unchanged_leaves_what_is_known_of_those_behind_it():
    schedule = asked(GRAPH, plan=[CHANGED_DEPS])
    schedule.start("plan")
    schedule.end("plan", wrote=False)
    schedule.settle()
    assert schedule.done == set(GRAPH)


def test_an_answer_says_nothing_of_what_began_to_change_meanwhile():
    schedule = asked({"a": set(), "b": {"a"}, "c": set()}, a=["changed command"])
    schedule.start("a")
    schedule.verdicts.clear()
    schedule.asked = {"b", "c"}
    schedule.end("a")
    schedule.learn("{}")
    assert schedule.verdicts == {"c": UNCHANGED}


def test_without_an_answer_every_stage_is_started():
    schedule = Schedule(GRAPH)
    schedule.asked = {"plan"}
    schedule.doubt()
    schedule.settle()
    assert schedule.verdicts == {"plan": CHANGED}
    assert (schedule.ready(), schedule.unsure(), schedule.done) == (["plan"], [], set())


@pytest.mark.parametrize(
    ("log", "text"),
    [
        ("\rtrain a:   0%|          | 0/21 [00:00<?, ?epoch/s]", "0%|          | 0/21 [00:00<?]"),
        (
            "> cmd\n\rtrain a:   5%|#         | 1/21 [00:01<00:20,  1.0epoch/s]"
            "\rtrain a:  45%|####      | 12/21 [00:10<00:08,  1.1epoch/s]",
            "45%|####      | 12/21 [00:10<00:08]",
        ),
        ("a: 100%|##| 2/2 [00:01<00:00, 2it/s]\nwriting\n", "100%|##| 2/2 [00:01<00:00]"),
        ("\x1b[A\x1b[32mx: 7%|\x1b[0m█  | 1.5M/20.0M [00:10<00:08, 1MB/s]\x1b[B\r", "7%|█  | 1.5M/20.0M [00:10<00:08]"),
        ("Running stage 'plan':\n> python -m stages.plan\n", ""),
        ("", ""),
    ],
)
def test_the_newest_progress_is_taken_from_the_end_of_a_log(log, text):
    assert progress_text(log) == text


@pytest.mark.parametrize(
    ("log", "words"),
    [
        ("Running stage 'a':\n> x\nerror: lr: too high\nERROR: failed to reproduce 'a': exited with 2\n", "lr: too high"),
        ("Running stage 'a':\n> x\n\ra:  5%|#  | 1/21 [00:01<00:20, 1it/s]error: full\nERROR: failed\n", "full"),
        ("Running stage 'a':\n> x\nTraceback:\n  File\nKeyError: 3\nERROR: failed to reproduce 'a'\n", "KeyError: 3"),
        ("Running stage 'a':\n> false\nERROR: failed to run 'a'\n", "failed to run 'a'"),
        ("ERROR: 'o' is busy, it is being blocked by:\n  (PID 1): dvc\n\ntry again.\n", "'o' is busy, it is being blocked by:"),
        ("Killed\n", "Killed"),
        ("", "it left no word"),
    ],
)  # fmt: skip
def test_the_reason_of_a_failure_is_the_stage_s_own_last_word(log, words):
    assert last_words(log) == words


VIEW = View(12, 55, [("train@hard", 83, "45%|####  | 12/21 [00:10<00:08]"), ("evaluate@x", 4, "")], 200, 190)


def test_what_is_shown_in_a_log():
    assert log_line(VIEW) == "12 of 55 stages done, running: train@hard (45 %), evaluate@x, about 3 min 10 s left"
    assert log_line(View(0, 5, [], 1, None)) == "0 of 5 stages done"
    assert [duration(seconds) for seconds in (0.4, 59.4, 59.6, 185, 3599.6, 7620)] == [
        "0 s", "59 s", "1 min 00 s", "3 min 05 s", "1 h 00 min", "2 h 07 min"
    ]  # fmt: skip


def test_what_is_drawn_on_a_terminal_fits_it():
    bar, hard, other = block(VIEW, 80, 24)
    assert bar.startswith(" 22%|")
    assert bar.endswith("| 12/55 stages [03:20, about 3 min 10 s left]")
    assert hard == "  train@hard  1 min 23 s  45%|####  | 12/21 [00:10<00:08]"
    assert other == "  evaluate@x     4 s"
    many = View(0, 99, [(f"train@{number}", 1, "x" * 200) for number in range(50)], 1, None)
    for width, height in ((80, 24), (20, 5), (5, 2)):
        lines = block(many, width, height)
        assert len(lines) < max(height, 3)
        assert max(map(len, lines)) < width
    assert block(many, 80, 24)[-1] == "  and 29 more"
    assert block(View(0, 0, [], 1, None), 80, 24) == ["  asking DVC what is out of date"]


def test_a_terminal_shows_one_picture_and_keeps_what_was_said():
    """The bytes that reach a terminal, played back: cursor up, erase to the end, lines."""
    ours, theirs = pty.openpty()
    with open(theirs, "w") as stream:
        display = Display(stream)
        assert display.terminal
        display.update(lambda: VIEW)
        display.say("train@hard  84 s")
        display.update(lambda: View(13, 55, VIEW.running[1:], 201, 180))
        display.close()
        display.say("done")
        sent = b""
        while not sent.endswith(b"done\r\n"):
            sent += os.read(ours, 100_000)
    os.close(ours)
    screen, row = [""], 0
    for part in (
        sent.decode().replace("\x1b[2A", "\0up2\0").replace("\x1b[1A", "\0up1\0").replace("\r\x1b[J", "\0erase\0").split("\0")
    ):
        if part.startswith("up"):
            row -= int(part[2:])
        elif part == "erase":
            del screen[row + 1 :]
            screen[row] = ""
        else:
            first, *rest = part.replace("\r\n", "\n").split("\n")
            screen[row] += first
            screen += rest
            row += len(rest)
    assert screen == ["train@hard  84 s", "done", ""]


def test_a_log_gets_lines_that_stay_and_a_summary_only_now_and_then():
    stream = io.StringIO()
    display = Display(stream)
    display.update(lambda: VIEW)
    display.say("train@hard  84 s")
    display.close()
    assert stream.getvalue() == "train@hard  84 s\n"


def test_time_left_is_reckoned_by_kind_of_stage_and_spread_over_the_jobs():
    taken = [("train@a", 10.0), ("train@b", 20.0), ("prepare", 3.0)]
    assert seconds_left(["train@c"], {}, [], 2) is None
    assert seconds_left([], {}, taken, 2) == 0
    assert seconds_left(["train@c", "train@d"], {"train@e": 5.0}, taken, 2) == (15 + 15 + 10) / 2
    assert seconds_left(["report"], {}, taken, 1) == 11
    assert seconds_left([], {"train@e": 5.0}, taken, 4) == 10  # one stage is not spread
    assert seconds_left([], {"train@e": 50.0}, taken, 1) == 0


@pytest.mark.parametrize(
    ("environ", "gpus"),
    [
        ({"CUDA_VISIBLE_DEVICES": "2, 5"}, ("2", "5")),
        ({"CUDA_VISIBLE_DEVICES": "GPU-ab,1"}, ("GPU-ab", "1")),
        ({"CUDA_VISIBLE_DEVICES": ""}, ()),
        ({"CUDA_VISIBLE_DEVICES": "0,-1,1"}, ("0",)),
        ({"CUDA_VISIBLE_DEVICES": "0,1", "SOFTCIFAR_DEVICE": "cpu"}, ()),
        ({"PATH": "/nowhere"}, ()),
    ],
)
def test_which_gpus_there_are(environ, gpus):
    assert visible_gpus(environ) == gpus


def test_gpus_are_counted_by_nvidia_smi(tmp_path):
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\necho 'GPU 0: one (UUID: GPU-1)'\necho '  MIG 1g: a part'\necho 'GPU 1: two (UUID: GPU-2)'\n")
    program.chmod(0o755)
    assert visible_gpus({"PATH": str(tmp_path)}) == ("0", "1")
    program.write_text("#!/bin/sh\necho 'GPU access blocked'\nexit 9\n")
    assert visible_gpus({"PATH": str(tmp_path)}) == ()


def test_a_stage_gets_its_share_of_cores_or_a_gpu_and_everything_when_alone():
    cpu = Resources(jobs=3, cores=8)
    assert cpu.environment({"A": "1"}, 0, rivals=1) == {"A": "1", "SOFTCIFAR_WORKERS": "8"}
    assert cpu.environment({}, 0, rivals=2)["SOFTCIFAR_WORKERS"] == "4"
    assert cpu.environment({}, 0, rivals=20)["SOFTCIFAR_WORKERS"] == "2"  # never more than 3 run
    assert Resources(jobs=9, cores=2).environment({}, 0, rivals=9)["SOFTCIFAR_WORKERS"] == "1"
    assert cpu.environment({"SOFTCIFAR_WORKERS": "5"}, 0, rivals=1) == {"SOFTCIFAR_WORKERS": "5"}
    gpu = Resources(jobs=4, cores=8, gpus=("2", "5"))
    assert [gpu.environment({}, slot, rivals=9) for slot in range(3)] == [{"CUDA_VISIBLE_DEVICES": each} for each in "252"]
    assert gpu.environment({"CUDA_VISIBLE_DEVICES": "2,5"}, 1, rivals=1) == {"CUDA_VISIBLE_DEVICES": "2,5"}


def test_jobs_are_by_default_as_many_as_gpus_or_cores(monkeypatch):
    monkeypatch.setattr("softcifar.pipeline.jobs.resources.joblib", SimpleNamespace(cpu_count=lambda: 6))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1,2")
    monkeypatch.delenv("SOFTCIFAR_DEVICE", raising=False)
    assert Resources.found() == Resources(3, 6, ("0", "1", "2"))
    assert Resources.found(5).jobs == 5
    monkeypatch.setenv("SOFTCIFAR_DEVICE", "cpu")
    assert Resources.found() == Resources(6, 6, ())
