"""Runs the rows in pairs, A B A B, and prints medians, spreads and ratios.

usage: table.py BUILD [WORD...]     only the rows whose title holds one of the words; growth and capacity show the second and the third part alone

$SHARDLOG_BENCH_MIB      size of the large file (2048)
$SHARDLOG_PAIRS          pairs of runs (5)
$SHARDLOG_GROWTH         records in the largest stream of the second part (100,000,000)
$SHARDLOG_BENCH_LOGS     a file of logs for the rows with logs, instead of made up ones
"""

import os
import shutil
import sys
import tempfile

os.environ["SHARDLOG_BUILD"] = os.path.abspath(sys.argv[1])

import capacity  # noqa: E402: these look at the environment
import data  # noqa: E402
import growth  # noqa: E402
from measure import MEBIBYTES, PAIRS, median, spread  # noqa: E402
from rows import ROWS  # noqa: E402


def print_row(title, goal, better, function):
    values, figures = function()
    value = median(values)
    sign = ">=" if better == "more" else "<="
    met = "" if goal is None else "yes" if (value >= goal if better == "more" else value <= goal) else "NO"
    aim = "" if goal is None else f"{sign} {goal}"
    print(f"{title:<72} {value:>7.2f} {spread(values):>16} {aim:>7}  {met:<3}  {figures}", flush=True)


def main():
    words = sys.argv[2:]
    here = os.getcwd()
    folder = tempfile.mkdtemp(prefix="shardlog-bench-")
    os.chdir(folder)
    try:
        chosen = [row for row in ROWS if not words or any(word in row[0] for word in words)]
        if chosen:
            data.lines("lines", MEBIBYTES)
            print(f"{MEBIBYTES} MiB of {data.LINE}-byte records, {PAIRS} pairs, {os.cpu_count()} processors\n")
            print(f"{'what':<72} {'median':>7} {'spread':>16} {'goal':>7}  met  figures")
        for row in chosen:
            print_row(*row)
        if not words or "growth" in words:
            growth.show()
        if not words or "capacity" in words:
            capacity.show()
    finally:
        os.chdir(here)
        shutil.rmtree(folder)


main()
