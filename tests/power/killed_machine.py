"""A test that is killed while its machine is on leaves no loop device, and so no mount and no process that uses it."""

import os
import signal
import subprocess
import sys

from machine import Machine, in_own_namespaces, require_machine
from support import Folder, check, wait_for

HOLD = "--hold"  # and a folder


def hold(folder):
    """The test that is killed. Says which loop device it uses."""
    require_machine(folder + "/probe")
    with Machine(folder) as machine:
        machine.switch_on()
        with open("/proc/self/mounts") as mounts:
            print(*(source for source, place, *_ in map(str.split, mounts) if place == machine.root), flush=True)
        sys.stdin.read()


def is_attached(device):
    return os.path.exists(f"/sys/block/{os.path.basename(device)}/loop")


def test_kill(folder, number):
    os.mkdir(folder)
    holder = subprocess.Popen([sys.executable, __file__, HOLD, folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, text=True)
    device = holder.stdout.readline().strip()
    if device.startswith("SKIPPED"):
        print(device)
        sys.exit(77)
    check(device.startswith("/dev/loop") and is_attached(device), f"no loop device is in use: {device}")
    holder.send_signal(number)
    holder.wait(30)
    wait_for(lambda: not is_attached(device), f"{device} to be detached after signal {number}")


def main():
    if HOLD in sys.argv:
        return in_own_namespaces(lambda: hold(sys.argv[2]))
    with Folder() as folder:
        for number in (signal.SIGTERM, signal.SIGKILL):
            test_kill(f"{folder}/{int(number)}", number)


main()
