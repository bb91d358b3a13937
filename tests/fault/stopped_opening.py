"""A process that is stopped while it opens a stream, at every fcntl(2) of that: the others answer within their --timeout,
with what they were asked for or with 75 and whom they wait for. When it goes on or dies, so does everything else."""

import fcntl
import functools
import os
import random
import shutil
import signal
import subprocess

from stopped_program import PATIENCE, Other, StoppedProgram
from support import Folder, beside_each_other, check, printed_seed, program, run, scale, strace, traced_program, verify, wait_for

EVERY = scale("SHARDLOG_STOPPED_EVERY", 5)  # of the calls, from a random one on; of stream-get and stream-put every fourth
seed = printed_seed()

STOPPED = {
    "stream-get": lambda stream: [stream],
    "stream-put": lambda stream: [stream, "/dev/stdin"],
    "stream-stats": lambda stream: [stream],
    "stream-create": lambda stream: ["--update", "--tag", "a=b", stream],
}


class Scene:
    """A stream with five records, and perhaps one that was never committed."""

    def __init__(self, folder, crashed):
        self.model = f"{folder}/model.{crashed}"
        run("stream-create", self.model)
        run("stream-put", self.model, input=b"1\n2\n3\n4\n5\n")
        self.before = [b"1", b"2", b"3", b"4", b"5"]
        if crashed:
            killed = subprocess.run([*strace("-o", "/dev/null", "-e", "inject=fdatasync:signal=KILL:when=1"),
                                     program("stream-put"), self.model], input=b"6\n")
            check(killed.returncode != 0, "the put was not killed")
            self.before = run("stream-get", self.model).splitlines()  # whichever it was

    def copy(self, path):
        shutil.copytree(self.model, path)
        return path


def walk(folder, scene, name, when):
    """How many of the others were held up, or None if the program does not call fcntl that often."""
    stream = scene.copy(f"{folder}/{name}.{when}")
    with StoppedProgram(folder, name, STOPPED[name](stream), when) as held:
        if held.pid is None:
            return None
        put, get, stats = (Other("stream-put", stream, given=b"other\n"), Other("stream-get", stream),
                           Other("stream-stats", stream, "--json"))
        stored, read, shown = put.answer(held), get.answer(held), stats.answer(held)
        check(read is None or read.splitlines()[: len(scene.before)] == scene.before, f"{stream}: read {read}")
        held.end(signal.SIGKILL if when % 2 else signal.SIGCONT)
    run("stream-put", stream, input=b"after\n")
    acknowledged = scene.before + ([b"other"] if stored is not None else []) + [b"after"]
    found = run("stream-get", stream).splitlines()
    check(found == acknowledged, f"{stream}: {found} where {acknowledged} was acknowledged")
    verify(stream)
    shutil.rmtree(stream)
    return [stored, read, shown].count(None)


def others_answer_in_time(folder, name):
    """While the named program is stopped."""
    scene = Scene(folder, name == "stream-put")
    step = EVERY if name in ("stream-stats", "stream-create") else min(EVERY, 4)
    held_up, calls = 0, 0
    for first in range(random.Random(seed).randint(1, step), 1000, 4 * step):
        steps = range(first, first + 4 * step, step)
        outcomes = beside_each_other(lambda when: walk(folder, scene, name, when), steps)
        seen = [outcome for outcome in outcomes if outcome is not None]
        held_up += sum(seen)
        calls += len(seen)
        if len(seen) < len(outcomes):
            break
    check(calls * step > 20, f"{name} was stopped at {calls} calls only")
    check(held_up * step > 5, f"{name} held up {held_up} others only")
    print(f"{name} stopped at each of {calls} calls: {held_up} of {3 * calls} others were held up, and said by whom")


def spoil_shared_header(stream):
    """What is left by a writer that was killed while it told the others of its commit: two copies that differ. The next one
    that begins to read or to write recovers the log, beside others that have it open."""
    with open(stream + "/stream.db-shm", "r+b") as file:  # of another process, so no lock of SQLite's is dropped
        file.seek(8)
        counter = file.read(1)[0]
        file.seek(8)
        file.write(bytes([counter ^ 1]))


def put_beside(folder, scene, when):
    """True if a put that had the stream open before was held up; None if there is no such call."""
    stream = scene.copy(f"{folder}/open.{when}")
    put = subprocess.Popen([program("stream-put"), stream, "--ack", *PATIENCE], stdin=subprocess.PIPE,
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    put.stdin.write(b"one\n")
    put.stdin.flush()
    check(put.stdout.readline().startswith(b"shardId-"), "no acknowledgement")
    spoil_shared_header(stream)
    with StoppedProgram(folder, "stream-get", [stream], when) as held:
        if held.pid is not None:
            put.stdin.write(b"two\n")
            put.stdin.flush()
            acknowledged = put.stdout.readline()
            put.stdin.close()
            errors = put.stderr.read().decode()
            status = put.wait()
            answered = status == 0 if acknowledged else status == 75 and held.description in errors
            check(answered, f"put beside {held.description} at call {when}: exit {status}, {acknowledged}: {errors}")
    put.kill()
    put.wait()
    if held.pid is None:
        return None
    found = run("stream-get", stream).splitlines()
    check(found == scene.before + [b"one"] + ([b"two"] if acknowledged else []), f"{stream}: {found}")
    return not acknowledged


def an_open_writer_answers_in_time(folder):
    scene = Scene(folder, False)
    outcomes = beside_each_other(lambda when: put_beside(folder, scene, when), range(1, 41))
    check(outcomes.count(True) > 5, f"the open writer was never held up: {outcomes}")
    print(f"an open writer was held up at {outcomes.count(True)} of {40 - outcomes.count(None)} calls, and said by whom")


def holds_exclusive_lock(pid):
    """Not the one that says that the process is there, at byte 128."""
    with open("/proc/locks") as file:
        return any(line.split()[3:5] == ["WRITE", str(pid)] and line.split()[6] != "128" for line in file)


def waits_to_go_on(pid):
    """By its other threads: they are not traced, so T is a stop."""
    states = []
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/stat") as file:
            states.append(file.read().rsplit(")", 1)[1].split()[0])
    return "T" in states


def a_stop_waits_for_the_opening(folder):
    scene = Scene(folder, True)
    tracer = subprocess.Popen(  # each call takes long, so that the stop comes between them
        ["strace", "-qq", "-o", "/dev/null", "-e", "trace=fcntl", "-e", "inject=fcntl:delay_exit=40000", program("stream-get"),
         scene.model], stdout=subprocess.PIPE, process_group=0)  # as a shell does: nobody could continue an orphaned group
    wait_for(lambda: traced_program(tracer.pid, "stream-get"), "the program")
    pid = traced_program(tracer.pid, "stream-get")
    try:
        wait_for(lambda: holds_exclusive_lock(pid), "the recovery of the log")
        os.kill(pid, signal.SIGTSTP)
        wait_for(lambda: waits_to_go_on(pid), "the stop")
        check(not holds_exclusive_lock(pid), "it was stopped within the recovery")
        run("stream-put", scene.model, *PATIENCE, input=b"more\n")
        expected = scene.before + [b"more"]
        check(run("stream-get", scene.model, *PATIENCE).splitlines() == expected, "a reader was not served")
        os.kill(pid, signal.SIGCONT)
        check(tracer.communicate()[0].splitlines() == expected, "the stopped reader did not go on")
    finally:
        if tracer.poll() is None:
            os.kill(pid, signal.SIGKILL)
    print("a stop waits for the end of the opening")


def a_list_of_locks_that_lacks_the_holder_is_read_again(folder):
    """As the kernel gives it at times, when other locks come and go meanwhile."""
    stream = Scene(folder, False).model
    with open(stream + "/lock") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        traced = strace("-o", "/dev/null", "-P", "/proc/locks", "-e", "trace=read", "-e", "inject=read:retval=0:when=1")
        done = subprocess.run([*traced, program("stream-put"), stream, *PATIENCE], input=b"x\n", capture_output=True)
    check(done.returncode == 75 and f"process {os.getpid()} (" in done.stderr.decode(), f"{done.returncode}: {done.stderr}")
    print("a list of locks that lacks the holder is read again")


TESTS = [*(functools.partial(others_answer_in_time, name=name) for name in STOPPED), an_open_writer_answers_in_time,
         a_stop_waits_for_the_opening, a_list_of_locks_that_lacks_the_holder_is_read_again]


def in_own_folder(test):
    with Folder() as folder:
        test(folder)


strace()  # or skip
beside_each_other(in_own_folder, TESTS)
