"""A program that is stopped at a chosen place, and others beside it that answer in time."""

import os
import signal
import subprocess
import tempfile
import time

from support import check, program, stopped, traced_program, wait_for

TIMEOUT = 0.3  # seconds that the others wait
SLACK = 5  # seconds that they may take beyond it, on a slow machine
PATIENCE = ("--timeout", f"{int(TIMEOUT * 1000)}ms")


class StoppedProgram:
    """One that stops when its call of fcntl number `when` returns; `pid` is None if it ended before."""

    def __init__(self, folder, name, arguments, when):
        handle, self.trace = tempfile.mkstemp(prefix="trace.", dir=folder)  # empty: an older one tells of another stop
        os.close(handle)
        self.name = name
        self.pid = None
        self.tracer = subprocess.Popen(
            ["strace", "-qq", "-o", self.trace, "-e", "trace=fcntl", "-e", f"inject=fcntl:signal=SIGSTOP:when={when}",
             program(name), *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        wait_for(lambda: self.was_stopped() or self.tracer.poll() is not None, f"the stop of {name} at call {when}")
        if self.was_stopped():
            wait_for(lambda: traced_program(self.tracer.pid, name), f"{name} in the list of processes")
            self.pid = traced_program(self.tracer.pid, name)
            self.tracer.kill()  # the program stays stopped, as one that was never traced
            self.tracer.wait()
            wait_for(lambda: stopped(self.pid), f"{name} to be stopped")
        else:
            check(self.tracer.returncode == 0, f"{name} failed without a stop: {self.tracer.stderr.read().decode()}")
        self.tracer.stderr.close()

    def was_stopped(self):
        return os.path.exists(self.trace) and "--- stopped by SIGSTOP ---" in open(self.trace).read()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.pid is not None and os.path.exists(f"/proc/{self.pid}"):
            os.kill(self.pid, signal.SIGKILL)

    def end(self, number):
        os.kill(self.pid, number)
        wait_for(lambda: not os.path.exists(f"/proc/{self.pid}"), f"{self.name} to end")

    @property
    def description(self):
        return f"process {self.pid} ({self.name}, stopped)"


class Other:
    """A program beside a stopped one."""

    def __init__(self, *command, given=b"", slack=SLACK):
        self.command = command
        self.slack = slack
        self.output = None
        with tempfile.TemporaryFile() as file:
            file.write(given)
            file.seek(0)
            self.begun = time.monotonic()
            self.process = subprocess.Popen([program(command[0]), *command[1:], *PATIENCE], stdin=file,
                                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def answer(self, holder):
        """Its output, or None if it was held up; then it names the holder."""
        self.output, errors = self.process.communicate()
        took = time.monotonic() - self.begun
        status = self.process.returncode
        what = f"{self.command} beside {holder.description}: exit {status} after {took:.2f} s: {errors.decode()}"
        check(took < TIMEOUT + self.slack, f"too late: {what}")
        if status == 0:
            return self.output
        check(status == 75 and holder.description in errors.decode(), what)
        check(took >= TIMEOUT, f"too soon: {what}")
        return None
