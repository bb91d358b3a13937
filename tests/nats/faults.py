"""How a process is disturbed between two of its messages to the servers."""

import os
import sys
import time

sys.path.append(os.path.join(os.path.dirname(__file__), "..", "fault"))

from support import beside_each_other, check, wait_for

WINDOW = "?duplicate-window=2s"  # of the streams, so that servers forget soon
BEYOND_WINDOW = 2.5  # seconds

# Whether the fault comes before the message gets to the servers or after they have answered it, what is done to the process,
# and what becomes of that message or answer in the end.
KINDS = {
    "killed before": (False, "kill", "lose"),
    "killed, and the message comes late": (False, "kill", "let_go"),
    "killed after": (True, "kill", "lose"),
    "paused before": (False, "pause", "let_go"),
    "paused after": (True, "pause", "let_go"),
    "paused, and the answer is lost": (True, "pause", "lose"),
    "cut within the message": (False, None, "cut"),
    "cut within the answer": (True, None, "cut"),
}


class Fault:
    """One, at the number-th message to a subject like `pattern`. First strike(), and later end()."""

    def __init__(self, proxy, kind, pattern, number=1):
        answered, self.process, self.message = KINDS[kind]
        self.pattern = pattern
        self.what = f"{kind}: message {number} to {pattern or 'anything'}"
        self.caught = proxy.catch(pattern, number, answered=answered)
        self.program = None

    @property
    def kills(self):
        return self.process == "kill"

    @property
    def lets_run(self):
        return self.process is None

    def strike(self, program, seconds=30):
        """Waits for the message, and disturbs the process that has sent it. Returns whether it could: a run may have a message less
        than another one."""
        wait_for(lambda: self.caught.has_come() or program.has_ended(), self.what, seconds)
        if not self.caught.has_come():
            check(not self.pattern, f"there is no {self.what}")
            return False
        if self.process is None:
            self.caught.cut()
        else:
            try:
                getattr(program, self.process)()
            except FileNotFoundError:  # that was its last message, for whose answer it does not wait
                self.caught.let_go()
                return False
        self.program = program
        return True

    def end(self):
        """The process that was paused goes on; what was held comes late, or not at all."""
        if self.program and self.process:
            getattr(self.caught, self.message)()
        if self.program and self.process == "pause":
            self.program.go_on()


def own_name(name):
    """Of a stream that no other run on the same cluster has."""
    return f"{name}-{os.getpid()}"


def wait_beyond_window():
    time.sleep(BEYOND_WINDOW)  # what the servers remember is over then


def run_cases(nodes, cases, at_once=12):
    """Each case is a function, which gets the nodes, a name of its own and the arguments, and returns what is wrong."""

    def run_case(numbered):
        number, (work, arguments) = numbered
        what = f"{work.__name__} {' '.join(map(str, arguments))}"
        name = f"{own_name(work.__name__)}-{number}"
        try:
            found = work(nodes, name, *arguments)
            nodes.remove(name)
        except SystemExit as failed:
            found = [str(failed).removeprefix("FAILED: ")]
        return [f"\n  {number} {what}: {each}" for each in found]

    findings = sum(beside_each_other(run_case, list(enumerate(cases)), at_once), [])
    check(not findings, "".join(findings[:40]))
