"""Clients of an SDK, the shell and reshards use a stream while the server is killed again and again: what was answered is
there once, and the records of each client are in order. Consumers that are not killed get the same. $SHARDLOG_KILLS says how
often, $SHARDLOG_CLIENTS for how many."""

import itertools
import signal
import subprocess
import threading
import time
import unittest

from botocore.exceptions import BotoCoreError, ClientError

from server import Server, program, run, scale, seeded, wait_until

KILLS = scale("SHARDLOG_KILLS", 3)
CLIENTS = scale("SHARDLOG_CLIENTS", 4)
SHELL = "shell"


class Kills(unittest.TestCase):
    def setUp(self):
        self.server = Server()
        self.addCleanup(self.server.stop)
        self.path = self.server.stream("s")
        run("stream-create", self.path, "--shards", "2")
        self.over = threading.Event()
        self.making_clients = threading.Lock()  # boto3 makes one at a time
        self.answered = {str(client): [] for client in range(CLIENTS)} | {SHELL: []}
        self.failures = []
        self.reshards = threading.Semaphore(4)  # four for each kill: otherwise there would be thousands of shards

    def consume(self, name, *options):
        """Starts a consumer that writes to a file. Returns what calls the records that are in the file."""
        path = f"{self.server.directory}/{name}"
        with open(path, "wb") as file:
            process = subprocess.Popen([program("stream-get"), self.path, "--quiet", "--follow", *options], stdout=file)
        self.addCleanup(process.wait)
        self.addCleanup(process.terminate)

        def consumed():
            self.assertIsNone(process.poll(), name)
            with open(path) as file:
                return file.read().split()

        return consumed

    def until_over(self, work):
        """Calls work(0), work(1) and so on, and notes what it raises."""
        try:
            for turn in itertools.count():
                if self.over.is_set():
                    return
                work(turn)
        except Exception as error:  # shown by the test
            self.failures.append(error)

    def put_by_sdk(self, client):
        """Each record is tried once. If there is no answer, nobody knows whether it is stored."""
        url, kinesis = None, None

        def put(turn):
            nonlocal url, kinesis
            if url != self.server.url:  # another port after each start
                with self.making_clients:
                    url, kinesis = self.server.url, self.server.client()
            data = f"{client}.{turn}"
            try:
                kinesis.put_record(StreamName="s", Data=data.encode(), PartitionKey=client)
            except (BotoCoreError, ClientError):
                time.sleep(0.01)  # between two tries
            else:
                self.answered[client].append(data)

        self.until_over(put)

    def put_by_shell(self, turn):
        run("stream-put", self.path, "-k", SHELL, input=b"%s.%d\n" % (SHELL.encode(), turn))
        self.answered[SHELL].append(f"{SHELL}.{turn}")

    def reshard(self, turn):
        while not self.over.is_set():
            if self.reshards.acquire(timeout=0.1):
                return run("stream-reshard", "scale", self.path, "32"[turn % 2])

    def test_what_is_answered_is_stored_once_and_in_order(self):
        chance = seeded()
        consumers = [self.consume("followed"), self.consume("worked", "-c", "c", "--workers", "2", "--exec", "cat")]
        threads = [threading.Thread(target=self.put_by_sdk, args=(str(client),)) for client in range(CLIENTS)]
        threads += [threading.Thread(target=self.until_over, args=(work,)) for work in (self.put_by_shell, self.reshard)]
        for thread in threads:
            thread.start()
        try:
            for _ in range(KILLS):
                enough = {name: len(answered) + chance.randint(1, 10) for name, answered in self.answered.items()}

                def missing(enough=enough):
                    return {name: count - len(self.answered[name]) for name, count in enough.items()
                            if len(self.answered[name]) < count}

                wait_until(lambda: self.failures or not missing(), lambda: f"so many records of clients: {missing()}",
                           limit=20 + 5 * CLIENTS)  # each makes a new client after a kill, which takes a while
                self.server.end(signal.SIGKILL)
                self.server.start()
                self.reshards.release(4)
        finally:
            self.over.set()
            for thread in threads:
                thread.join()
        self.assertEqual(self.failures, [])
        stored = run("stream-get", self.path).decode().split()
        self.check(stored)
        for consumed in consumers:
            wait_until(lambda: len(consumed()) >= len(stored), "consumers to catch up")  # noqa: B023
            self.check(consumed())
            self.assertEqual(set(consumed()), set(stored))
        run("stream-stats", self.path, "--verify")

    def check(self, found):
        """Each record is there once, each that was answered is there, and those of a client are in order."""
        self.assertEqual(len(found), len(set(found)), "once")
        for name, answered in self.answered.items():
            of_client = [int(each.split(".")[1]) for each in found if each.startswith(f"{name}.")]
            self.assertEqual(of_client, sorted(of_client), name)
            self.assertEqual(set(answered) - set(found), set(), name)


if __name__ == "__main__":
    unittest.main(warnings="ignore")  # connections of boto3 are closed late
