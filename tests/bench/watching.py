"""A page that is watched for long: whether its program takes more and more memory or descriptors."""

import fcntl
import os
import pty
import select
import struct
import termios
import time

from line import Line, lines
from live import Consumer, Producer, go_on_for
from measure import NOW, run

SECONDS = float(os.environ.get("SHARDLOG_WATCH_SECONDS", 600))
FIRST = min(60.0, SECONDS / 4)  # until memory is as it should stay
SAMPLED = min(15.0, SECONDS / 4)  # seconds over which the most memory counts: a page is made, and gone again
KEYS = b"4321"
RATE = 200


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


class Samples:
    """Memory and descriptors a second after each key, by the time."""

    def __init__(self, page, others):
        self.rows, self.pressed = [], 0
        start = time.monotonic()
        while (now := time.monotonic() - start) < SECONDS:
            page.press(KEYS[self.pressed % len(KEYS):][:1])
            self.pressed += 1
            go_on_for((*others, page), max(0.05, self.pressed * min(1.0, SECONDS / 40) - now))
            self.rows.append((now, page.memory(), page.descriptors()))

    def most(self, start, what):
        return max(row[what] for row in self.rows if start <= row[0] <= start + SAMPLED)

    def line(self, what, kind, allowed, goal, unit=""):
        first, last = self.most(FIRST, what), self.most(SECONDS - SAMPLED, what)
        return Line(f"--watch: {kind} after {FIRST:.0f} s and after {SECONDS:.0f} s", f"{first:,}, {last:,}{unit}", goal,
                    last <= first * allowed)


@lines("stream-stats --watch for long")
def watch():
    run(NOW.fresh("s", 4) + f"; for c in a b; do {NOW.get} s -q -c $c; done")
    others = [Producer("s", RATE), Consumer("s", "a"), Consumer("s", "b")]
    page = OnTerminal("s")
    try:
        samples = Samples(page, others)
        status = page.end()
    finally:
        for each in others:
            each.end()
    assert status == 0, f"it ended with {status}"
    assert page.pages > samples.pressed, f"{page.pages} pages, {samples.pressed} keys"
    memory = samples.line(1, "memory", 1.05, "+ 5 %", " KiB")
    yield memory._replace(details=f"{page.pages:,} pages, {page.bytes:,} bytes, {samples.pressed:,} keys")
    yield samples.line(2, "descriptors", 1, "the same")
