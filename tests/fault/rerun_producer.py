"""stream-put --producer killed at random moments and run again with the same input until it ends: the stream is the input."""

import collections
import subprocess
import threading
import time

from support import Folder, check, check_dense, program, records, run, scale, seeded, verify

KILLS = scale("SHARDLOG_RERUNS", 25)
RECORDS = 20_000


class Case:
    """A way to put an input, and whether the stream that comes of it is the input."""

    def __init__(self, folder, name, shards, options, same, fed=None):
        self.stream = f"{folder}/stream-{name}"
        self.name = name
        self.shards = shards
        self.options = options
        self.same = same
        self.fed = fed  # pieces that come by a pipe, so that there are many commits

    def start_over(self):
        subprocess.run(["rm", "-rf", self.stream], check=True)
        run("stream-create", self.stream, "--shards", str(self.shards))

    def start(self):
        command = [program("stream-put"), self.stream, "--producer", "p", *self.options]
        if self.fed is None:
            return subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE)
        threading.Thread(target=feed, args=(process.stdin, self.fed)).start()
        return process


def feed(pipe, pieces):
    try:
        with pipe:
            for piece in pieces:
                pipe.write(piece)
                pipe.flush()
    except BrokenPipeError:
        pass


def end_of(process):
    """Its messages. (communicate() would close what the thread writes to.)"""
    message = process.stderr.read().decode()
    process.stderr.close()
    process.wait()
    return message


def put_until_done(case, randomness, usual, left):
    """Returns how many runs were killed, at most `left`."""
    killed = 0
    while True:
        process = case.start()
        if killed < left:
            time.sleep(randomness.random() * usual)  # not a wait for anything: the moment of the kill
            process.kill()
        message = end_of(process)
        if process.returncode == 0:
            return killed
        check(process.returncode == -9 and message == "", f"{case.name}: exit {process.returncode}: {message}")
        killed += 1


def seconds_of(case):
    case.start_over()
    start = time.monotonic()
    process = case.start()
    message = end_of(process)
    check(process.returncode == 0, f"{case.name}: exit {process.returncode}: {message}")
    return time.monotonic() - start


def pieces_of(path, randomness):
    with open(path, "rb") as file:
        content = file.read()
    pieces, at = [], 0
    while at < len(content):
        size = randomness.randrange(1, 20_000)
        pieces.append(content[at : at + size])
        at += size
    return pieces


def in_order(found):
    """What is to come back whole and in order."""
    return [record["data"] for record in found]


def by_key(found):
    """What is to come back in order for each key."""
    keys = collections.defaultdict(list)
    for record in found:
        keys[record["key"]].append(record["data"])
    return dict(keys)


def main():
    randomness = seeded()
    with Folder() as folder:
        data = [f"{i} {i % 13} {'x' * randomness.randrange(60)}" for i in range(RECORDS)]
        lines, frames, mirror = folder + "/lines", folder + "/frames", folder + "/json"
        with open(lines, "w") as file:
            file.writelines(line + "\n" for line in data)
        run("stream-create", folder + "/source", "--shards", "3")
        run("stream-put", folder + "/source", "--key-field", "2", lines)
        for path, form in ((frames, "--frames"), (mirror, "--json")):
            with open(path, "wb") as file:
                file.write(run("stream-get", folder + "/source", form))
        keyed = by_key({"key": line.split()[1], "data": line} for line in data)
        cases = [
            Case(folder, "one", 1, [lines], lambda found: in_order(found) == data),
            Case(folder, "many", 4, [lines], lambda found: in_order(found) == data),
            Case(folder, "keyed", 4, ["--key-field", "2", lines], lambda found: by_key(found) == keyed),
            Case(folder, "fed", 4, ["--key-field", "2"], lambda found: by_key(found) == keyed, pieces_of(lines, randomness)),
            Case(folder, "paced", 1, ["--rate", "100000", lines], lambda found: in_order(found) == data),
            Case(folder, "frames", 2, ["--frames", "--rate", "100000", frames], lambda found: by_key(found) == keyed),
            Case(folder, "json", 2, ["--json"], lambda found: by_key(found) == keyed, pieces_of(mirror, randomness)),
        ]
        killed = rounds = partly = paced = 0
        usual = {case.name: seconds_of(case) for case in cases}
        while killed < KILLS:
            case = cases[rounds % len(cases)]
            case.start_over()
            # Some runs are long enough to end, so that several kills meet one input.
            kills = put_until_done(case, randomness, usual[case.name] * 1.2, min(randomness.randrange(1, 8), KILLS - killed))
            found = records(case.stream)
            check(len(found) == RECORDS, f"{case.name}: {len(found)} records, not {RECORDS}")
            check(case.same(found), f"{case.name}: the stream is not the input")
            check_dense(found)
            verify(case.stream)
            partly += len({record["arrived"] for record in found}) > 1
            paced += "--rate" in case.options
            killed += kills
            rounds += 1
        # Those at a rate are, unless the machine stands still; how many of the others are, depends on its load.
        check(partly > 0 and partly * 2 >= paced, f"only {partly} of {rounds} inputs were stored in several commits, {paced} at a rate")
        print(f"{killed} kills of {rounds} inputs, {partly} of them stored in several commits")


main()
