"""The disk fails at the Nth write or sync of a put: the exit status says what is known, earlier acknowledgements stand, and
the next put goes on."""

import os
import subprocess

from support import Folder, check, check_acknowledged, check_dense, parse_acknowledgements, program, records, run, strace, verify

MOST = 60  # calls of each kind; a put of this size makes fewer
FAULTS = [("fdatasync", "EIO", {74}), ("pwrite64", "EIO", {74}), ("pwrite64", "ENOSPC", {75}),
          ("pwrite64", "EDQUOT", {75}), ("pwrite64", "EFBIG", {75})]


def is_marked(stream):
    """Whether a writer could not learn the outcome of a commit: a byte after the mark of the newest synced batch (shardlog(5))."""
    return os.path.getsize(stream + "/lock") % 32 == 1


def put_with_fault(stream, lines, call, error, when):
    return subprocess.run(
        [*strace("-o", "/dev/null", "-e", f"inject={call}:error={error}:when={when}"),
         program("stream-put"), stream, lines, "--ack"], capture_output=True)


def test(call, error, statuses):
    with Folder() as folder:
        stream = folder + "/stream"
        lines = folder + "/lines"
        with open(lines, "w") as file:
            file.write("".join(f"line {i}\n" for i in range(100)))
        run("stream-create", stream)
        acknowledged = {}
        failed = 0
        for when in range(1, MOST):
            done = put_with_fault(stream, lines, call, error, when)
            message = done.stderr.decode()
            for i, place in enumerate(parse_acknowledgements(done.stdout)):
                acknowledged[place] = f"line {i}"
            if done.returncode == 0:
                check(when > 1, f"{call} {error}: not one call was seen")
                break
            failed += 1
            check(done.returncode in statuses, f"{call} {error} at {when}: exit {done.returncode}: {message}")
            check(message.startswith("stream-put: ") and message.count("\n") == 1, f"{call} {error} at {when}: {message}")
            if "append" in message:
                check("committed" in message, f"{call} {error} at {when}: does not say what was committed: {message}")
            if done.returncode == 74 and "append" in message:
                check(is_marked(stream), f"{call} {error} at {when}: the unknown outcome was not marked")
            # The next writer settles it and goes on.
            for i, place in enumerate(parse_acknowledgements(run("stream-put", stream, lines, "--ack"))):
                acknowledged[place] = f"line {i}"
            check(not is_marked(stream), f"{call} {error} at {when}: the mark was not taken away")
        else:
            check(False, f"{call} {error}: more than {MOST} calls")
        found = records(stream)
        check_acknowledged(acknowledged, found, f"{call} {error}: ")
        check(len(found) % 100 == 0, f"{call} {error}: a commit was torn")
        check_dense(found)
        verify(stream)
        print(f"{call} {error}: failed {failed} times, {len(found)} records stored")


def openings(stream, lines):
    """Which of the put's calls of openat open a file of the stream."""
    trace = lines + ".trace"
    subprocess.run([*strace("-o", trace, "-e", "trace=openat"), program("stream-put"), stream, lines], check=True)
    with open(trace) as calls:
        return [i for i, call in enumerate(calls, 1) if stream + "/" in call]


def test_descriptors():
    """SQLite goes on to read a file that it could not open for writing; that is no question of permission."""
    with Folder() as folder:
        stream = folder + "/stream"
        lines = folder + "/lines"
        with open(lines, "w") as file:
            file.write("a\n")
        run("stream-create", stream)
        found = openings(stream, lines)
        check(len(found) >= 4, f"only {len(found)} files of the stream are opened")
        for when in found:
            for following in ("", "+"):
                done = put_with_fault(stream, lines, "openat", "EMFILE", f"{when}{following}")
                message = done.stderr.decode()
                check(done.returncode in (0, 75), f"openat EMFILE at {when}{following}: exit {done.returncode}: {message}")
                check(done.returncode == 0 or "Too many open files" in message, f"openat EMFILE at {when}{following}: {message}")
        verify(stream)
        print(f"openat EMFILE: at {len(found)} calls")


test_descriptors()
for fault in FAULTS:
    test(*fault)
