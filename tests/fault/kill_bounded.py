"""A bounded stream under a fast producer and a slow consumer, both killed at random moments: it never holds more than its
bound, and with --when-full block every record is stored once and delivered in order."""

import json
import os
import signal
import subprocess
import threading

from support import Folder, check, program, run, scale, seeded, verify

KILLS = scale("SHARDLOG_KILLS", 10)
BOUND = 64 * 1024
RECORDS = 3000


def figures(stream):
    return json.loads(run("stream-stats", stream, "--json"))


def delivered(path):
    """The numbers that the consumer's command has got, without those of a batch that was delivered again."""
    following = 1
    with open(path) as file:
        for line in file:
            number = int(line)
            check(number <= following, f"{number} was delivered where {following} was expected")
            following = max(following, number + 1)
    return following - 1


def main():
    randomness = seeded()
    with Folder() as folder:
        stream, records, got = (os.path.join(folder, name) for name in ("stream", "records", "got"))
        with open(records, "w") as file:
            file.writelines(f"{i:0100d}\n" for i in range(1, RECORDS + 1))
        run("stream-create", stream, "-q", "--max-bytes", str(BOUND), "--max-record-size", "1KiB")
        run("stream-get", stream, "-c", "reader", "-q")
        put = [program("stream-put"), stream, records, "--producer", "p", "-q"]
        get = [program("stream-get"), stream, "-c", "reader", "-q", "--follow", "--batch", "50", "--exec", f"cat >> {got}"]
        running = [None, None]
        for kill in range(KILLS):
            for i, command in enumerate((put, get)):
                if running[i] is None or running[i].poll() is not None:
                    running[i] = subprocess.Popen(command, start_new_session=True)
            victim = kill % 2
            killer = threading.Event()
            killer.wait(randomness.uniform(0, 0.15))  # the moment is random, nothing is waited for
            os.killpg(running[victim].pid, signal.SIGKILL)
            running[victim].wait()
            held = figures(stream)["bytes"]
            check(held <= BOUND, f"it holds {held} bytes of at most {BOUND}")
        for process in running:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        verify(stream)
        reader = subprocess.Popen(get, start_new_session=True)
        run("stream-put", stream, records, "--producer", "p", "-q")
        reader.send_signal(signal.SIGTERM)
        reader.wait()
        run("stream-get", stream, "-c", "reader", "-q", "--exec", f"cat >> {got}")
        shard = figures(stream)["shards"][0]
        check(shard["records"] + shard["trimmed_records"] == RECORDS, f"stored: {shard}")
        check(shard["trimmed_records"] > 0, "nothing had to go")
        check(delivered(got) == RECORDS, f"{delivered(got)} of {RECORDS} records were delivered")
        print(f"{KILLS} kills")


main()
