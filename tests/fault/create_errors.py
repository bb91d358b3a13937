"""Every call of stream-create fails, one at a time, once or from then on: afterwards there is a stream that works, or none and
an error. By default a sample is tried; SHARDLOG_CREATE_ERRORS=0 tries everything."""

import collections
import concurrent.futures
import os
import re
import subprocess

from support import Folder, check, program, run, scale, seeded, strace

SAMPLE = scale("SHARDLOG_CREATE_ERRORS", 60)
ERRORS = {
    "EIO": None,  # any call but clone3
    "ENOSPC": {"chmod", "fchmod", "fdatasync", "fsync", "ftruncate", "mkdir", "openat", "pwrite64", "renameat2"},
    "EDQUOT": {"chmod", "fchmod", "fdatasync", "fsync", "ftruncate", "mkdir", "openat", "pwrite64", "renameat2"},
    "EMFILE": {"eventfd2", "openat", "signalfd4"},
    "EAGAIN": {"clone3", "fcntl", "getrandom"},
}
# Memory, threads, and what only this process sees of itself; a write that wakes another thread never fails.
NOT_TRIED = re.compile(r"mmap|munmap|mprotect|madvise|brk|futex|rt_sig.*|rseq|set_robust_list|exit.*|poll|get.*id|write")
# The undoing: where that fails too, a directory under a temporary name may be left.
REMOVALS = {"unlink", "rmdir"}
# At once: after most failures of fcntl SQLite waits 10 seconds for the lock.
WORKERS = 16

Fault = collections.namedtuple("Fault", "call error when following")


def calls_of_create(folder):
    """(call, which of its kind) from the first one of ours on, in the order of a run without faults."""
    output = folder + "/trace"
    subprocess.run([*strace("-o", output), program("stream-create"), folder + "/untroubled"], check=True)
    with open(output, errors="replace") as lines:
        traced = [line.split(None, 1) for line in lines]
    main_thread = traced[0][0]  # counts are of each thread
    counts = collections.Counter()
    found = []
    for thread, line in traced:
        call = re.match(r"(\w+)\(", line)
        if thread != main_thread or not call:
            continue
        name = call.group(1)
        counts[name] += 1
        if found or line.startswith("fcntl(0, F_GETFD)"):  # what comes before is the loader's
            found.append((name, counts[name]))
    return [(name, when) for name, when in found if not NOT_TRIED.fullmatch(name)]


def faults(calls):
    return [Fault(call, error, when, following) for call, when in calls for error, possible in ERRORS.items()
            if (call != "clone3" if possible is None else call in possible) for following in ("", "+")]


def chosen(all_faults):
    """Those of the syncs and of the way into the write-ahead log always: what they answer is easily overlooked."""
    if SAMPLE == 0:
        return all_faults
    syncs = [fault for fault in all_faults
             if fault.call in ("fsync", "fdatasync") and fault.error == "ENOSPC" and not fault.following]
    threads = [fault for fault in all_faults if fault.error == "EAGAIN" and fault.call == "clone3"]
    return syncs + threads + seeded().sample(all_faults, SAMPLE)


def works(stream):
    run("stream-put", stream, input=b"a\n")
    check(run("stream-get", stream) == b"a\n", f"{stream}: not the record that was put")


def attempt(fault):
    with Folder() as folder:
        return exit_status(folder, fault)


def exit_status(folder, fault):
    stream = folder + "/stream"
    inject = f"inject={fault.call}:error={fault.error}:when={fault.when}{fault.following}"
    done = subprocess.run([*strace("-o", "/dev/null", "-e", f"trace={fault.call}", "-e", inject), program("stream-create"), stream],
                          capture_output=True, timeout=60)
    message = done.stderr.decode()
    said = f"{fault}: exit {done.returncode}: {message}"
    made = os.path.exists(stream)
    if done.returncode == 0:
        check(made and not message, said)
    else:
        check(message.startswith("stream-create: ") and message.count("\n") == 1, said)
        expected = {73} if "create stream" in message and not made else {74, 75} if not made else {74}
        check(done.returncode in expected, said)
        check(not made or "it is made" in message or "close stdout" in message, said)
    if made:
        works(stream)
    left = [name for name in os.listdir(folder) if name != "stream"]
    check(not left or fault.call in REMOVALS, f"{said} leaves {left}")
    return done.returncode


def main():
    with Folder() as folder:
        calls = calls_of_create(folder)
    check(len(calls) > 150, f"only {len(calls)} calls of stream-create seen")
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        outcomes = collections.Counter(pool.map(attempt, chosen(faults(calls))))
    print(f"{sum(outcomes.values())} faults at {len(calls)} calls: exit statuses {dict(sorted(outcomes.items()))}")


main()
