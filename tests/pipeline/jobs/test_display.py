"""A line per event, and a live line on a terminal."""

import io
import os
import pty

from softcifar.pipeline.jobs.display import Display


def test_where_no_one_watches_only_what_stays_is_written():
    stream = io.StringIO()
    display = Display(stream)
    display.show("1 of 2 stages: x")
    display.say("x  00:07")
    display.close()
    assert not display.live
    assert stream.getvalue() == "x  00:07\n"


def test_a_terminal_that_was_closed_is_no_error():
    ours, theirs = pty.openpty()
    stream = open(theirs, "w")  # noqa: SIM115, closing it again fails where the fault is not mended
    display = Display(stream)
    assert display.live
    os.close(ours)
    display.show("1 of 2 stages: x")
    display.say("x  00:07")
    display.close()
    print("what others say now", file=stream, flush=True)
    stream.close()


def test_a_pipe_that_no_one_reads_any_more_is_no_error():
    ours, theirs = os.pipe()
    stream = open(theirs, "w")  # noqa: SIM115
    display = Display(stream)
    os.close(ours)
    display.say("x  00:07")
    stream.close()
