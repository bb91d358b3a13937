"""Whether latencies, ages and backlogs are right, and what it costs to measure them: the fourth part of the table."""

import subprocess

import agreement  # noqa: F401
import paused  # noqa: F401
import watching  # noqa: F401
import metrics_cost  # noqa: F401
from line import MEASURED, Line

COLUMNS = (("what", 72), ("figure", 14), ("goal", 14), ("met", 3), ("details", 0))


def print_line(*cells):
    escaped = (str(cell).replace("|", "\\|") for cell in cells)
    print("| " + " | ".join(f"{cell:<{width}}" for cell, (_, width) in zip(escaped, COLUMNS)) + " |", flush=True)


def show(words):
    """Only the groups whose name is one of the words, or all. Returns whether none failed."""
    chosen = [group for group in MEASURED if group[0] in words] or MEASURED
    print()
    print_line(*(name for name, _ in COLUMNS))
    print_line(*("-" * max(width, 3) for _, width in COLUMNS))
    good = True
    for name, title, function in chosen:
        try:
            for line in function():
                print_line(line.what, line.figure, line.goal, {True: "yes", False: "NO", None: "?"}[line.met], line.details)
        except (OSError, AssertionError, RuntimeError, subprocess.CalledProcessError) as error:
            print_line(*Line(title, "", "", None)[:3], "?", f"failed ({name}): {error}")
            good = False
    return good
