"""Runs the rows in pairs, A B A B, and prints medians, quartiles, goals and costs, as a table of Markdown.

usage: table.py BUILD [--quick] [--list] [WORD...]

Only the rows whose name or title holds one of the words; growth, capacity and latency are the second, the third and the
fourth part. A word after latency chooses some of its lines: agree, poll, paused, watch or cost.
--quick runs everything with small sizes, to see that it works. --list prints the names and titles of the rows.
The variables that choose the sizes are in README.md.
"""

import os
import shutil
import subprocess
import sys
import tempfile

OPTIONS = {word for word in sys.argv[2:] if word.startswith("--")}
WORDS = [word for word in sys.argv[2:] if word not in OPTIONS]
if len(sys.argv) < 2 or OPTIONS - {"--quick", "--list"}:
    sys.exit(__doc__)
os.environ["SHARDLOG_BUILD"] = sys.argv[1]
if "--quick" in OPTIONS:
    small = {"SHARDLOG_BENCH_MIB": "8", "SHARDLOG_PAIRS": "2", "SHARDLOG_GROWTH": "100000", "SHARDLOG_CAPACITY_SECONDS": "1",
             "SHARDLOG_WATCH_SECONDS": "4"}
    os.environ.update({name: os.environ.get(name, value) for name, value in small.items()})

# They look at the environment, and the table has its rows in the order in which they are imported.
import machine  # noqa: E402
import limits  # noqa: E402, F401
import putting  # noqa: E402, F401
import getting  # noqa: E402, F401
import competing  # noqa: E402, F401
import on_nats  # noqa: E402, F401
import serving  # noqa: E402, F401
import bounds  # noqa: E402, F401
import growth  # noqa: E402
import capacity  # noqa: E402
import latency  # noqa: E402
from measure import GB, GIB, MEBIBYTES, NOW, PAIRS, median, quartiles  # noqa: E402
from row import RECORDED  # noqa: E402

COLUMNS = (("what", 86), ("median", 6), ("quartiles", 16), ("goal", 7), ("met", 3), ("processor s/GB", 14),
           ("written/byte", 12), ("flushes/GiB", 11), ("figures", 0))


def print_line(cells):
    escaped = (str(cell).replace("|", "\\|") for cell in cells)
    print("| " + " | ".join(f"{cell:<{width}}" for cell, (_, width) in zip(escaped, COLUMNS)) + " |", flush=True)


def number(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}" if value >= 0.001 else "0"


def costs(sides, what, unit):
    """Ours, and theirs, for so many bytes of records."""
    known = [side.each(what, unit / side.size) for side in sides if side.size]
    return ", ".join(number(median(values)) for values in known if values)


def print_row(title, row):
    title = row.what or title
    if not row.values:
        print_line((title, "", "", row.goal or "", "?", "", "", "", "not measured: " + row.figures))
        return
    lower, upper = quartiles(row.values)
    met = "" if row.goal is None else "yes" if row.goal.met(row.values) else "NO"
    print_line((title, number(median(row.values)), f"{number(lower)} to {number(upper)}", row.goal or "", met,
                costs(row.sides, "processor", GB), costs(row.sides, "written", 1), costs(row.sides, "flushes", GIB), row.figures))


def print_rows(rows):
    """Whether none failed."""
    version = subprocess.run([NOW.put, "--version"], check=True, capture_output=True, text=True).stdout.splitlines()[0]
    print(f"{machine.describe()}; {version}; {MEBIBYTES} MiB, {PAIRS} pairs\n")
    print_line(name for name, _ in COLUMNS)
    print_line("-" * max(width, 3) for _, width in COLUMNS)
    good = True
    for name, title, function in rows:
        try:
            for row in function():
                print_row(title, row)
        except (OSError, AssertionError, subprocess.CalledProcessError) as error:
            print_line((title, "", "", "", "?", "", "", "", f"failed ({name}): {error}"))
            good = False
    return good


def measure_all():
    chosen = [row for row in RECORDED if not WORDS or any(word in row[0] or word in row[1] for word in WORDS)]
    good = not chosen or print_rows(chosen)
    if not WORDS or "growth" in WORDS:
        growth.show()
    if not WORDS or "capacity" in WORDS:
        capacity.show()
    if not WORDS or "latency" in WORDS:
        good = latency.show(WORDS) and good
    return good


def main():
    if "--list" in OPTIONS:
        for name, title, _ in RECORDED:
            print(f"{name:<20} {title}")
        return True
    here = os.getcwd()
    folder = tempfile.mkdtemp(prefix="shardlog-bench-")
    os.chdir(folder)
    try:
        return measure_all()
    finally:
        os.chdir(here)
        shutil.rmtree(folder)


sys.exit(0 if main() else 1)
