"""Random streams, made with the real programs, and random requests: what stream-get prints is what Python chooses from all
there is. By shard, key, position, count, and everything together."""

import datetime
import hashlib
import json
import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parent.parent / "fault"))
from support import Folder, check, records, run, scale, seeded  # noqa: E402

STREAMS = scale("SHARDLOG_STREAMS", 2)
COMMITS = scale("SHARDLOG_COMMITS", 25)
REQUESTS = scale("SHARDLOG_REQUESTS", 75)

EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
KEYS = ["a", "ab", "b", "key with blanks", "é🦊", *(f"k{number}" for number in range(20))]


def shards_of(stream):
    return json.loads(run("stream-stats", stream, "--json"))["shards"]


def reshard(randomness, stream):
    found = [shard["shard"] for shard in shards_of(stream) if shard["open"]]
    if randomness.random() < 0.5:
        run("stream-reshard", "split", stream, randomness.choice(found))
    else:
        run("stream-reshard", "scale", stream, str(randomness.randint(1, 6)))


def build(randomness, stream):
    run("stream-create", stream, "--shards", str(randomness.choice([1, 1, 2, 5, 16])))
    for number in range(COMMITS):
        count = randomness.choice([1, 2, 10, 200])
        kind = randomness.random()
        if kind < 0.15:
            reshard(randomness, stream)
        elif kind < 0.4:
            run("stream-put", stream, input=b"".join(b"%d.%d\n" % (number, i) for i in range(count)))
        elif kind < 0.6:
            run("stream-put", stream, "-k", randomness.choice(KEYS), input=b"%d of one\n" % number * count)
        else:
            lines = (f"{randomness.choice(KEYS)}\t{number}.{i}\n" for i in range(count))
            run("stream-put", stream, "--key-field", "1", "-F", r"\t", input="".join(lines).encode())


def microseconds(time):
    return (datetime.datetime.fromisoformat(time.replace("Z", "+00:00")) - EPOCH) // datetime.timedelta(microseconds=1)


def descendants_of(chosen, shards):
    family = set(chosen)
    for shard in sorted(shards, key=lambda s: s["shard"]):  # children have higher ids than their parents
        if family.intersection(shard["parents"]):
            family.add(shard["shard"])
    return family


def lineage_of(key, shards):
    point = int.from_bytes(hashlib.md5(key.encode()).digest(), "big")
    return {s["shard"] for s in shards if int(s["first_hash_key"]) <= point <= int(s["last_hash_key"])}


def random_position(randomness, whole, one_shard):
    """What is written, and of a list of records the place that is meant."""
    record = randomness.choice(whole)
    kind = randomness.choice(["trim-horizon", "last", "time", "time", *(["at", "after"] * 2 if one_shard else [])])
    if kind == "trim-horizon":
        return kind, lambda found: 0
    if kind == "last":
        count = randomness.choice([0, 1, 2, randomness.randint(0, len(whole)), len(whole), len(whole) + 1])
        return f"last:{count}", lambda found: max(0, len(found) - count)
    if kind == "time":
        # A microsecond makes the difference between two commits.
        time = microseconds(record["arrived"]) + randomness.choice([-1, 0, 0, 1])
        return "@%d.%06d" % divmod(time, 1000000), lambda found: sum(microseconds(r["arrived"]) < time for r in found)
    sequence = int(record["sequence"]) + randomness.choice([-1, 0, 0, 1])
    first = sequence + 1 if kind == "after" else sequence
    return f"{kind}:{sequence}", lambda found: sum(int(r["sequence"]) < first for r in found)


def random_request(randomness, whole, shards):
    """Options, and the records they ask for."""
    options, chosen, key = [], {s["shard"] for s in shards}, None
    kind = randomness.random()
    if kind < 0.3:
        chosen = set(randomness.sample(sorted(chosen), randomness.randint(1, min(3, len(chosen)))))
        options += [part for shard in chosen for part in ("--shard", shard)]
        if randomness.random() < 0.4:
            options.append("--descendants")
            chosen = descendants_of(chosen, shards)
    elif kind < 0.5:
        chosen = {randomness.choice(whole)["shard"]}
        options += ["--shard", *chosen]
    elif kind < 0.8:
        key = randomness.choice(KEYS)
        options += ["-k", key]
        chosen = lineage_of(key, shards)
    found = [r for r in whole if r["shard"] in chosen]
    one_shard = len(chosen) == 1 and "--shard" in options and "--descendants" not in options
    near = found if one_shard and found else whole
    start, end = 0, len(found)
    if randomness.random() < 0.7:
        position, place = random_position(randomness, near, one_shard)
        options += ["--from", position]
        start = place(found)
    if randomness.random() < 0.5:
        position, place = random_position(randomness, near, one_shard)
        options += ["--until", position]
        end = place(found)
    found = [r for r in found[start:end] if key is None or r["key"] == key]
    if randomness.random() < 0.3:
        count = randomness.choice([0, 1, randomness.randint(0, len(whole))])
        options += ["-n", str(count)]
        found = found[:count]
    return options, found


def check_request(randomness, stream, whole, shards):
    options, expected = random_request(randomness, whole, shards)
    if randomness.random() < 0.5:
        found = [json.loads(line) for line in run("stream-get", stream, "--json", *options).splitlines()]
        same = found == expected
    else:
        found = run("stream-get", stream, *options)
        same = found == "".join(record["data"] + "\n" for record in expected).encode()
    check(same, f"{options}: {found}, not {expected}")
    return len(expected)


def main():
    randomness = seeded()
    printed = 0
    for _ in range(STREAMS):
        with Folder() as folder:
            stream = folder + "/stream"
            build(randomness, stream)
            whole, shards = records(stream), shards_of(stream)
            for _ in range(REQUESTS):
                printed += check_request(randomness, stream, whole, shards)
    check(printed > 0, "nothing was ever asked for")
    print(f"{STREAMS} streams, {REQUESTS} requests each, {printed} records")


main()
