"""Errors that strace lets the calls of a program return, one call at a time, once or from then on."""

import collections
import concurrent.futures
import re

from support import check, seeded, strace

WRITING = {"chmod", "fchmod", "fallocate", "fdatasync", "fsync", "ftruncate", "mkdir", "openat", "pwrite64", "pwritev", "renameat2"}
# Which calls an error is tried at; None: all but those that make threads and processes.
ERRORS = {
    "EIO": None,
    "ENOSPC": WRITING,
    "EDQUOT": WRITING,
    "EMFILE": {"eventfd2", "inotify_init1", "openat", "pidfd_open", "pipe2", "signalfd4", "timerfd_create"},
    "EAGAIN": {"clone3", "fcntl", "flock", "getrandom", "vfork"},
}
MAKES_THREADS = {"clone", "clone3", "vfork"}
# Memory, threads, and what only this process sees of itself; a write that wakes another thread never fails (those of
# output are tried by themselves). A close that
# strace lets fail is not made, so that whoever waits for the end of a pipe would wait for ever.
NOT_TRIED = re.compile(r"mmap|munmap|mprotect|madvise|brk|futex|rt_sig.*|rseq|set_robust_list|exit.*|poll|ppoll|wait4|waitid|kill"
                       r"|sched_.*|get.*id|execve|write|close")
# At once: after some errors the programs wait, and need no processor.
WORKERS = 16


class Fault(collections.namedtuple("Fault", "call error when following path", defaults=[None])):
    """The call of its kind, counted from 1 in each thread, that returns this error; with "+", all later ones too. Only
    those of a file count where there is a path."""

    def options(self):
        inject = f"inject={self.call}:error={self.error}:when={self.when}{self.following}"
        path = ["-P", self.path] if self.path else ["--seccomp-bpf"]
        return strace(*path, "-o", "/dev/null", "-e", f"trace={self.call}", "-e", inject)


def tracing(trace):
    """The start of a command line that is traced for calls_made(): each call with its stack."""
    return strace("-k", "-o", trace)


def calls_made(trace):
    """(call, which of its kind): the first and the last from each place in the program's own code, in their order."""
    with open(trace, errors="replace") as file:
        lines = list(file)
    main_thread = lines[0].split()[0]
    others = {line.split()[0] for line in lines if re.match(r"\d+ +execve\(", line)} - {main_thread}  # of COMMANDs
    counts = collections.Counter()
    of_loader = collections.Counter()
    found = []  # [call, which of its kind, stack]
    for line in lines:
        if line.startswith(" > "):
            if found:
                found[-1][2] += line
            continue
        call = re.match(r"(\d+) +(\w+)\(", line)
        if not call or call.group(1) in others:
            continue
        thread, name = call.groups()
        if " fcntl(0, F_GETFD)" in line:  # the first call of our own
            of_loader = counts.copy()
        counts[thread, name] += 1
        # In another thread, too, a fault at so early a call would meet the loader.
        if of_loader and counts[thread, name] > of_loader[main_thread, name] and not NOT_TRIED.fullmatch(name):
            found.append([name, counts[thread, name], ""])
    firsts = {}
    lasts = {}
    for name, when, stack in found:
        firsts.setdefault((name, stack), (name, when))
        lasts[name, stack] = (name, when)
    return list(dict.fromkeys([*firsts.values(), *lasts.values()]))


def faults_of(calls):
    """All that are tried at these calls."""
    def is_tried(call, where):
        return call not in MAKES_THREADS if where is None else call in where

    return [Fault(call, error, when, following) for call, when in calls for error, where in ERRORS.items()
            if is_tried(call, where) for following in ("", "+")]


def faults_of_file(call, path, errors, most):
    """Of its first calls on one file."""
    return [Fault(call, error, when, following, path) for error in errors for when in range(1, most + 1)
            for following in ("", "+")]


def outcomes(attempt, faults):
    """How often an attempt had each outcome; several attempts are made at a time. All that fail are told."""
    failures = []

    def outcome(fault):
        try:
            return attempt(fault)
        except SystemExit as failed:
            failures.append(failed.code)

    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        counts = collections.Counter(pool.map(outcome, faults))
    check(not failures, "\n".join(failures))
    return dict(sorted(counts.items()))


def sampled(faults, count, always=()):
    """Some of the faults, chosen at random, after those that are always tried; all where count is 0."""
    if count == 0:
        return faults
    return [*always, *seeded().sample(faults, min(count, len(faults)))]
