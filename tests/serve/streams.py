"""Streams as boto3 and the shell tools see them at the same time."""

import datetime
import fcntl
import json
import os
import subprocess
import threading
import time
import unittest
import warnings

from server import Server, StreamTest, make_damaged, program, run, run_beside_each_other, wait_until

SPACE = 2**128


def number(shard, opened, of_shard, arrived):
    """A sequence number, computed from its definition (mhart/kinesalite, db/index.js)."""
    return str(int("2%09x%x%016x00%09x%08x2" % (opened, shard % 16, of_shard, arrived, shard), 16))


class Streams(StreamTest):
    def iterator(self, kind="TRIM_HORIZON", shard="shardId-000000000000", **more):
        return self.kinesis.get_shard_iterator(StreamName=self.name, ShardId=shard, ShardIteratorType=kind,
                                               **more)["ShardIterator"]

    def get(self, iterator, **more):
        return self.kinesis.get_records(ShardIterator=iterator, **more)

    def data(self, iterator, **more):
        return [record["Data"] for record in self.get(iterator, **more)["Records"]]

    def put(self, data, key="key", **more):
        return self.kinesis.put_record(StreamName=self.name, Data=data, PartitionKey=key, **more)

    def refusal(self, call, **arguments):
        with self.assertRaises(self.kinesis.exceptions.ClientError) as caught:
            call(**arguments)
        error = caught.exception.response
        self.assertEqual(error["ResponseMetadata"]["HTTPStatusCode"], 400)
        return error["Error"]["Code"], error["Error"]["Message"]

    def test_a_new_stream_is_active_at_once(self):
        before = datetime.datetime.now(datetime.timezone.utc)
        self.create(3)
        described = self.kinesis.describe_stream(StreamName=self.name)["StreamDescription"]
        self.assertEqual(described["StreamStatus"], "ACTIVE")
        self.assertEqual(described["StreamARN"], f"arn:aws:kinesis:us-east-1:000000000000:stream/{self.name}")
        self.assertEqual(described["StreamModeDetails"], {"StreamMode": "PROVISIONED"})
        self.assertEqual((described["RetentionPeriodHours"], described["EncryptionType"]), (24, "NONE"))
        self.assertFalse(described["HasMoreShards"])
        self.assertLess(abs(described["StreamCreationTimestamp"] - before), datetime.timedelta(minutes=1))
        opened = int(described["StreamCreationTimestamp"].timestamp())
        step = SPACE // 3
        ends = [step - 1, 2 * step - 1, SPACE - 1]
        for index, shard in enumerate(described["Shards"]):
            self.assertEqual(shard, {
                "ShardId": f"shardId-{index:012}",
                "HashKeyRange": {"StartingHashKey": str(index * step), "EndingHashKey": str(ends[index])},
                "SequenceNumberRange": {"StartingSequenceNumber": number(index, opened, 0, opened)}})
        summary = self.kinesis.describe_stream_summary(StreamName=self.name)["StreamDescriptionSummary"]
        self.assertEqual((summary["OpenShardCount"], summary["StreamStatus"]), (3, "ACTIVE"))
        self.assertEqual(self.refusal(self.kinesis.create_stream, StreamName=self.name, ShardCount=1),
                         ("ResourceInUseException", f"Stream {self.name} under account 000000000000 already exists."))

    def test_a_stream_without_a_count_is_on_demand(self):
        self.kinesis.create_stream(StreamName=self.name)
        described = self.kinesis.describe_stream(StreamName=self.name)["StreamDescription"]
        self.assertEqual((described["StreamModeDetails"]["StreamMode"], len(described["Shards"])), ("ON_DEMAND", 4))
        self.put(b"data")
        self.assertEqual(self.refusal(self.kinesis.create_stream, StreamName="x",
                                      StreamModeDetails={"StreamMode": "PROVISIONED"})[0], "ValidationException")

    def test_shards_come_in_pages(self):
        self.create(5)
        page = self.kinesis.describe_stream(StreamName=self.name, Limit=2)["StreamDescription"]
        self.assertTrue(page["HasMoreShards"])
        ids = [shard["ShardId"] for shard in page["Shards"]]
        page = self.kinesis.describe_stream(StreamName=self.name, Limit=3, ExclusiveStartShardId=ids[-1])["StreamDescription"]
        self.assertFalse(page["HasMoreShards"])
        ids += [shard["ShardId"] for shard in page["Shards"]]
        self.assertEqual(ids, [f"shardId-{index:012}" for index in range(5)])
        page, sizes = self.kinesis.list_shards(StreamName=self.name, MaxResults=2), []
        while sizes.append(len(page["Shards"])) or "NextToken" in page:
            page = self.kinesis.list_shards(NextToken=page["NextToken"], MaxResults=2)
        self.assertEqual(sizes, [2, 2, 1])
        # As the service does, and as the paginator of boto3 does not expect.
        self.assertEqual(self.refusal(self.kinesis.list_shards, StreamName=self.name, NextToken="x"),
                         ("InvalidArgumentException", "NextToken and StreamName cannot be provided together."))

    def test_records_go_both_ways_between_the_shell_and_an_sdk(self):
        self.create()
        binary = bytes(range(256))
        self.put(b"from boto3", key="kéy")
        self.put(binary, key="k2", ExplicitHashKey="5")
        run("stream-put", self.path, "-k", "k3", input=b"from the shell\n")
        run("stream-put", self.path, input=b"without a key\n")
        shell = [json.loads(line) for line in run("stream-get", self.path, "--json").splitlines()]
        self.assertEqual([record["key"] for record in shell], ["kéy", "k2", "k3", None])
        self.assertEqual(shell[1]["hash_key"], "5")
        records = self.get(self.iterator())["Records"]
        self.assertEqual([record["Data"] for record in records],
                         [b"from boto3", binary, b"from the shell", b"without a key"])
        self.assertEqual([record["PartitionKey"] for record in records],
                         ["kéy", "k2", "k3", records[3]["SequenceNumber"]])
        for index, record in enumerate(records):
            arrived = datetime.datetime.fromisoformat(shell[index]["arrived"].replace("Z", "+00:00"))
            difference = arrived - record["ApproximateArrivalTimestamp"]
            self.assertTrue(datetime.timedelta(0) <= difference < datetime.timedelta(milliseconds=1), difference)

    def test_put_records_says_where_each_is(self):
        self.create(4)
        entries = [{"Data": b"%d" % index, "PartitionKey": f"key {index % 7}"} for index in range(500)]
        answer = self.kinesis.put_records(StreamName=self.name, Records=entries)
        self.assertEqual(answer["FailedRecordCount"], 0)
        found = {}
        for shard in range(4):
            for record in self.get(self.iterator(shard=f"shardId-{shard:012}"))["Records"]:
                found[record["SequenceNumber"]] = (f"shardId-{shard:012}", record["Data"], record["PartitionKey"])
        self.assertEqual([found[result["SequenceNumber"]] for result in answer["Records"]],
                         [(result["ShardId"], entry["Data"], entry["PartitionKey"])
                          for result, entry in zip(answer["Records"], entries)])
        for key in range(7):
            numbers = [int(result["SequenceNumber"]) for result in answer["Records"][key::7]]
            self.assertEqual(numbers, sorted(numbers))

    def test_explicit_hash_keys_choose_the_shard(self):
        self.create(2)
        middle = SPACE // 2
        for key, shard in ((0, 0), (middle - 1, 0), (middle, 1), (SPACE - 1, 1)):
            self.assertEqual(self.put(b"x", ExplicitHashKey=str(key))["ShardId"], f"shardId-{shard:012}")
        self.assertEqual(self.refusal(self.put, data=b"x", ExplicitHashKey=str(SPACE)),
                         ("InvalidArgumentException", "Invalid ExplicitHashKey. ExplicitHashKey must be in the range: "
                                                      f"[0, 2^128-1]. Specified value was {SPACE}"))

    def test_iterators_begin_where_they_should(self):
        self.create()
        first, second, third = (self.put(b"%d" % index) for index in range(3))
        latest = self.iterator("LATEST")
        self.assertEqual(self.data(latest), [])
        self.put(b"3")
        self.assertEqual(self.data(latest), [b"3"], "latest is pinned when the iterator is made")
        self.assertEqual(self.data(self.iterator("AT_SEQUENCE_NUMBER", StartingSequenceNumber=second["SequenceNumber"])),
                         [b"1", b"2", b"3"])
        self.assertEqual(self.data(self.iterator("AFTER_SEQUENCE_NUMBER", StartingSequenceNumber=third["SequenceNumber"])),
                         [b"3"])
        start = self.kinesis.describe_stream(StreamName=self.name)["StreamDescription"]["Shards"][0]
        start = start["SequenceNumberRange"]["StartingSequenceNumber"]
        self.assertLess(int(start), int(first["SequenceNumber"]))
        self.assertEqual(len(self.data(self.iterator("AT_SEQUENCE_NUMBER", StartingSequenceNumber=start))), 4)
        self.assertEqual(len(self.data(self.iterator("AT_TIMESTAMP", Timestamp=1.5))), 4)
        records = self.get(self.iterator())["Records"]
        after_all = records[-1]["ApproximateArrivalTimestamp"].timestamp() + 0.001
        wait_until(lambda: datetime.datetime.now().timestamp() > after_all, "the next millisecond")
        # boto3 would send whole seconds.
        at_time = self.server.call("GetShardIterator", StreamName=self.name, ShardId="shardId-000000000000",
                                   ShardIteratorType="AT_TIMESTAMP", Timestamp=after_all)[1]["ShardIterator"]
        self.assertEqual(self.data(at_time), [])
        self.put(b"4")
        self.assertEqual(self.data(at_time), [b"4"])

    def test_iterators_that_make_no_sense(self):
        self.create(2)
        number_of_1 = self.put(b"x", ExplicitHashKey=str(SPACE - 1))["SequenceNumber"]

        def refused(kind, message, shard="shardId-000000000000", code="InvalidArgumentException", **more):
            refusal = self.refusal(self.iterator, kind=kind, shard=shard, **more)
            self.assertEqual(refusal, (code, message))

        account = "under account 000000000000"
        refused("AT_SEQUENCE_NUMBER", "Invalid StartingSequenceNumber. It encodes shardId-000000000001, while it was used "
                                      "in a call to a shard with shardId-000000000000", StartingSequenceNumber=number_of_1)
        refused("AT_SEQUENCE_NUMBER", f"StartingSequenceNumber 5 used in GetShardIterator on shard shardId-000000000000 "
                                      f"in stream {self.name} {account} is invalid.", StartingSequenceNumber="5")
        either = ("Must either specify (1) AT_SEQUENCE_NUMBER or AFTER_SEQUENCE_NUMBER and StartingSequenceNumber or (2) "
                  "TRIM_HORIZON or LATEST and no StartingSequenceNumber. Request specified ")
        refused("LATEST", f"{either}LATEST and also a StartingSequenceNumber.", StartingSequenceNumber=number_of_1)
        refused("AFTER_SEQUENCE_NUMBER", f"{either}AFTER_SEQUENCE_NUMBER and no StartingSequenceNumber.")
        refused("AT_TIMESTAMP", "Must specify timestampInMillis parameter for iterator of type AT_TIMESTAMP. Current "
                                "request has no timestamp parameter.")
        self.assertIn("cannot be greater than the currentTimestampInMillis",
                      self.refusal(self.iterator, kind="AT_TIMESTAMP", Timestamp=4e9)[1])
        refused("LATEST", f"Shard shardId-000000000009 in stream {self.name} {account} does not exist",
                shard="shardId-000000000009", code="ResourceNotFoundException")
        refused("LATEST", f"Shard nothing in stream {self.name} {account} does not exist", shard="nothing",
                code="ResourceNotFoundException")

    def test_the_arn_beside_an_iterator_is_that_of_its_stream(self):
        self.create()
        self.put(b"x")
        arn = f"arn:aws:kinesis:eu-central-1:000000000000:stream/{self.name}"
        iterator = self.iterator()
        self.assertEqual(self.server.call("GetRecords", ShardIterator=iterator, StreamARN=arn)[0], 200)
        self.expect_refusal(self.server.call("GetRecords", ShardIterator=iterator, StreamARN=arn + "x"),
                            "InvalidArgumentException", "StreamARN and ShardIterator do not match.")
        self.expect_refusal(self.server.call("GetRecords", ShardIterator=iterator, StreamARN=arn.replace("00:", "01:")),
                            "ResourceNotFoundException")

    def test_iterators_that_are_damaged(self):
        self.create()
        iterator = self.iterator()
        self.assertEqual(len(iterator), (152 + (len(self.name) + 2) // 16 * 16 + 2) // 3 * 4)
        invalid = ("InvalidArgumentException", "Invalid ShardIterator.")
        for wrong in ("A", "AAAA", iterator[:-4], iterator + "AAAA", " " + iterator, iterator[::-1],
                      iterator[:40] + ("B" if iterator[40] != "B" else "C") + iterator[41:]):
            self.assertEqual(self.refusal(self.get, iterator=wrong), invalid, wrong)

    def test_pages_and_the_end_asked_for_twice(self):
        self.create()
        run("stream-put", self.path, "-k", "k", input=b"a\nb\nc\nd\ne\n")
        page = self.get(self.iterator(), Limit=2)
        self.assertEqual([record["Data"] for record in page["Records"]], [b"a", b"b"])
        self.assertGreater(page["MillisBehindLatest"], 0)
        page = self.get(page["NextShardIterator"], Limit=3)
        self.assertEqual([record["Data"] for record in page["Records"]], [b"c", b"d", b"e"])
        for _ in range(2):
            page = self.get(page["NextShardIterator"])
            self.assertEqual((page["Records"], page["MillisBehindLatest"]), ([], 0))
        self.put(b"f")
        self.assertEqual(self.data(page["NextShardIterator"]), [b"f"])

    def test_a_full_page_with_the_last_record_is_at_the_tail(self):
        self.create()
        self.put(b"a")
        page = self.get(self.iterator(), Limit=1)
        self.assertEqual((len(page["Records"]), page["MillisBehindLatest"]), (1, 0))
        self.put(b"b")
        self.assertGreater(self.get(self.iterator(), Limit=1)["MillisBehindLatest"], 0)
        run("stream-reshard", "split", self.path, "0")
        page = self.get(self.iterator(), Limit=2)
        self.assertEqual([record["Data"] for record in page["Records"]], [b"a", b"b"])
        self.assertNotIn("NextShardIterator", page)
        self.assertEqual(len(page["ChildShards"]), 2)

    def test_a_page_has_ten_thousand_records_or_ten_mib(self):
        self.create()
        run("stream-put", self.path, "-k", "k", input=b"x\n" * 10001)
        page = self.get(self.iterator())
        self.assertEqual(len(page["Records"]), 10000)
        self.assertEqual(len(self.data(page["NextShardIterator"])), 1)
        large = b"y" * (1024 * 1024 - 1) + b"\n"
        run("stream-put", self.path, "-k", "k", input=large * 11)
        sizes = []
        while True:
            page = self.get(page["NextShardIterator"])
            if not page["Records"]:
                break
            sizes.append(sum(len(record["Data"]) + len(record["PartitionKey"]) for record in page["Records"]))
        self.assertEqual(sum(sizes), 11 * 1024 * 1024 + 2)
        self.assertTrue(all(size <= 10 * 1024 * 1024 for size in sizes), sizes)

    def test_a_reshard_by_the_shell(self):
        self.create()
        last = self.put(b"before")
        run("stream-reshard", "split", self.path, "0")
        after = self.put(b"after")
        page = self.get(self.iterator())
        self.assertEqual([record["Data"] for record in page["Records"]], [b"before"])
        self.assertNotIn("NextShardIterator", page)
        middle = SPACE // 2
        self.assertEqual(page["ChildShards"], [
            {"ShardId": "shardId-000000000001", "ParentShards": ["shardId-000000000000"],
             "HashKeyRange": {"StartingHashKey": "0", "EndingHashKey": str(middle - 1)}},
            {"ShardId": "shardId-000000000002", "ParentShards": ["shardId-000000000000"],
             "HashKeyRange": {"StartingHashKey": str(middle), "EndingHashKey": str(SPACE - 1)}}])
        self.assertGreater(int(after["SequenceNumber"]), int(last["SequenceNumber"]))
        run("stream-reshard", "merge", self.path, "1", "2")
        parent, _, right, child = self.kinesis.list_shards(StreamName=self.name)["Shards"]
        self.assertEqual((child["ParentShardId"], child["AdjacentParentShardId"]),
                         ("shardId-000000000001", "shardId-000000000002"))
        self.assertEqual(right["ParentShardId"], parent["ShardId"])
        ranges = [shard["SequenceNumberRange"] for shard in (parent, right, child)]
        self.assertNotIn("EndingSequenceNumber", ranges[2])
        flat = [int(value) for each in ranges for value in each.values()]
        self.assertEqual(flat, sorted(flat), "a child begins after the end of its parent")
        self.assertEqual(self.put(b"in the child")["ShardId"], child["ShardId"])

    def test_list_shards_has_filters(self):
        self.create()
        run("stream-reshard", "split", self.path, "0")

        def ids(**arguments):
            return [int(shard["ShardId"][8:]) for shard in
                    self.kinesis.list_shards(StreamName=self.name, **arguments)["Shards"]]

        now = datetime.datetime.now().timestamp() + 60
        self.assertEqual(ids(), [0, 1, 2])
        self.assertEqual(ids(ShardFilter={"Type": "FROM_TRIM_HORIZON"}), [0, 1, 2])
        self.assertEqual(ids(ShardFilter={"Type": "AT_TRIM_HORIZON"}), [0])
        self.assertEqual(ids(ShardFilter={"Type": "AT_LATEST"}), [1, 2])
        self.assertEqual(ids(ShardFilter={"Type": "AFTER_SHARD_ID", "ShardId": "shardId-000000000001"}), [2])
        self.assertEqual(ids(ShardFilter={"Type": "AT_TIMESTAMP", "Timestamp": now}), [1, 2])
        self.assertEqual(ids(ShardFilter={"Type": "FROM_TIMESTAMP", "Timestamp": now}), [1, 2])
        self.assertEqual(ids(ShardFilter={"Type": "FROM_TIMESTAMP", "Timestamp": 1}), [0, 1, 2])
        self.assertEqual(ids(ExclusiveStartShardId="shardId-000000000000"), [1, 2])
        created = self.kinesis.describe_stream(StreamName=self.name)["StreamDescription"]["StreamCreationTimestamp"]
        self.assertEqual(ids(StreamCreationTimestamp=created), [0, 1, 2])
        self.assertEqual(self.refusal(ids, StreamCreationTimestamp=5)[0], "ResourceNotFoundException")
        for wrong in ({"Type": "AFTER_SHARD_ID"}, {"Type": "AT_TIMESTAMP"}, {"Type": "AT_LATEST", "Timestamp": 1}):
            self.assertEqual(self.refusal(ids, ShardFilter=wrong)[0], "InvalidArgumentException")
        page = self.kinesis.list_shards(StreamName=self.name, MaxResults=1, ShardFilter={"Type": "AT_LATEST"})
        page = self.kinesis.list_shards(NextToken=page["NextToken"])
        self.assertEqual([shard["ShardId"] for shard in page["Shards"]], ["shardId-000000000002"])
        self.assertNotIn("NextToken", page)
        self.assertEqual(self.refusal(self.kinesis.list_shards, NextToken="AAAA"),
                         ("InvalidArgumentException", "NextToken is not valid."))

    def test_a_stream_that_is_removed_and_made_anew(self):
        self.create()
        self.put(b"old")
        iterator = self.iterator()
        run("stream-create", "--remove", self.path)
        gone = ("ResourceNotFoundException", f"Stream {self.name} under account 000000000000 not found.")
        self.assertEqual(self.refusal(self.put, data=b"x"), gone)
        self.assertEqual(self.refusal(self.kinesis.describe_stream, StreamName=self.name), gone)
        no_shard = ("ResourceNotFoundException", f"Shard shardId-000000000000 in stream {self.name} under account "
                                                 "000000000000 does not exist")
        self.assertEqual(self.refusal(self.get, iterator=iterator), no_shard)
        run("stream-create", self.path)
        self.put(b"new")
        self.assertEqual(self.refusal(self.get, iterator=iterator), no_shard)
        self.assertEqual(self.data(self.iterator()), [b"new"])
        self.kinesis.delete_stream(StreamName=self.name)
        self.assertEqual(self.refusal(self.kinesis.delete_stream, StreamName=self.name), gone)
        run("stream-get", self.path, status=66)

    def test_a_stream_that_is_removed_gives_its_space_back(self):
        self.create()
        self.put(b"x")
        run("stream-create", "--remove", self.path)

        def removed():
            return [name for _, name in self.server.open_files() if name.endswith(" (deleted)")]

        wait_until(lambda: not removed(), "the removed stream to be closed")

    def test_a_put_finds_the_stream_that_was_made_anew_meanwhile(self):
        self.create()
        self.put(b"old")
        run("stream-create", "--remove", self.path)
        run("stream-create", self.path)
        self.put(b"new")
        self.assertEqual(run("stream-get", self.path), b"new\n")

    def test_records_that_are_too_large(self):
        self.create()
        most = 1024 * 1024
        self.put(b"x" * (most - 3))
        self.assertEqual(self.refusal(self.put, data=b"x" * (most - 2)),
                         ("InvalidArgumentException", f"A record has {most + 1} bytes, data and partition key; the stream "
                                                      f"takes at most {most}."))
        run("stream-create", "--update", self.path, "--max-record-size", "2MiB")
        self.put(b"x" * (most - 2))
        entries = [{"Data": b"x" * most, "PartitionKey": "k"}] * 10
        self.assertEqual(self.refusal(self.kinesis.put_records, StreamName=self.name, Records=entries)[0],
                         "InvalidArgumentException")
        self.assertEqual(len(self.data(self.iterator())), 2)

    def test_a_stream_without_room_asks_to_try_again(self):
        run("stream-create", self.path, "--max-bytes", "2000", "--max-record-size", "1KiB")
        self.put(b"x" * 1000)
        self.put(b"x" * 500)
        answer = self.kinesis.put_records(StreamName=self.name, Records=[{"Data": b"x" * 1000, "PartitionKey": "k"}])
        self.assertEqual(answer["FailedRecordCount"], 1)
        self.assertEqual(answer["Records"][0]["ErrorCode"], "ProvisionedThroughputExceededException")
        self.assertEqual(self.refusal(self.put, data=b"x" * 1000)[0], "ProvisionedThroughputExceededException")

    def test_a_shard_over_its_limit_holds_up_no_other(self):
        run("stream-create", self.path, "--shards", "2", "--write-bytes", "1024", "--max-record-size", "1024")
        first, second = {"PartitionKey": "k", "ExplicitHashKey": "0"}, {"PartitionKey": "k", "ExplicitHashKey": str(SPACE - 1)}
        self.kinesis.put_record(StreamName=self.name, Data=b"x" * 900, **first)
        answers = []
        busy = threading.Thread(target=lambda: answers.append(self.server.call("PutRecords", StreamName=self.name, Records=[
            *({"Data": "A" * 1200, **first} for _ in range(4)), {"Data": "eA==", **second}])))  # 900 bytes each
        busy.start()
        while busy.is_alive():  # it waits for its capacity
            self.kinesis.put_record(StreamName=self.name, Data=b"", **second)
        status, answer = answers[0]
        self.assertEqual((status, answer["FailedRecordCount"]), (200, 3))
        self.assertEqual([record.get("ShardId") for record in answer["Records"]],
                         ["shardId-000000000000", None, None, None, "shardId-000000000001"])
        for refused in answer["Records"][1:4]:
            self.assertEqual(refused, {"ErrorCode": "ProvisionedThroughputExceededException",
                                       "ErrorMessage": "over the shard's limit of bytes a second"})
        self.assertEqual(len(run("stream-get", self.path, "--shard", "0", "--null")), 2 * 901)

    def put_numbered(self, count):
        """Puts records of a tenth of a second's worth each. Returns the numbers of those that are stored."""
        answer = self.kinesis.put_records(StreamName=self.name, Records=[
            {"Data": b"%02d" % index + b"x" * 997, "PartitionKey": "k"} for index in range(count)])
        codes = [entry.get("ErrorCode") for entry in answer["Records"]]
        stored = codes.count(None)
        self.assertEqual(codes, [None] * stored + ["ProvisionedThroughputExceededException"] * (count - stored))
        self.assertEqual(answer["FailedRecordCount"], count - stored)
        return list(range(stored))

    def numbers(self):
        lines = run("stream-get", self.path).splitlines()
        return [int(line[:2]) for line in lines if not line.startswith(b"shell")]

    def test_of_a_request_that_is_far_over_the_limit_some_records_are_stored(self):
        run("stream-create", self.path, "--write-bytes", "10000", "--max-record-size", "10000")
        full = self.put_numbered(20)
        self.assertEqual(full, list(range(10)), "at once")
        empty = self.put_numbered(20)
        self.assertGreater(len(empty), 0)
        self.assertLessEqual(len(empty), 10, "what the shard takes in a second")
        self.assertEqual(self.numbers(), full + empty)

    def test_a_request_gets_something_beside_a_writer_that_takes_all(self):
        run("stream-create", self.path, "--write-bytes", "10000", "--max-record-size", "10000")
        with subprocess.Popen([program("stream-put"), self.path, "-k", "k"], stdin=subprocess.PIPE) as shell:
            try:
                shell.stdin.write((b"shell".ljust(99, b"x") + b"\n") * 600)  # six seconds' worth, and it fits into the pipe
                shell.stdin.flush()
                wait_until(lambda: run("stream-get", self.path), "the first second's worth to be stored")
                stored = self.put_numbered(20)
            finally:
                shell.kill()
        self.assertGreater(len(stored), 0)
        self.assertEqual(self.numbers(), stored)

    def test_what_many_clients_put_at_once_is_stored_once(self):
        self.create(2)
        clients, rounds = 8, 10
        failures = []

        def work(client):
            try:
                # On a slow machine a put may be refused because it waits for too long. Then nothing of it was stored.
                kinesis = self.server.client(retries=20)
                for turn in range(rounds):
                    kinesis.put_records(StreamName=self.name, Records=[
                        {"Data": b"%d %d %d" % (client, turn, index), "PartitionKey": str(client)} for index in range(5)])
            except Exception as error:  # shown by the test
                failures.append(error)

        threads = [threading.Thread(target=work, args=(client,)) for client in range(clients)]
        for thread in threads:
            thread.start()
        run("stream-put", self.path, "-k", "shell", input=b"from the shell\n" * 3)
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])
        lines = run("stream-get", self.path).decode().splitlines()
        for client in range(clients):
            expected = [f"{client} {turn} {index}" for turn in range(rounds) for index in range(5)]
            self.assertEqual([line for line in lines if line.startswith(f"{client} ")], expected)
        self.assertEqual(lines.count("from the shell"), 3)
        self.assertEqual(len(lines), clients * rounds * 5 + 3)
        run("stream-stats", self.path, "--verify")


class HeldUpStream(unittest.TestCase):
    def test_a_stream_that_a_process_holds_up_holds_up_no_other(self):
        server = Server("--timeout", "5m")
        try:
            for name in ("held", "free"):
                self.assertEqual(server.call("CreateStream", StreamName=name, ShardCount=1)[0], 200)
            statuses = []

            def put():
                statuses.append(server.call("PutRecord", StreamName="held", PartitionKey="k", Data="eA==")[0])

            threads = [threading.Thread(target=put) for _ in range(80)]
            with open(server.stream("held") + "/lock") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)  # as a process that was stopped inside a commit
                for thread in threads:
                    thread.start()
                wait_until(lambda: 503 in statuses, "the first put to give up")
                self.assertEqual(server.call("PutRecord", StreamName="free", PartitionKey="k", Data="eA==")[0], 200)
                self.assertEqual(server.call("ListShards", StreamName="held")[0], 200)
            for thread in threads:
                thread.join()
            self.assertEqual(set(statuses), {200, 503})
            self.assertEqual(len(run("stream-get", server.stream("held")).splitlines()), statuses.count(200))
        finally:
            server.stop()


class DamagedStream(unittest.TestCase):
    def test_records_before_the_damage_are_read(self):
        server = Server()
        try:
            make_damaged(server.stream("s"))
            iterator = server.call("GetShardIterator", StreamName="s", ShardId="shardId-000000000000",
                                   ShardIteratorType="TRIM_HORIZON")[1]["ShardIterator"]
            status, page = server.call("GetRecords", ShardIterator=iterator)
            self.assertEqual((status, [record["Data"] for record in page["Records"]]), (200, ["Z29vZA=="]))
            status, refused = server.call("GetRecords", ShardIterator=page["NextShardIterator"])
            self.assertEqual((status, refused["__type"]), (500, "InternalFailureException"))
        finally:
            _, said = server.stop()
        self.assertIn("GetRecords: ", said)


class ListOfStreams(unittest.TestCase):
    def test_names_come_in_pages_and_in_order(self):
        server = Server("--shard-limit", "4", "--region", "moon-1", "--account", "123456789012")
        try:
            kinesis = server.client()
            self.assertEqual(kinesis.list_streams()["StreamNames"], [])
            for name in ("b", "a", "c"):
                kinesis.create_stream(StreamName=name, ShardCount=1)
            os.mkdir(server.stream("no-stream"))
            answer = kinesis.list_streams(Limit=2)
            self.assertEqual((answer["StreamNames"], answer["HasMoreStreams"]), (["a", "b"], True))
            answer = kinesis.list_streams(Limit=2, ExclusiveStartStreamName="b")
            self.assertEqual((answer["StreamNames"], answer["HasMoreStreams"]), (["c"], False))
            # boto3 of Debian does not know this member yet.
            listed, = server.call("ListStreams", Limit=2, ExclusiveStartStreamName="b")[1]["StreamSummaries"]
            described = server.call("DescribeStreamSummary", StreamName="c")[1]["StreamDescriptionSummary"]
            self.assertEqual(listed, {member: described[member] for member in (
                "StreamName", "StreamARN", "StreamStatus", "StreamModeDetails", "StreamCreationTimestamp")})
            summary = kinesis.describe_stream_summary(StreamName="a")["StreamDescriptionSummary"]
            self.assertEqual(summary["StreamARN"], "arn:aws:kinesis:moon-1:123456789012:stream/a")
            with self.assertRaises(kinesis.exceptions.LimitExceededException) as caught:
                kinesis.create_stream(StreamName="d", ShardCount=2)
            self.assertIn("Current shard count for the account: 3. Limit: 4.", str(caught.exception))
            kinesis.create_stream(StreamName="d", ShardCount=1)
        finally:
            server.stop()

    def test_a_stream_that_another_process_holds_up(self):
        server = Server()
        try:
            for name in ("free", "held"):
                self.assertEqual(server.call("CreateStream", StreamName=name, ShardCount=1)[0], 200)
            with open(f"{server.stream('held')}/stream.db-shm", "a+b") as index:
                fcntl.lockf(index, fcntl.LOCK_EX, 1, 128)  # as a process that was stopped while it opened the stream
                began = time.monotonic()
                listed = server.call("ListStreams")[1]
                self.assertEqual(listed["StreamNames"], ["free", "held"])
                self.assertEqual([each["StreamName"] for each in listed["StreamSummaries"]], ["free"])
                self.assertEqual(server.call("DescribeLimits")[1]["OpenShardCount"], 1)
                self.assertLess(time.monotonic() - began, 20, "the timeout of requests is 30 seconds")
            self.assertEqual(len(server.call("ListStreams")[1]["StreamSummaries"]), 2)
        finally:
            server.stop()


if __name__ == "__main__":
    warnings.simplefilter("ignore")  # connections of boto3 are closed late
    run_beside_each_other(Streams, HeldUpStream, DamagedStream, ListOfStreams)
