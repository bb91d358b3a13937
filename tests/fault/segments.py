"""Puts of large commits, and the trimming of them, meet kills and errors at the calls on the segments, which are files beside the
database. What was acknowledged stays, no commit is torn, and the next put and the next trim work."""

import collections
import os
import random
import re
import shutil
import subprocess
import threading
import time

from support import Folder, beside_each_other, check, parse_acknowledgements, printed_seed, program, run, scale, strace, verify, wait_for

POINTS = scale("SHARDLOG_SEGMENT_FAULTS", 16)  # of each kind, chosen at random
KILLS = scale("SHARDLOG_SEGMENT_KILLS", 10)
CALLS = "openat,flock,pwritev,fdatasync,fsync,ftruncate,fchmod,unlinkat,write"
LINES = 55_000
LINE = b"%099d\n"  # 5.5 MB in all: a put has its segment from 4 MiB on
seed = printed_seed()


def segments(stream):
    return [name for name in os.listdir(stream) if re.fullmatch(r"stream\.\d{8,}", name)]


def data(stream):
    return run("stream-get", stream)


def calls_of(command, trace):
    """(call, which of its kind) of all that the command makes; strace counts each thread apart."""
    done = subprocess.run([*strace("-o", trace, "-e", f"trace={CALLS}"), *command], capture_output=True)
    check(done.returncode == 0, f"{command}: exit {done.returncode}: {done.stderr.decode()}")
    counts = collections.Counter()
    with open(trace, errors="replace") as lines:
        for line in lines:
            thread, line = line.split(None, 1)
            if call := re.match(r"(\w+)\(", line):
                counts[call.group(1), thread] += 1
    most = collections.Counter()
    for (name, _), count in counts.items():
        most[name] = max(most[name], count)
    return [(name, when) for name, count in most.items() for when in range(1, count + 1)]


def sample(points):
    return random.Random(seed).sample(points, min(POINTS, len(points)))


class Puts:
    """Puts of the same lines into copies of a stream."""

    def __init__(self, folder):
        self.folder = folder
        self.lines = b"".join(LINE % i for i in range(LINES))
        self.file = folder + "/lines"
        with open(self.file, "wb") as file:
            file.write(self.lines)
        self.empty = folder + "/empty"
        run("stream-create", "--compression", "none", self.empty)
        self.stream = folder + "/stream"

    def fresh(self):
        shutil.rmtree(self.stream, ignore_errors=True)
        shutil.copytree(self.empty, self.stream)

    def command(self):
        return [program("stream-put"), self.stream, self.file, "--ack"]

    def time(self):
        """Runs a put to its end. Returns what it acknowledged, and how many seconds it took."""
        begun = time.monotonic()
        output = subprocess.run(self.command(), capture_output=True, check=True).stdout
        return output, time.monotonic() - begun

    def kill(self, moment):
        """Kills a put after `moment` seconds. Returns what it acknowledged, and whether it was still running."""
        put = subprocess.Popen(self.command(), stdout=subprocess.PIPE)
        killer = threading.Timer(moment, put.kill)
        killer.start()
        output = put.stdout.read()
        killed = put.wait() != 0
        killer.cancel()
        return output, killed

    def check_after(self, output, what):
        """Of a put that did not end well."""
        found = data(self.stream)
        check(self.lines.startswith(found), f"{what}: what is stored is not the start of the input")
        acknowledged = len(parse_acknowledgements(output))
        stored = len(found) // len(LINE % 0)
        check(stored >= acknowledged, f"{what}: {acknowledged} records acknowledged, {stored} stored")
        verify(self.stream)
        run("stream-put", self.stream, self.file)
        check(data(self.stream) == found + self.lines, f"{what}: the next put is not read after it")
        unused = [line for line in verify(self.stream).splitlines() if "note:" in line]
        check(not unused, f"{what}: after the next put: {unused}")
        return stored


def test_kills_at_calls(puts):
    puts.fresh()
    points = calls_of(puts.command(), puts.folder + "/trace")
    check(segments(puts.stream) == ["stream.00000001"], f"segments: {segments(puts.stream)}")
    check({"fchmod", "fdatasync", "fsync"} <= {name for name, _ in points}, f"only {points}")
    stored = set()
    for name, when in sample(points):
        puts.fresh()
        traced = strace("-o", "/dev/null", "-e", f"trace={name}", "-e", f"inject={name}:signal=KILL:when={when}")
        done = subprocess.run([*traced, *puts.command()], capture_output=True)
        stored.add(puts.check_after(done.stdout, f"killed at {name} {when}"))
    print(f"killed at {min(POINTS, len(points))} of {len(points)} calls; stored were {sorted(stored)}")


def test_kills_at_moments(puts):
    """More than once: each writer finds what the one before it has left."""
    puts.fresh()
    _, longest = puts.time()
    moments = random.Random(seed)
    before = puts.lines
    killed = 0
    for _ in range(KILLS):
        output, was_running = puts.kill(moments.uniform(0, longest))
        killed += was_running
        found = data(puts.stream)
        check(found.startswith(before), "what was stored before has changed")
        check(puts.lines.startswith(found[len(before):]), "what is stored is not the start of the input")
        acknowledged = len(parse_acknowledgements(output))
        check((len(found) - len(before)) // len(LINE % 0) >= acknowledged, "what was acknowledged is not there")
        before = found
    verify(puts.stream)
    check(killed > 0, "no put was killed")
    print(f"killed {killed} of {KILLS} times at random moments")


class Follower:
    """A reader that waits beside the writers: as long as it has the stream open, nobody recovers the log."""

    def __init__(self, stream):
        self.process = subprocess.Popen([program("stream-get"), "-f", stream], stdout=subprocess.DEVNULL)
        wait_for(self.has_opened, "a reader does not open the stream")

    def has_opened(self):
        with open(f"/proc/{self.process.pid}/maps") as maps:
            return "stream.db-shm" in maps.read()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


def test_kills_beside_a_reader(puts):
    """A put is killed as it syncs its commit, and the next one as it syncs what it has staged. Only then is the log
    recovered, and what it brings back must be whole."""
    puts.fresh()
    syncs = [point for point in calls_of(puts.command(), puts.folder + "/trace") if point[0] == "fdatasync"]
    kept = set()
    for name, when in syncs:
        puts.fresh()
        with Follower(puts.stream):
            outputs = []
            for options in (["-e", f"inject={name}:signal=KILL:when={when}"],
                            ["-P", puts.stream + "/stream.00000001", "-e", f"inject={name}:signal=KILL:when=1"]):
                traced = strace("-o", "/dev/null", "-e", f"trace={name}", *options)
                outputs.append(subprocess.run([*traced, *puts.command()], capture_output=True).stdout)
        verify(puts.stream)
        found = data(puts.stream)
        second = found.find(LINE % 0, 1)  # where the second put begins, if both have stored something
        of_each = [found] if second < 0 else [found[:second], found[second:]]
        check(all(puts.lines.startswith(part) for part in of_each),
              f"killed at {name} {when}: what is stored is not the start of the input, twice")
        acknowledged = sum(len(parse_acknowledgements(output)) for output in outputs)
        check(len(found) // len(LINE % 0) >= acknowledged, f"killed at {name} {when}: what was acknowledged is not there")
        kept.add(len(found) // len(LINE % 0))
    print(f"killed at {len(syncs)} syncs beside a reader; stored were {sorted(kept)}")


def test_errors(puts):
    """Each of the calls on the segment fails, once or from then on."""
    puts.fresh()
    trace = puts.folder + "/trace"
    path = puts.stream + "/stream.00000001"
    run_options = ["-P", path, "-o", trace, "-e", f"trace={CALLS}"]
    check(subprocess.run([*strace(*run_options), *puts.command()], capture_output=True).returncode == 0, "a traced put failed")
    with open(trace, errors="replace") as lines:
        calls = [call.group(1) for line in lines if (call := re.match(r"\d+ +(\w+)\(", line))]
    check({"flock", "fchmod", "pwritev", "fdatasync"} <= set(calls), f"only {set(calls)}")
    faults = [(call, error, when, following) for call in sorted(set(calls)) for when in range(1, calls.count(call) + 1)
              for error in ("EIO", "ENOSPC") for following in ("", "+")]
    statuses = {}
    for call, error, when, following in sample(faults):
        puts.fresh()
        what = f"{call} {error} at {when}{following}"
        traced = strace("-P", path, "-o", "/dev/null", "-e", f"inject={call}:error={error}:when={when}{following}")
        done = subprocess.run([*traced, *puts.command()], capture_output=True)
        message = done.stderr.decode()
        check(done.returncode in (0, 74, 75), f"{what}: exit {done.returncode}: {message}")
        check(done.returncode != 0 or data(puts.stream) == puts.lines, f"{what}: success, and not all is stored")
        check(done.returncode == 0 or "committed" in message, f"{what}: does not say what was committed: {message}")
        stored = puts.check_after(done.stdout, what) if done.returncode != 0 else LINES
        check(stored == LINES or stored == len(parse_acknowledgements(done.stdout)), f"{what}: more is stored than acknowledged")
        statuses[done.returncode] = statuses.get(done.returncode, 0) + 1
    check(len(statuses) > 1, f"no error was told: {statuses}")
    print(f"errors at {sum(statuses.values())} of {len(faults)} calls on a segment: exit {statuses}")


def test_outcomes_that_cannot_be_marked(puts):
    """The log cannot be synced, and the disk has no room to note that: what is in the log may come back all the same."""
    failed = 0
    for when in range(1, 20):
        puts.fresh()
        what = f"the log not synced at {when}, nor that noted"
        traced = strace("-o", "/dev/null", "-P", puts.stream + "/stream.db-wal", "-P", puts.stream + "/lock",
                        "-e", f"inject=fdatasync:error=EIO:when={when}", "-e", "inject=ftruncate:error=ENOSPC")
        done = subprocess.run([*traced, *puts.command()], capture_output=True)
        if done.returncode == 0:
            break
        check(done.returncode == 74, f"{what}: exit {done.returncode}: {done.stderr.decode()}")
        puts.check_after(done.stdout, what)
        failed += 1
    check(failed > 1, f"only {failed} puts failed")
    print(f"{failed} puts failed without a note of it")


def test_errors_of_a_verification(puts):
    """Only an error of the disk says something of the stream."""
    puts.fresh()
    run("stream-put", puts.stream, puts.file)
    for call, error, status in (("openat", "EMFILE", 75), ("openat", "EACCES", 77), ("pread64", "EIO", 65)):
        paths = ["-P", "stream.00000001", "-P", puts.stream + "/stream.00000001"]  # as openat has it, and as a descriptor does
        traced = strace("-o", "/dev/null", *paths, "-e", f"inject={call}:error={error}")
        done = subprocess.run([*traced, program("stream-stats"), puts.stream, "--verify"], capture_output=True)
        told = (done.stdout + done.stderr).decode()
        check(done.returncode == status, f"{call} {error}: exit {done.returncode}: {told}")


def test_a_file_that_may_not_be_shared(puts):
    """Its owner or mode cannot be set: the commits go to the database, and nobody need find out what became of them."""
    for error in ("EPERM", "EIO"):
        puts.fresh()
        traced = strace("-o", "/dev/null", "-P", puts.stream + "/stream.00000001", "-e", f"inject=fchmod:error={error}")
        done = subprocess.run([*traced, *puts.command()], capture_output=True)
        check(done.returncode == 0, f"{error}: exit {done.returncode}: {done.stderr.decode()}")
        check(data(puts.stream) == puts.lines, f"{error}: not all is stored")
        check(segments(puts.stream) == [], f"{error}: left are {segments(puts.stream)}")
        check(os.path.getsize(puts.stream + "/lock") == 32, f"{error}: the outcome of a commit is marked as unknown")
        verify(puts.stream)


def test_kills_of_a_trim(puts):
    puts.fresh()
    run("stream-put", puts.stream, puts.file)
    run("stream-put", puts.stream, input=b"kept by nobody\n")
    full = puts.folder + "/full"
    shutil.move(puts.stream, full)

    def renew():
        shutil.rmtree(puts.stream, ignore_errors=True)
        shutil.copytree(full, puts.stream)

    trim = [program("stream-create"), "--update", "--retention", "1us", puts.stream]
    renew()
    points = calls_of(trim, puts.folder + "/trace")
    check("unlinkat" in {name for name, _ in points}, f"no segment was removed: {points}")
    for name, when in [("unlinkat", 1), *sample(points)]:
        renew()
        traced = strace("-o", "/dev/null", "-e", f"trace={name}", "-e", f"inject={name}:signal=KILL:when={when}")
        subprocess.run([*traced, *trim], capture_output=True)
        verify(puts.stream)
        found = data(puts.stream)
        check(found in (b"", puts.lines + b"kept by nobody\n"), f"killed at {name} {when}: {len(found)} bytes are left")
        run(*[os.path.basename(trim[0]), *trim[1:]])
        run("stream-create", "--update", "--retention", "forever", puts.stream)
        run("stream-put", puts.stream, puts.file)
        check(data(puts.stream) == puts.lines, f"killed at {name} {when}: the next put is not read")
        left = segments(puts.stream)
        check(len(left) == 1, f"killed at {name} {when}: left are {left}")
        verify(puts.stream)
    print(f"trims killed at {min(POINTS, len(points)) + 1} of {len(points)} calls")


def test_kills_of_writers_that_trim(puts):
    """Each writer removes the segments of those before it, and is killed at any moment of that too."""
    puts.fresh()
    run("stream-create", "--update", "--retention", "20ms", puts.stream)
    output, longest = puts.time()
    last = int(parse_acknowledgements(output)[-1][1])
    moments = random.Random(seed)
    killed = 0
    for _ in range(KILLS):
        output, was_running = puts.kill(moments.uniform(0, longest))
        killed += was_running
        for _, sequence in parse_acknowledgements(output):
            check(int(sequence) > last, f"sequence {sequence} was given again after {last}")
            last = int(sequence)
        verify(puts.stream)
        check(len(segments(puts.stream)) <= 3, f"segments are left: {segments(puts.stream)}")
    check(killed > 0, "no put was killed")
    run("stream-create", "--update", "--retention", "1us", puts.stream)
    left = [name for name in segments(puts.stream) if os.path.getsize(f"{puts.stream}/{name}") > 0]
    check(len(left) <= 1, f"after everything was trimmed, there are {left}")
    print(f"killed {killed} of {KILLS} writers that trim, {last} records acknowledged")


def in_own_folder(test):
    with Folder() as folder:
        test(Puts(folder))


beside_each_other(in_own_folder, [test for name, test in list(globals().items()) if name.startswith("test_")])
