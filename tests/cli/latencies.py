"""latencies.py [RECORDS [INTERVAL_MS [POLL [LINGER]]]]: whether the latencies in a stream's metrics are those that are seen from outside.

stream-put gathers for 60 ms (--linger), stream-get looks every 200 ms (--poll) and so returns records 100 ms after they
arrived, on average. Records say when they were written, acknowledgements when they were durable, the output when they were
read. Prints the means in milliseconds, seen and measured; fails if they differ by more than a tenth and a millisecond."""
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


subprocess.run(["stream-create", "s"], check=True)
subprocess.run(["stream-put", "s"], input=b"first\n", check=True)
get = subprocess.Popen(["stream-get", "s", "--follow", "--poll", poll, "--format", "{time} {data}"],
                       stdout=subprocess.PIPE, text=True)
got = [get.stdout.readline()]  # it follows; it has not reached the tail yet, but does before it waits
put = subprocess.Popen(["stream-put", "s", "--ack", "--linger", linger], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
acks, lines = [], []
threads = [threading.Thread(target=seen, args=(put.stdout, acks)), threading.Thread(target=seen, args=(get.stdout, lines))]
for thread in threads:
    thread.start()
for i in range(records):
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

written = [float(line.split()[1]) for _, line in lines]
arrived = [datetime.fromisoformat(line.split()[0].replace("Z", "+00:00")).timestamp() for _, line in lines]
outside = {"put": sum(at - when for (at, _), when in zip(acks, written)) / records,
           "propagation": sum(at - when for (at, _), when in zip(lines, arrived)) / records}
measured = Measured("s")
reader = measured.readers[""]
assert measured.put.count == records, measured.put
assert reader.propagation.count == records, reader
assert reader.age.count == records + 1, reader
inside = {"put": measured.put.mean / 1e6, "propagation": reader.propagation.mean / 1e6}
for name, value in outside.items():
    print(f"{name}: seen {value * 1000:.2f} ms, measured {inside[name] * 1000:.2f} ms")
    assert abs(value - inside[name]) < 0.1 * value + 0.001, (outside, inside)
