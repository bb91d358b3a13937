"""The rows of the table. Each yields the values that are compared with its goal, and figures to show beside them."""

import os
import shlex
import subprocess
import time

import data
from measure import MEBIBYTES, PAIRS, Pair, bench, fresh, median, peak_memory, program, run, seconds
from peers import SQLITE_GET, SQLITE_PUT, Nats, Redis

PUT = program("stream-put")
GET = program("stream-get")
RESHARD = program("stream-reshard")
CLEAN = "rm -rf s out db db-wal db-shm"
OWN_LOGS = os.environ.get("SHARDLOG_BENCH_LOGS", "") and os.path.abspath(os.environ["SHARDLOG_BENCH_LOGS"])
SOME = min(1_000_000, MEBIBYTES * 1024 * 1024 // data.LINE)  # records, where a peer is too slow for the large file

ROWS = []


def row(title, goal=None, better="more"):
    """Without a goal it is for comparison only."""
    def register(function):
        ROWS.append((title, goal, better, function))
        return function
    return register


def rate(times, size=None):
    return f"{(size or os.path.getsize('lines')) / 1048576 / median(times):.0f} MiB/s"


def against(pair, size=None):
    return pair.speed_ratio(), f"{rate(pair.ours, size)} against {rate(pair.theirs, size)}"


def some_lines():
    run(f"head -n {SOME} lines > some")


def some_logs():
    """Those that $SHARDLOG_BENCH_LOGS names, or made up ones."""
    if OWN_LOGS:
        run(f"cp {shlex.quote(OWN_LOGS)} logs")
    else:
        data.json_logs("logs", min(MEBIBYTES, 512))


def per_second(pair):
    return f"{SOME / median(pair.ours) / 1e6:.2f} against {SOME / median(pair.theirs) / 1e6:.3f} million records a second"


# --- putting ---------------------------------------------------------------------------------------------------------------


@row("put lines, no key, 4 shards, against bare SQLite blobs", 0.8)
def put_against_sqlite():
    return against(Pair(f"{PUT} s < lines", f"{bench('bare_sqlite')} db blobs < lines", fresh("s", 4), CLEAN))


@row("put lines, no key, 4 shards, against cat | cat > out; sync out", 0.45)
def put_against_cat():
    return against(Pair(f"{PUT} s < lines", "cat lines | cat > out; sync out", fresh("s", 4), CLEAN))


@row("the same, compressed as is the default", 0.45)
def put_compressed_against_cat():
    return against(Pair(f"{PUT} s < lines", "cat lines | cat > out; sync out", fresh("s", 4, ""), CLEAN))


@row("put JSON logs, compressed as is the default, against cat | cat > out", 1.0)
def put_logs_against_cat():
    some_logs()
    pair = Pair(f"{PUT} s < logs", "cat logs | cat > out; sync out", fresh("s", 4, ""), CLEAN)
    return against(pair, os.path.getsize("logs"))


@row("put lines, no key: 16 shards against 1", 0.9)
def put_shards():
    return against(Pair(f"{PUT} s < lines", f"{PUT} s < lines", fresh("s", 16), fresh("s", 1)))


@row("put with --key-field, 64 shards, 10,000 keys, against no key", 0.5)
def put_keyed():
    pair = Pair(f"{PUT} s --key-field 1 < lines", f"{PUT} s < lines", fresh("s", 64), fresh("s", 64))
    millions = os.path.getsize("lines") / data.LINE / median(pair.ours) / 1e6
    return pair.speed_ratio(), f"{millions:.2f} million records a second"


@row("put with --key-json, 64 shards, 10,000 keys: million records/s", 2.0)
def put_json():
    count = data.keyed_json("json", min(MEBIBYTES, 512))
    pair = Pair(f"{PUT} s --key-json /user < json", f"{PUT} s < json", fresh("s", 64), fresh("s", 64))
    return [count / times / 1e6 for times in pair.ours], f"{median(pair.speed_ratio()):.2f} of no key"


@row("put with --producer, against without", 0.8)
def put_producer():
    return against(Pair(f"{PUT} s --producer p < lines", f"{PUT} s < lines", fresh("s", 4), fresh("s", 4)))


def putters(count):
    """Seconds that each of `count` producers takes for its part of the lines, all at once; and until the last is done."""
    start = time.monotonic()
    processes = [subprocess.Popen(f"{PUT} s < part.{i:02}", shell=True) for i in range(count)]
    times = {}
    while len(times) < count:
        pid, status = os.wait()
        assert status == 0, "a producer failed"
        times[pid] = time.monotonic() - start
    for process in processes:
        process.returncode = 0  # waited for above
    return list(times.values()), time.monotonic() - start


@row("16 producers together, against one", 0.9)
def many_producers():
    run("split -n l/16 -d lines part.")
    slowest = []

    def all_at_once():
        times, total = putters(16)
        slowest.append(median(times) / max(times))
        return total

    pair = Pair(all_at_once, f"{PUT} s < lines", fresh("s", 4), fresh("s", 4))
    run("rm part.*")
    return pair.speed_ratio(), f"{rate(pair.ours)} against {rate(pair.theirs)}; the slowest is {median(slowest):.2f} of the median"


@row("echo x | stream-put, whole process, against sqlite3 'insert' (time)", 1.5, "less")
def put_one():
    times = 50
    ours = f"for i in $(seq {times}); do echo x | {PUT} s; done"
    theirs = f"for i in $(seq {times}); do echo x | sqlite3 db \"insert into t values('x')\"; done"
    prepare = CLEAN + "; sqlite3 db 'pragma journal_mode=wal; create table t(x)'"
    pair = Pair(ours, theirs, fresh("s", 4), prepare)
    return pair.time_ratio(), f"{median(pair.ours) / times * 1000:.2f} ms against {median(pair.theirs) / times * 1000:.2f} ms"


@row("one-record commits in one process, against bare SQLite", 0.8)
def one_by_one():
    run("head -n 10000 lines > some")
    pair = Pair(f"{bench('one_by_one')} s < some", f"{bench('bare_sqlite')} db lines < some", fresh("s", 1), CLEAN)
    return pair.speed_ratio(), f"{10000 / median(pair.ours):.0f} against {10000 / median(pair.theirs):.0f} commits a second"


# --- getting ---------------------------------------------------------------------------------------------------------------


@row("get lines | cat, against cat | cat", 1.5)
def get_against_cat():
    run(fresh("s", 4) + f"; {PUT} s < lines")
    return against(Pair(f"{GET} s | cat > /dev/null", "cat lines | cat > /dev/null"))


@row("get JSON logs | cat, compressed as is the default, against cat | cat", 1.5)
def get_logs_against_cat():
    some_logs()
    run(fresh("s", 4, "") + f"; {PUT} s < logs")
    return against(Pair(f"{GET} s | cat > /dev/null", "cat logs | cat > /dev/null"), os.path.getsize("logs"))


def follow_latencies(count):
    """Milliseconds from a line's way into stream-put to its way out of stream-get --follow, one line at a time."""
    run(fresh("s", 4))
    get = subprocess.Popen([GET, "s", "--follow"], stdout=subprocess.PIPE)
    put = subprocess.Popen([PUT, "s"], stdin=subprocess.PIPE)
    latencies = []
    for i in range(count + 10):
        time.sleep(0.002)  # an idle machine
        start = time.monotonic()
        os.write(put.stdin.fileno(), b"%d\n" % i)
        os.read(get.stdout.fileno(), 100)
        latencies.append((time.monotonic() - start) * 1000)
    put.stdin.close()
    put.wait()
    get.terminate()
    get.wait()
    return sorted(latencies[10:])  # the first ones start the programs


@row("put to get --follow, idle machine: p50 in ms, sync included", 1.0, "less")
def follow_median():
    runs = [follow_latencies(1000) for _ in range(PAIRS)]
    return [median(each) for each in runs], f"p99 {median([each[989] for each in runs]):.2f} ms (goal 5)"


@row("a producer at full speed with a follower beside it, against without", 0.75)
def follower_beside():
    late = []
    count = os.path.getsize("lines") // data.LINE

    def with_follower():
        follower = subprocess.Popen(f"{GET} s --follow --count {count} | cat > /dev/null", shell=True)
        start = time.monotonic()
        producer = subprocess.Popen(f"exec {PUT} s < lines", shell=True)
        assert producer.wait() == 0
        ended = time.monotonic()
        assert follower.wait() == 0
        late.append((time.monotonic() - ended) * 1000)
        return ended - start

    pair = Pair(with_follower, f"{PUT} s < lines", fresh("s", 4), fresh("s", 4))
    return pair.speed_ratio(), f"caught up {median(late):.0f} ms after the producer's end (goal 100)"


# --- peers, at what they are best at ---------------------------------------------------------------------------------------


@row("put lines, against Redis XADD, pipelined, appendfsync always", 8)
def put_against_redis():
    some_lines()
    with Redis("always") as redis:
        pair = Pair(f"{PUT} s < some", lambda: redis.put("some"), fresh("s", 4), redis.flush)
    return pair.speed_ratio(), per_second(pair)


@row("put lines, against redis-benchmark XADD -P 100, appendfsync always")
def put_against_redis_benchmark():
    some_lines()
    with Redis("always") as redis:
        pair = Pair(f"{PUT} s < some", lambda: redis.benchmark(SOME), fresh("s", 4), redis.flush)
    return pair.speed_ratio(), per_second(pair)


@row("put lines, against redis-benchmark XADD -P 100, appendfsync everysec")
def put_against_redis_everysec():
    some_lines()
    with Redis("everysec") as redis:
        pair = Pair(f"{PUT} s < some", lambda: redis.benchmark(SOME), fresh("s", 4), redis.flush)
    return pair.speed_ratio(), per_second(pair) + " (it may lose a second)"


@row("get lines, against Redis XREAD COUNT 10000")
def get_against_redis():
    some_lines()
    with Redis("everysec") as redis:
        redis.put("some")
        run(fresh("s", 4) + f"; {PUT} s < some")
        pair = Pair(f"{GET} s | cat > /dev/null", lambda: redis.get(SOME))
    return pair.speed_ratio(), per_second(pair)


@row("put lines, against NATS JetStream, one node, files")
def put_against_nats():
    some_lines()
    ours, theirs = [], []
    for _ in range(PAIRS):
        ours.append(Pair.timed(f"{PUT} s < some", fresh("s", 4)))
        with Nats() as nats:  # a new one each time: its stream cannot be put to twice
            theirs.append(Pair.timed(nats.command("put < some"), None))
    figures = f"{SOME / median(ours) / 1e6:.2f} against {SOME / median(theirs) / 1e6:.3f} million records a second (it may lose two minutes)"
    return [b / a for a, b in zip(ours, theirs)], figures


@row("get lines, against a NATS JetStream puller")
def get_against_nats():
    some_lines()
    run(fresh("s", 4) + f"; {PUT} s < some")
    with Nats() as nats:
        run(nats.command("put < some"))
        pair = Pair(f"{GET} s | cat > /dev/null", nats.command(f"get {SOME} | cat > /dev/null"))
    return pair.speed_ratio(), per_second(pair)


@row("put lines, against sqlite3 .import into a WAL database")
def put_against_import():
    some_lines()
    pair = Pair(f"{PUT} s < some", f"{SQLITE_PUT} < some", fresh("s", 4), CLEAN)
    return pair.speed_ratio(), per_second(pair)


@row("get lines, against sqlite3 SELECT")
def get_against_select():
    some_lines()
    run(fresh("s", 4) + f"; {PUT} s < some; {SQLITE_PUT} < some")
    pair = Pair(f"{GET} s | cat > /dev/null", f"{SQLITE_GET} | cat > /dev/null")
    return pair.speed_ratio(), per_second(pair)


# --- shards and memory -----------------------------------------------------------------------------------------------------


def one_shard(what):
    return f"{bench('one_shard')} s {what}"


@row("1,000 readers of one shard each, against one of all 1,000 (time)", 3, "less")
def each_shard():
    run("rm -rf s; " + one_shard("make"))
    pair = Pair(one_shard("each"), one_shard("all"))
    return [10 * ratio for ratio in pair.time_ratio()], f"{median(pair.ours):.2f} s against {median(pair.theirs) / 10:.2f}"


@row("a reader of one shard of 1,000, against one of all (time)", 0.01, "less")
def only_one_shard():
    run("rm -rf s; " + one_shard("make"))
    pair = Pair(one_shard("one"), one_shard("all"))
    pages = seconds(one_shard("page"))
    figures = f"{median(pair.ours) * 10:.1f} ms against {median(pair.theirs) * 100:.0f}; a page from its middle {pages:.2f} ms"
    return [ratio / 10 for ratio in pair.time_ratio()], figures


@row("scale 1 to 10,000 shards and back: time a step, against 1,000", 1.5, "less")
def scale_shards():
    def there_and_back(shards):
        return f"{RESHARD} scale s {shards}; {RESHARD} scale s 1"

    pair = Pair(there_and_back(10_000), there_and_back(1_000), fresh("s", 1), fresh("s", 1))
    figures = f"{median(pair.ours) / 20_000 * 1e6:.0f} against {median(pair.theirs) / 2_000 * 1e6:.0f} us a step"
    return [ratio / 10 for ratio in pair.time_ratio()], figures


@row("memory of scaling to 10,000 shards and back in MiB", 64, "less")
def memory_of_scaling():
    run(fresh("s", 1))
    sizes = [peak_memory(f"{RESHARD} scale s {shards}") for shards in (10_000, 1)]
    return [max(sizes)], f"there {sizes[0]:.0f}, back {sizes[1]:.0f}"


@row("memory of put and get in MiB, 1000 shards included", 64, "less")
def memory():
    largest = {}
    for shards in (4, 1000):
        for options in ("--compression none", ""):
            run(fresh("s", shards, options))
            how = f"{shards} shards{'' if options else ', compressed'}"
            largest[f"put, {how}"] = peak_memory(f"{PUT} s --key-field 1 < lines")
            largest[f"get, {how}"] = peak_memory(f"{GET} s > /dev/null")
    return [max(largest.values())], ", ".join(f"{name} {size:.0f}" for name, size in largest.items())
