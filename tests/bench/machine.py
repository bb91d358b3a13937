"""The machine that is measured on: what it is, and what its disk has done."""

import os
import platform
import re
import subprocess
from typing import NamedTuple


class Disk(NamedTuple):
    """What the disk of the working directory has done since the machine started; None if nobody counts it."""

    written: int | None  # bytes
    flushes: int | None


def disk():
    """A partition's writes are its own. Flushes are counted for the whole disk only."""
    path = device()
    if path is None:
        return Disk(None, None)
    whole = os.path.dirname(path) if os.path.exists(f"{path}/partition") else path
    flushes = counters(whole)[15:16]  # not counted before Linux 5.5
    return Disk(counters(path)[6] * 512, flushes[0] if flushes else None)


def device():
    """Its folder in /sys; None if the file system is not on one block device, as tmpfs and btrfs."""
    number = os.stat(".").st_dev
    path = os.path.realpath(f"/sys/dev/block/{os.major(number)}:{os.minor(number)}")
    return path if os.path.exists(f"{path}/stat") else None


def counters(path):
    """See Documentation/block/stat.rst of Linux."""
    return [int(word) for word in content(f"{path}/stat").split()]


def difference(before, after):
    return None if before is None or after is None else after - before


def content(path):
    with open(path) as file:
        return file.read()


def first(pattern, text, default):
    found = re.search(pattern, text, re.MULTILINE)
    return found[1] if found else default


def processors():
    """Those that this process may use."""
    return sorted(os.sched_getaffinity(0))


def describe():
    """One line that names the machine."""
    model = first(r"^model name\s*: (.*)", content("/proc/cpuinfo"), platform.machine())
    virtual = ", virtual" if re.search(r"^flags.*\bhypervisor\b", content("/proc/cpuinfo"), re.MULTILINE) else ""
    memory = int(first(r"^MemTotal:\s*(\d+)", content("/proc/meminfo"), "0")) / (1 << 20)
    command = ["findmnt", "-nfo", "FSTYPE,SOURCE", "-T", "."]
    kind = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    path = device()
    cache = f"{path}/queue/write_cache" if path else ""
    cached = f", cache: {content(cache).strip()}" if os.path.exists(cache) else ""
    return (f"{len(processors())} x {model}{virtual}; {memory:.0f} GiB of memory; Linux {platform.release()}; "
            f"{' on '.join(dict.fromkeys(kind))}{cached}")
