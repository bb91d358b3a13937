"""Consumers, their commands, or both killed at random moments. With --exec every record is processed at least once, in the
order of its key; with --into every one is put exactly once, also by a command whose output differs from run to run, and once
more after --seek back."""

import os
import signal
import subprocess
import time

from consumers import LOGGED, Producer, check_checkpoints, check_once, check_order, consumer, entries
from support import Folder, check, program, records, run, scale, seeded, verify

KILLS = scale("SHARDLOG_KILLS", 80)
LONGEST = 0.04  # seconds from the start to the kill
RECORDS = 40  # that are added for each kill
DIFFERENT = r"""while read -r line; do echo "$line $$ $STREAM_FENCE"; done"""


def children(pid):
    found = []
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/children") as file:
                found += map(int, file.read().split())
    except (FileNotFoundError, ProcessLookupError):
        pass
    return found


def kill(pid):
    try:
        os.kill(pid, signal.SIGKILL)
        return True
    except ProcessLookupError:
        return False


class Consumer:
    """One of the three, which is run again and again."""

    def __init__(self, stream, name, *options, target=None):
        self.stream, self.name, self.options, self.target = stream, name, options, target
        self.log = stream + "-" + name + ".log"
        self.kills = {"consumer": 0, "command": 0, "both": 0}

    def start(self):
        command = [program("stream-get"), self.stream, "-c", self.name, "--batch", "15", "--lease-duration", "1s", *self.options]
        return subprocess.Popen(command, env={**os.environ, "WORKER": self.name, "LOG": self.log},
                                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def run_to_its_end(self):
        process = self.start()
        _, messages = process.communicate()
        check(process.returncode == 0, f"{self.name}: exit {process.returncode}: {messages.decode()}")

    def run_and_kill(self, randomness):
        process = self.start()
        time.sleep(randomness.random() * LONGEST)  # not a wait for anything: the moment of the kill
        what = randomness.choice(list(self.kills))
        commands = children(process.pid) if what != "consumer" else []
        if what != "command":
            process.kill()
        killed = sum(map(kill, commands))
        if what == "command":
            # It tries again, unless it is killed too.
            time.sleep(randomness.random() * LONGEST)
            process.kill()
        _, messages = process.communicate()
        check(process.returncode in (0, -signal.SIGKILL), f"{self.name}: exit {process.returncode}: {messages.decode()}")
        if what == "consumer" and process.returncode == -signal.SIGKILL or killed:
            self.kills[what] += 1
        return process.returncode == -signal.SIGKILL or killed > 0

    def seek_back(self, randomness):
        """By a process that may be killed as well. Its work is a commit: all of it is there, or nothing."""
        generation = consumer(self.stream, self.name)["generation"]
        while consumer(self.stream, self.name)["generation"] == generation:
            process = subprocess.Popen([program("stream-get"), self.stream, "-c", self.name, "--new", "--seek", "trim-horizon"])
            time.sleep(randomness.random() * 0.01)
            process.kill()
            process.wait()
        check(consumer(self.stream, self.name)["generation"] == generation + 1, "the generation grew by more than one")

    def put(self):
        return [record["data"] for record in records(self.target)]


def kill_for_a_while(consumers, producer, kills, randomness):
    while kills > 0:
        producer.add(RECORDS, randomness)
        kills -= randomness.choice(consumers).run_and_kill(randomness)


def check_put(each, producer, before):
    """What was put behind the first `before` records: everything, exactly once, each key in order."""
    producer.check_all(check_once(each.put()[before:], each.name), each.name)


def main():
    randomness = seeded()
    with Folder() as folder:
        stream = folder + "/stream"
        run("stream-create", stream, "--shards", "4")
        run("stream-create", folder + "/json", "--shards", "3")
        run("stream-create", folder + "/different")
        producer = Producer(stream, [f"key{i}" for i in range(16)])
        producer.add(RECORDS, randomness)
        executing = Consumer(stream, "executing", "--exec", LOGGED)
        json = Consumer(stream, "json", "--json", "--exec", "cat", "--into", folder + "/json", target=folder + "/json")
        different = Consumer(stream, "different", "--exec", DIFFERENT, "--into", folder + "/different", target=folder + "/different")
        consumers = [executing, json, different]
        for each in consumers:
            each.run_to_its_end()
        kill_for_a_while(consumers, producer, KILLS * 2 // 3, randomness)
        for each in consumers:
            each.run_to_its_end()
        done = entries(executing.log)
        check_checkpoints(consumer(stream, executing.name), done)
        lines = [line for entry in done for line in entry.lines]
        producer.check_all(check_order(lines, executing.name), executing.name)
        for each in [json, different]:
            check_put(each, producer, 0)
        once = sum(producer.counts.values())

        for each in [json, different]:
            each.seek_back(randomness)
        kill_for_a_while([json, different], producer, KILLS - KILLS * 2 // 3, randomness)
        for each in [json, different]:
            each.run_to_its_end()
            check_put(each, producer, once)
            verify(each.target)
        producer.close()
        verify(stream)
        kills = {what: sum(each.kills[what] for each in consumers) for what in executing.kills}
        print(f"{KILLS} runs killed ({', '.join(f'{what}: {count}' for what, count in kills.items())}): {once} records processed, "
              f"{len(lines) - once} of them again; put once, and all {sum(producer.counts.values())} once more after a seek")


main()
