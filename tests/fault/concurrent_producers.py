"""Many producers at once: nothing is lost, nothing is stored twice, each one's order is kept, and nobody is told busy."""

import subprocess
from collections import defaultdict

from support import Folder, check, check_dense, program, records, run, scale, verify

PRODUCERS = scale("SHARDLOG_PRODUCERS", 20)
RECORDS = scale("SHARDLOG_RECORDS", 50_000)

with Folder() as folder:
    stream = folder + "/stream"
    run("stream-create", stream, "--shards", "4")
    for producer in range(PRODUCERS):
        with open(f"{folder}/{producer}", "w") as file:
            file.write("".join(f"{producer} {i}\n" for i in range(RECORDS)))

    # Through a pipe each, so that there are many commits; half of them with keys.
    def start(producer):
        cat = subprocess.Popen(["cat", f"{folder}/{producer}"], stdout=subprocess.PIPE)
        key = ["--key-field", "1"] if producer % 2 else []
        put = subprocess.Popen([program("stream-put"), stream, *key], stdin=cat.stdout, stderr=subprocess.PIPE)
        cat.stdout.close()
        return put

    for producer, put in enumerate([start(producer) for producer in range(PRODUCERS)]):
        message = put.communicate()[1]
        check(put.returncode == 0 and not message, f"producer {producer}: exit {put.returncode}: {message.decode()}")

    found = records(stream)
    by_producer = defaultdict(list)
    for record in found:
        producer, number = record["data"].split()
        by_producer[int(producer)].append(int(number))
    for producer in range(PRODUCERS):
        check(by_producer[producer] == list(range(RECORDS)), f"producer {producer}: lost, doubled or out of order")
    check(len(found) == PRODUCERS * RECORDS, f"{len(found)} records")
    check_dense(found)
    verify(stream)
    print(f"{PRODUCERS} producers, {len(found)} records")
