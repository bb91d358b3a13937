"""A consumer that is paused, goes on, and catches up: what stream-stats says of it, against what really happens."""

import json
import re
import subprocess
import time

from line import Line, lines, not_measured, worst_factor
from live import Consumer, Look, Producer, Watch, go_on, go_on_for
from measure import NOW, QUICK, run

LOOKS = 8 if QUICK else 30
RATE = 200  # records a second that are put
FULL = 1000  # the same while a backlog is piled up, which takes long with RATE
PILED_UP = 3 if QUICK else 40  # seconds
CATCHING_UP = 1000 if QUICK else 325  # records a second that the consumer's reader takes then
FIRST_PAGES = 5  # it takes four pages to tell
LEAST_LEFT = 1 if QUICK else 30  # seconds; the checkpoint moves in steps, which are more than a half of what is left then
LONGEST = 60 if QUICK else 900  # seconds that catching up may take


class Scene:
    """A stream that is written and read, and pages that show it every second."""

    def __init__(self):
        run(NOW.fresh("s", 1) + f"; {NOW.get} s -q -c audit")
        self.producer = Producer("s", RATE)
        self.consumer = Consumer("s", "audit")
        self.pages, self.figures = Watch("s", "--watch", "1s"), Watch("s", "--watch", "1s", "--json")
        self.all = (self.producer, self.consumer, self.pages, self.figures)

    def look(self):
        return Look("s", self.all, self.producer)

    def settle(self):
        """Until everything is processed, with nothing more to come."""
        self.producer.change(0)
        assert go_on(self.all, lambda: self.producer.acked == self.producer.written), "records were not acknowledged"
        assert go_on(self.all, lambda: self.consumer.taken() == self.producer.acked), "the consumer does not read"
        assert go_on(self.all, lambda: self.look().backlog == 0), "the checkpoints do not follow what was read"

    def end(self):
        for each in (self.pages, self.figures, self.consumer, self.producer):
            each.end()


def slope(points):
    """Of the straight line that is nearest to the points."""
    mean_x = sum(x for x, _ in points) / len(points)
    mean_y = sum(y for _, y in points) / len(points)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / sum((x - mean_x) ** 2 for x, _ in points)


def looks_every_second(scene, count):
    looks, start = [], time.monotonic()
    for number in range(1, count + 1):
        go_on_for(scene.all, max(0.0, start + number - time.monotonic()))
        looks.append(scene.look())
    return looks


def age_line(looks, first):
    """`first` is when the oldest record that is not processed was acknowledged."""
    growth = slope([(look.when, look.age) for look in looks])
    apart = max(abs(look.age - (look.when - first)) for look in looks)
    return Line("a paused consumer: its age grows by", f"{growth:.3f} s/s", "1 +- 2 %", abs(growth - 1) <= 0.02,
                f"{len(looks)} looks; the age is at most {apart * 1000:.0f} ms from that seen from outside")


def backlog_line(looks, processed):
    """A record may be stored and not acknowledged yet, so what was written is the upper bound."""
    exact = [look for look in looks if look.acked <= processed + look.backlog <= look.written]
    unsure = max(look.written - look.acked for look in looks)
    return Line("its backlog is exact", f"{len(exact)} of {len(looks)}", "all", len(exact) == len(looks),
                f"{looks[-1].backlog:,} records at last; at most {unsure} came during a look")


def trends(figures):
    return [json.loads(line)["consumers"][0]["trend"] for _, line in figures]


def words_line(scene, since):
    """Of the pages, and of the trend in those of --json."""
    pages = [line for _, line in scene.pages.since(since) if line.startswith("audit ")][FIRST_PAGES:]
    figures = trends(scene.figures.since(since))[FIRST_PAGES:]
    said = [re.search(r"falling behind by ([\d,]+)/s", page) for page in pages]
    rates = [float(found[1].replace(",", "")) if found else 0.0 for found in said] + [trend or 0.0 for trend in figures]
    assert pages and figures, "--watch shows no pages"
    good = [rate for rate in rates if 0.9 * RATE <= rate <= 1.1 * RATE]
    return Line("the pages say 'falling behind by' as many as are put", f"{len(good)} of {len(rates)}", "all",
                len(good) == len(rates), f"{len(pages)} pages, {len(figures)} trends: {min(rates):.0f} to {max(rates):.0f}/s")


def estimates_of(looks, caught_up):
    """Of those who say something: how long it would take, and how long it took."""
    said = [(when, consumer["caught_up_in_seconds"]) for when, consumer in looks]
    return [(estimate, caught_up - when) for when, estimate in said
            if estimate is not None and estimate > 0 and caught_up - when >= LEAST_LEFT]


def estimate_line(what, looks, caught_up, details):
    estimates = estimates_of(looks, caught_up)
    if not estimates:
        return not_measured(what, "<= 1.5", "nothing was estimated")
    factor = worst_factor(estimates)
    worst = max(estimates, key=lambda each: worst_factor([each]))
    return Line(what, f"{factor:.2f}", "<= 1.5", factor <= 1.5,
                f"{len(estimates)} estimates; the worst: {worst[0]:.0f} s, it took {worst[1]:.0f} s{details}")


def catch_up(scene):
    """Looks by programs that show one page, and so go by whole minutes, every few seconds, until it has caught up."""
    looks, end = [], time.monotonic() + LONGEST
    while scene.consumer.taken() < scene.producer.acked:
        assert time.monotonic() < end, "it does not catch up"
        if go_on(scene.all, lambda: scene.consumer.taken() >= scene.producer.acked, 1 if QUICK else 5):
            break
        look = scene.look()
        looks.append((look.when, look.consumer))
    return looks, time.time()


def catching_up_lines(scene):
    resumed = time.time()
    scene.consumer.limit(CATCHING_UP)
    scene.consumer.resume()
    looks, caught_up = catch_up(scene)
    minute = resumed + (2 if QUICK else 60)
    watched = [(when, json.loads(line)["consumers"][0]) for when, line in scene.figures.since(minute)]
    took = f"; caught up after {caught_up - resumed:.0f} s"
    yield estimate_line("the estimates of --watch: by what factor the worst is wrong", watched, caught_up, took)
    yield estimate_line("those of a single page, by whole minutes", [look for look in looks if look[0] >= minute], caught_up, took)


def idle_line(scene):
    """A stream to which nothing comes, with a consumer that has processed all: it reads, is stopped, and is gone."""
    def ages():
        return [look.age or look.consumer["figures"]["age"] or 0.0 for look in looks_every_second(scene, 3)]

    scene.consumer.limit(None)
    scene.settle()
    reading = ages()
    scene.consumer.pause()
    stopped = ages()
    scene.consumer.end()
    scene.all = tuple(each for each in scene.all if each is not scene.consumer)
    oldest = max(reading + stopped + ages())
    return Line("the age on an idle stream: reader running, stopped and gone", f"{oldest:.3f} s", "0", oldest == 0)


@lines("a consumer that is paused and catches up")
def paused():
    scene = Scene()
    try:
        go_on_for(scene.all, 2)
        scene.settle()
        processed = scene.producer.acked
        scene.consumer.pause()
        scene.producer.change(RATE)
        since = time.time()
        assert go_on(scene.all, lambda: scene.producer.first_ack is not None), "nothing was acknowledged"
        looks = looks_every_second(scene, LOOKS)
        yield age_line(looks, scene.producer.first_ack)
        yield backlog_line(looks, processed)
        yield words_line(scene, since)
        scene.producer.change(FULL)
        go_on_for(scene.all, PILED_UP)
        scene.producer.change(RATE)
        assert scene.consumer.is_paused(), "somebody else has resumed the consumer"
        yield from catching_up_lines(scene)
        yield idle_line(scene)
    finally:
        scene.end()
