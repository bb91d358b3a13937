"""What a line of the part `latency` is: a figure that has to be right, and not only fast."""

from typing import NamedTuple

MEASURED = []  # (name, title, function) of each group of lines, in the order in which they are printed


class Line(NamedTuple):
    what: str
    figure: str
    goal: str
    met: bool | None  # None if it could not be measured here; then `details` say why
    details: str = ""


def lines(title):
    """Registers a function that yields lines. Its name chooses them."""
    def register(function):
        MEASURED.append((function.__name__, title, function))
        return function
    return register


def not_measured(what, goal, why):
    return Line(what, "", goal, None, f"not measured: {why}")


def worst_factor(estimates):
    """Of pairs of what was estimated and what it really was: by how much the worst was wrong, in either direction."""
    return max(max(estimate / real, real / estimate) for estimate, real in estimates)
