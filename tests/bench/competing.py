"""The rows of peers, each at what it is best at. A peer gets fewer records if it would take minutes for all of them."""

import data
from measure import CLEAN, NOW, Pair, Side, at_least, median, run
from peers import SQLITE_GET, SQLITE_PUT, Nats, Redis
from row import Row, row

PUT, GET = NOW.put, NOW.get


def some_lines():
    """How many lines are in `some`: at most a million."""
    count = min(1_000_000, data.count(data.file("lines")))
    run(f"head -n {count} lines > some")
    return count


def put_lines():
    return Side(f"{PUT} s < lines", NOW.fresh("s", 4))


def get_lines():
    run(NOW.fresh("s", 4) + f"; {PUT} s < lines")
    return Side(f"{GET} s | cat > /dev/null")


def compared(pair, goal=None, figures=""):
    rates = " against ".join(f"{median(side.rates()) * (1 << 20) / data.LINE / 1e6:.3g}" for side in (pair.ours, pair.theirs))
    return Row(pair.speed(), goal, None, (pair.ours, pair.theirs), f"{rates} million records a second{figures}")


@row("put lines, against Redis XADD, pipelined, appendfsync always")
def put_redis():
    count = some_lines()
    commands = Redis.commands("some")
    with Redis("always") as redis:
        theirs = Side(lambda: redis.put(commands, count), redis.flush, "some", redis.processor)
        yield compared(Pair(put_lines(), theirs), at_least(20))


def put_redis_benchmark(sync, figures=""):
    count = some_lines()
    with Redis(sync) as redis:
        theirs = Side(lambda: redis.benchmark(count), redis.flush, "some", redis.processor)
        yield compared(Pair(put_lines(), theirs), figures=figures)


@row("put lines, against redis-benchmark XADD -P 100, appendfsync always")
def put_redis_always():
    yield from put_redis_benchmark("always")


@row("put lines, against redis-benchmark XADD -P 100, appendfsync everysec")
def put_redis_everysec():
    yield from put_redis_benchmark("everysec", " (it may lose a second)")


@row("get lines, against Redis XREAD COUNT 10000")
def get_redis():
    count = some_lines()
    with Redis("everysec") as redis:
        redis.put(Redis.commands("some"), count)
        yield compared(Pair(get_lines(), Side(lambda: redis.get(count), None, "some", redis.processor)), at_least(10))


@row("put lines, against NATS JetStream, one node, files")
def put_nats():
    some_lines()
    with Nats() as nats:
        theirs = Side(lambda: run(nats.command("put < some")), nats.renew, "some", nats.processor)
        yield compared(Pair(put_lines(), theirs), figures=" (it may lose two minutes)")


@row("get lines, against a NATS JetStream puller")
def get_nats():
    count = some_lines()
    with Nats() as nats:
        run(nats.command("put < some"))
        yield compared(Pair(get_lines(), Side(nats.command(f"get {count} | cat > /dev/null"), None, "some", nats.processor)))


@row("put lines, against sqlite3 .import into a WAL database")
def put_import():
    some_lines()
    yield compared(Pair(put_lines(), Side(f"{SQLITE_PUT} < some", CLEAN, "some")))


@row("get lines, against sqlite3 SELECT")
def get_select():
    some_lines()
    ours = get_lines()
    run(f"{SQLITE_PUT} < some")
    yield compared(Pair(ours, Side(f"{SQLITE_GET} | cat > /dev/null", None, "some")))
