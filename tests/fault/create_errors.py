"""Every call of stream-create fails, one at a time, once or from then on: afterwards there is a stream that works, or none and
an error. By default a sample is tried; SHARDLOG_CREATE_ERRORS=0 tries everything."""

import os
import subprocess

from injection import calls_made, faults_of, outcomes, sampled, tracing
from support import Folder, check, program, run, scale

SAMPLE = scale("SHARDLOG_CREATE_ERRORS", 60)
# The undoing: where that fails too, a directory under a temporary name may be left.
REMOVALS = {"unlink", "rmdir"}


def all_faults():
    with Folder() as folder:
        trace = folder + "/trace"
        subprocess.run([*tracing(trace), program("stream-create"), folder + "/untroubled"], check=True)
        calls = calls_made(trace)
    check(len(calls) > 100, f"only {len(calls)} calls of stream-create seen")
    return faults_of(calls)


def is_easily_overlooked(fault):
    """The answers of the syncs and of the way into the write-ahead log."""
    return fault.call in ("fsync", "fdatasync") and fault.error == "ENOSPC" and not fault.following or fault.call == "clone3"


def works(stream):
    run("stream-put", stream, input=b"a\n")
    check(run("stream-get", stream) == b"a\n", f"{stream}: not the record that was put")


def attempt(fault):
    with Folder() as folder:
        return exit_status(folder, fault)


def exit_status(folder, fault):
    stream = folder + "/stream"
    done = subprocess.run([*fault.options(), program("stream-create"), stream], capture_output=True, timeout=60)
    message = done.stderr.decode()
    said = f"{fault}: exit {done.returncode}: {message}"
    made = os.path.exists(stream)
    if done.returncode == 0:
        check(made and not message, said)
    else:
        check(message.startswith("stream-create: ") and message.count("\n") == 1, said)
        expected = {73} if "create stream" in message and not made else {74, 75} if not made else {74}
        check(done.returncode in expected, said)
        check(not made or "it is created" in message or "close stdout" in message, said)
    if made:
        works(stream)
    left = [name for name in os.listdir(folder) if name != "stream"]
    check(not left or fault.call in REMOVALS, f"{said} leaves {left}")
    return done.returncode


faults = all_faults()
found = outcomes(attempt, sampled(faults, SAMPLE, always=filter(is_easily_overlooked, faults)))
print(f"{sum(found.values())} faults: exit statuses {found}")
