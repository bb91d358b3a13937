"""latencies.py [RECORDS [INTERVAL_MS [POLL [LINGER]]]]: whether the latencies in a stream's metrics are those that are seen from outside.

stream-put gathers for 60 ms (--linger), stream-get looks every 200 ms (--poll) and so returns records 100 ms after they
arrived, on average. Records say when they were written, acknowledgements when they were durable, the output when they were
read. Prints the means in milliseconds, seen and measured; fails if they differ by more than a tenth and a millisecond. What
is seen from outside is late if this program has to wait for the processor, so it tries a second time."""
import shutil
import subprocess
import sys
import threading
import time
from datetime import datetime

from measured import Measured

records = int(sys.argv[1]) if len(sys.argv) > 1 else 500
interval = float(sys.argv[2]) / 1000 if len(sys.argv) > 2 else 0.004
poll = sys.argv[3] if len(sys.argv) > 3 else "200ms"
linger = sys.argv[4] if len(sys.argv) > 4 else "60ms"


def seen(stream, times):
    for line in stream:
        times.append((time.time(), line))


def run():
    """Returns the acknowledgements and the lines that were read, each with the time when it was seen."""
    shutil.rmtree("s", ignore_errors=True)
    subprocess.run(["stream-create", "s"], check=True)
    subprocess.run(["stream-put", "s"], input=b"first\n", check=True)
    get = subprocess.Popen(["stream-get", "s", "--follow", "--poll", poll, "--format", "{time} {data}"],
                           stdout=subprocess.PIPE, text=True)
    get.stdout.readline()  # it follows; it has not reached the tail yet, but does before it waits
    put = subprocess.Popen(["stream-put", "s", "--ack", "--linger", linger], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    acks, lines = [], []
    threads = [threading.Thread(target=seen, args=(put.stdout, acks)), threading.Thread(target=seen, args=(get.stdout, lines))]
    for thread in threads:
        thread.start()
    for _ in range(records):
        put.stdin.write(f"{time.time():.6f}\n")
        put.stdin.flush()
        time.sleep(interval)
    put.stdin.close()
    assert put.wait() == 0
    threads[0].join()
    end = time.monotonic() + 30
    while len(lines) < records and time.monotonic() < end:
        time.sleep(0.01)
    get.terminate()
    get.wait()
    threads[1].join()
    assert len(lines) == records, f"only {len(lines)} of {records} records came within 30 seconds"
    return acks, lines


def differences():
    """What is not as it should be. What does not depend on the time has to hold at once."""
    acks, lines = run()
    written = [float(line.split()[1]) for _, line in lines]
    arrived = [datetime.fromisoformat(line.split()[0].replace("Z", "+00:00")).timestamp() for _, line in lines]
    outside = {"put": sum(at - when for (at, _), when in zip(acks, written)) / records,
               "propagation": sum(at - when for (at, _), when in zip(lines, arrived)) / records}
    measured = Measured("s")
    reader = measured.readers[""]
    assert measured.put.count == records, measured.put
    assert reader.propagation.count == records and reader.skewed.records == 0, reader
    assert reader.age.count == records + 1, reader
    inside = {"put": measured.put.mean / 1e6, "propagation": reader.propagation.mean / 1e6}
    found = []
    for name, value in outside.items():
        print(f"{name}: seen {value * 1000:.2f} ms, measured {inside[name] * 1000:.2f} ms", flush=True)
        if abs(value - inside[name]) >= 0.1 * value + 0.001:
            found.append(name)
    # Half of the interval, and nearly all of it.
    if poll == "200ms" and not (0.09 < inside["propagation"] < 0.16 and reader.propagation.percentile(99) < 400e3):
        found.append(f"--poll {poll}: {reader.propagation}")
    if reader.read.percentile(50) >= 20e3:
        found.append(f"one read: {reader.read}")
    return found


found = differences() and differences()
assert not found, found
