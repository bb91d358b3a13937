"""A page that is watched for long: whether its program takes more and more memory or descriptors."""

import fcntl
import os
import pty
import select
import struct
import termios
import time
from typing import NamedTuple

from line import Line, lines
from live import Consumer, Producer, go_on_for
from measure import NOW, run

SECONDS = float(os.environ.get("SHARDLOG_WATCH_SECONDS", 600))
FIRST = min(60.0, SECONDS / 4)
FAST = FIRST  # seconds in which many pages are drawn of a stream that does not change
CACHE = 2048  # KiB that SQLite keeps of the database, once it has read that much
KEYS = b"4321"
RATE = 200
INTERVAL = min(1.0, SECONDS / 40)  # between two keys


class OnTerminal:
    """stream-stats --watch on a terminal of its own. What it draws is read and thrown away."""

    def __init__(self, stream):
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.environ["TERM"] = "xterm"
            os.execv(NOW.stats, [NOW.stats, stream, "--watch"])
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
        os.set_blocking(self.terminal, False)
        self.pages, self.bytes, self.is_there = 0, 0, True

    def tick(self):
        try:
            while piece := os.read(self.terminal, 1 << 16):
                self.pages += piece.count(b"\x1b[H")
                self.bytes += len(piece)
        except BlockingIOError:
            pass
        except OSError:  # EIO: the program has ended
            self.is_there = False

    def press(self, key):
        os.write(self.terminal, key)

    def memory(self):
        """Resident, in KiB."""
        with open(f"/proc/{self.pid}/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:"))

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def end(self):
        """Its exit status after the key q."""
        self.press(b"q")
        end = time.monotonic() + 20
        while self.is_there and time.monotonic() < end:
            select.select([self.terminal], [], [], 0.1)
            self.tick()
        assert self.is_there is False, "q does not end it"
        os.close(self.terminal)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


class Used(NamedTuple):
    memory: int  # KiB, the most: a page is made, and gone again
    descriptors: int


def use(page, others, seconds, interval):
    """Presses the keys in turn."""
    most, start, pressed = Used(0, 0), time.monotonic(), 0
    while time.monotonic() - start < seconds:
        page.press(KEYS[pressed % len(KEYS):][:1])
        pressed += 1
        go_on_for((*others, page), max(0.02, start + pressed * interval - time.monotonic()))
        most = Used(max(most.memory, page.memory()), max(most.descriptors, page.descriptors()))
    assert page.pages >= pressed, f"{page.pages} pages after {pressed} keys"
    return most


def line(what, first, last, most, goal, details):
    return Line(f"--watch: {what}", f"{first:,}, {last:,}", goal, last <= most, details)


@lines("stream-stats --watch for long")
def watch():
    run(NOW.fresh("s", 4) + f"; for c in a b; do {NOW.get} s -q -c $c; done")
    others = [Producer("s", RATE), Consumer("s", "a"), Consumer("s", "b")]
    page, new = OnTerminal("s"), None
    try:
        first = use(page, others, FIRST, INTERVAL)
        use(page, others, max(0.0, SECONDS - 2 * FIRST), INTERVAL)
        last = use(page, others, FIRST, INTERVAL)
        drawn = f"{page.pages:,} pages in {SECONDS:.0f} s"
        new = OnTerminal("s")
        fresh = use(new, [*others, page], FIRST / 4, INTERVAL / 4)
    finally:
        for each in others:
            each.end()
    before, pages = use(page, [], 1, 0.05), page.pages
    after = use(page, [], FAST, 0.05)
    assert [each.end() for each in (page, new)] == [0, 0], "it failed"
    # What a page is made from grows with the stream, so a program that has just been started shows what it takes.
    yield line("KiB of a program that is new, of one that ran for long", fresh.memory, last.memory, fresh.memory + CACHE,
               "+ 2 MiB", f"{drawn}; in the first {FIRST:.0f} s {first.memory:,}; what SQLite caches may differ")
    yield line("KiB before and after many pages of an idle stream", before.memory, after.memory, before.memory * 1.01, "+ 1 %",
               f"{page.pages - pages:,} pages")
    yield line("descriptors in the first and the last seconds", first.descriptors, max(last.descriptors, after.descriptors),
               first.descriptors, "the same", drawn)
