"""The rows of streams on NATS: against NATS's own client on the same three nodes, with one message a record."""

import data
from competing import compared
from getting import latencies_between
from measure import NOW, PAIRS, Pair, Side, at_least, at_most, median, run, times
from peers import NatsCluster
from row import Row, row

EACH = times(5000)  # records that are put one after the other
ASYNCHRONOUS = 200_000  # records: a few seconds of the client's


def some_lines(most, file="lines"):
    count = min(most, data.count(data.file(file)))
    run(f"head -n {count} {file} > some")
    return count


def put(nats, shards, file):
    return Side(f"{NOW.put} {nats.stream('s')} < {file}", nats.fresh("s", shards), file, nats.processor)


def against_client(mode, count, shards, goal, file="lines"):
    some_lines(count, file)
    with NatsCluster() as nats:
        theirs = Side(nats.command(f"{mode} < some"), nats.command("make 3"), "some", nats.processor)
        yield compared(Pair(put(nats, shards, file), theirs), goal)


@row("put lines on NATS, three nodes, against single publishes, each acknowledged before the next")
def nats_put_each():
    yield from against_client("put-each", EACH, 1, at_least(1000))


@row("put words on NATS, three nodes, against single publishes, each acknowledged before the next")
def nats_put_words_each():
    yield from against_client("put-each", EACH, 1, at_least(1000), "words")


@row("put lines on NATS, three nodes, 16 shards, against single publishes, each acknowledged before the next")
def nats_put_each_16_shards():
    yield from against_client("put-each", EACH, 16, at_least(900))


@row("put lines on NATS, three nodes, against its client's asynchronous publishes, a message a record")
def nats_put_asynchronous():
    yield from against_client("put", ASYNCHRONOUS, 1, at_least(10))


@row("get lines on NATS, three nodes, against its client's pull consumer, a message a record")
def nats_get():
    count = some_lines(ASYNCHRONOUS)
    with NatsCluster() as nats:
        run(nats.fresh("s", 4) + f"; {NOW.put} {nats.stream('s')} < lines")
        run(nats.command("make 3") + "; " + nats.command("put < some"))
        ours = Side(f"{NOW.get} {nats.stream('s')} | cat > /dev/null", server=nats.processor)
        theirs = Side(nats.command(f"get {count} | cat > /dev/null"), None, "some", nats.processor)
        yield compared(Pair(ours, theirs), at_least(5))


@row("put to get --follow on NATS, three nodes, idle machine: p50 in ms")
def nats_follow():
    count = times(1000)
    with NatsCluster() as nats:
        address = nats.stream("s")

        def ours():
            run(nats.fresh("s", 4))
            return latencies_between([NOW.put, address], [NOW.get, address, "--follow"], count)

        runs = [ours() for _ in range(PAIRS)]
        yield Row([median(each) for each in runs], at_most(2))
        yield Row([each[count * 99 // 100] for each in runs], None, "the same: p99 in ms")
