"""A signal that comes within a commit waits for its end: a process that stops or dies there would hold up all other writers."""

import os
import signal
import subprocess

from support import Folder, check, program, run, stopped, strace, traced_program, wait_for

SLOW = 600_000  # microseconds that a call is made to take


def lock_is_held(stream):
    return subprocess.run(["flock", "-n", stream + "/lock", "true"]).returncode != 0


class SlowPut:
    """A put whose commit takes long, by the system call that is made slow, caught within it."""

    def __init__(self, folder, stream, slow_call):
        self.trace = f"{folder}/{slow_call}"
        self.tracer = subprocess.Popen(
            [*strace("-o", self.trace, "-e", f"trace={slow_call}", "-e", f"inject={slow_call}:delay_enter={SLOW}"),
             program("stream-put"), stream, "--ack"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            process_group=0)  # as a shell does: nobody could continue an orphaned group
        wait_for(lambda: traced_program(self.tracer.pid, "stream-put"), "the program")
        self.pid = traced_program(self.tracer.pid, "stream-put")
        self.tracer.stdin.write(b"a line\n")
        self.tracer.stdin.flush()
        # Before its first slow call it may still give up the lock, to stop at once.
        wait_for(lambda: lock_is_held(stream) and self.is_in_slow_call(), "the commit")

    def is_in_slow_call(self):
        """strace writes the beginning of a call before it makes it wait."""
        with open(self.trace) as file:
            last = file.read().rpartition("\n")[2]
        return "(" in last and " = " not in last


def test_stop(folder, stream):
    put = SlowPut(folder, stream, "fdatasync")
    os.kill(put.pid, signal.SIGTSTP)
    wait_for(lambda: stopped(put.pid) and not lock_is_held(stream), "the stop, without the lock")
    check(run("stream-get", stream) == b"a line\n", "the commit was stopped in its middle")
    run("stream-put", stream, input=b"another\n")
    os.kill(put.pid, signal.SIGCONT)
    check(put.tracer.stdout.readline().startswith(b"shardId-"), "no acknowledgement")
    put.tracer.stdin.close()
    check(put.tracer.wait() == 0, "the stopped put did not go on")


def test_second_signal_kills_after_the_commit(folder, stream):
    put = SlowPut(folder, stream, "pwrite64")  # before the log holds the commit: a kill would undo it
    os.kill(put.pid, signal.SIGTERM)
    os.kill(put.pid, signal.SIGINT)
    put.tracer.wait()
    check(not lock_is_held(stream), "the lock outlived its holder")
    lines = run("stream-get", stream).splitlines()
    check(lines.count(b"a line") == 2, f"the commit was cut off: {lines}")  # one of each test

with Folder() as folder:
    stream = folder + "/stream"
    run("stream-create", stream)
    test_stop(folder, stream)
    test_second_signal_kills_after_the_commit(folder, stream)
    print("signals within a commit wait for its end")
