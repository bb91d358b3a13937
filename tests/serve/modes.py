"""stream-serve --transition and --throttle: as slow and as strict as Kinesis."""

import time
import unittest

from server import Server, ServerTest, run, wait_until

SHARD = "shardId-000000000000"


def status_of(server, stream):
    status, answer = server.call("DescribeStreamSummary", StreamName=stream)
    return answer["StreamDescriptionSummary"]["StreamStatus"] if status == 200 else None


class LongTransitions(ServerTest):
    options = ("--transition", "1h")

    def test_a_stream_that_is_being_created(self):
        call = self.server.call
        self.assertEqual(call("CreateStream", StreamName="new", ShardCount=1)[0], 200)
        self.assertEqual(status_of(self.server, "new"), "CREATING")
        self.assertEqual(call("DescribeStream", StreamName="new")[1]["StreamDescription"]["StreamStatus"], "CREATING")
        gone = "Stream new under account 000000000000 not found."
        for action, members in (("PutRecord", {"Data": "eA==", "PartitionKey": "k"}),
                                ("PutRecords", {"Records": [{"Data": "eA==", "PartitionKey": "k"}]}),
                                ("GetShardIterator", {"ShardId": SHARD, "ShardIteratorType": "LATEST"})):
            self.expect_refusal(call(action, StreamName="new", **members), "ResourceNotFoundException", gone)
        for action, members in (("SplitShard", {"ShardToSplit": SHARD, "NewStartingHashKey": "5"}),
                                ("IncreaseStreamRetentionPeriod", {"RetentionPeriodHours": 48}),
                                ("EnableEnhancedMonitoring", {"ShardLevelMetrics": ["ALL"]})):
            self.expect_refusal(call(action, StreamName="new", **members), "ResourceInUseException",
                                "Stream new under account 000000000000 not ACTIVE, instead in state CREATING")

    def test_a_stream_that_is_being_updated(self):
        run("stream-create", self.server.stream("updated"), "--shards", "2")
        call = self.server.call
        self.assertEqual(status_of(self.server, "updated"), "ACTIVE")
        refused = call("MergeShards", StreamName="updated", ShardToMerge=SHARD, AdjacentShardToMerge=SHARD)
        self.expect_refusal(refused, "InvalidArgumentException")
        self.assertEqual(status_of(self.server, "updated"), "ACTIVE", "nothing was changed")
        self.assertEqual(call("SplitShard", StreamName="updated", ShardToSplit=SHARD, NewStartingHashKey="5")[0], 200)
        self.assertEqual(status_of(self.server, "updated"), "UPDATING")
        self.assertEqual(call("PutRecord", StreamName="updated", Data="eA==", PartitionKey="k")[0], 200)
        self.expect_refusal(call("UpdateShardCount", StreamName="updated", TargetShardCount=1,
                                 ScalingType="UNIFORM_SCALING"), "ResourceInUseException",
                            "Stream updated under account 000000000000 not ACTIVE, instead in state UPDATING")

    def test_a_stream_that_is_being_deleted(self):
        run("stream-create", self.server.stream("old"))
        call = self.server.call
        self.assertEqual(call("DeleteStream", StreamName="old")[0], 200)
        self.assertEqual(status_of(self.server, "old"), "DELETING")
        self.assertIn("old", call("ListStreams")[1]["StreamNames"])
        self.expect_refusal(call("PutRecord", StreamName="old", Data="eA==", PartitionKey="k"), "ResourceNotFoundException")
        self.expect_refusal(call("CreateStream", StreamName="old", ShardCount=1), "ResourceInUseException",
                            "Stream old under account 000000000000 already exists.")
        run("stream-get", self.server.stream("old"), status=66)
        summary, = [each for each in call("ListStreams")[1]["StreamSummaries"] if each["StreamName"] == "old"]
        self.assertEqual(summary["StreamStatus"], "DELETING")

    def test_a_stream_that_was_deleted_and_is_there_again(self):
        run("stream-create", self.server.stream("again"))
        call = self.server.call
        self.assertEqual(call("DeleteStream", StreamName="again")[0], 200)
        run("stream-create", self.server.stream("again"), "--shards", "3")
        self.assertEqual(call("ListStreams")[1]["StreamNames"].count("again"), 1)
        self.assertEqual(status_of(self.server, "again"), "ACTIVE")
        self.assertEqual(len(call("DescribeStream", StreamName="again")[1]["StreamDescription"]["Shards"]), 3)
        self.assertEqual(call("PutRecord", StreamName="again", Data="eA==", PartitionKey="k")[0], 200)


class ShortTransitions(unittest.TestCase):
    def test_they_end(self):
        server = Server("--transition", "20ms")
        try:
            kinesis = server.client()
            kinesis.create_stream(StreamName="s", ShardCount=1)
            wait_until(lambda: status_of(server, "s") == "ACTIVE", "the stream to be active")
            kinesis.put_record(StreamName="s", Data=b"x", PartitionKey="k")
            kinesis.split_shard(StreamName="s", ShardToSplit=SHARD, NewStartingHashKey="5")
            wait_until(lambda: status_of(server, "s") == "ACTIVE", "the stream to be active again")
            kinesis.delete_stream(StreamName="s")
            wait_until(lambda: status_of(server, "s") is None, "the stream to be gone")
            self.assertEqual(kinesis.list_streams()["StreamNames"], [])
        finally:
            server.stop()


class Throttled(ServerTest):
    options = ("--throttle",)

    def test_each_record_over_the_limit_fails_alone(self):
        call = self.server.call
        call("CreateStream", StreamName="records", ShardCount=2)
        # The first shard has room for one record of this size, the second for many small ones.
        large = "A" * 4 * (900 * 1024 // 3)
        entries = [("0", large), (str(2**127), "eA=="), ("0", large), (str(2**127), "eA=="), ("0", large)]
        status, answer = call("PutRecords", StreamName="records", Records=[
            {"Data": data, "PartitionKey": "k", "ExplicitHashKey": key} for key, data in entries])
        over = "Rate exceeded for shard shardId-000000000000 in stream records under account 000000000000."
        failed = [entry.get("ErrorCode") for entry in answer["Records"]]
        self.assertEqual((status, answer["FailedRecordCount"]), (200, 2))
        self.assertEqual(failed, [None, None, "ProvisionedThroughputExceededException", None,
                                  "ProvisionedThroughputExceededException"])
        self.assertEqual(answer["Records"][2]["ErrorMessage"], over)
        self.assertEqual(len(run("stream-get", self.server.stream("records"), "--shard", "1").splitlines()), 2)

    def test_a_thousand_records_a_second(self):
        call = self.server.call
        call("CreateStream", StreamName="many", ShardCount=1)
        failed, began = 0, time.monotonic()
        for _ in range(40):
            failed += call("PutRecords", StreamName="many", Records=[{"Data": "", "PartitionKey": "k"}] * 500)[1]["FailedRecordCount"]
            if failed:
                break
        # The first thousand are free.
        self.assertTrue(failed > 0 or time.monotonic() - began > 40 * 500 / 1000 - 1)
        call("CreateStream", StreamName="one", ShardCount=1)
        self.assertEqual(call("PutRecord", StreamName="one", Data="", PartitionKey="k")[0], 200, "each stream for itself")

    def test_five_calls_a_second(self):
        call = self.server.call
        call("CreateStream", StreamName="read", ShardCount=1)
        iterator = call("GetShardIterator", StreamName="read", ShardId=SHARD, ShardIteratorType="LATEST")[1]["ShardIterator"]
        began = time.monotonic()
        answers = [call("GetRecords", ShardIterator=iterator) for _ in range(100)]
        if time.monotonic() - began > 100 / 5 - 1:
            self.skipTest("the machine is too slow for so many calls a second")
        self.assertEqual([status for status, _ in answers[:5]], [200] * 5)
        refused = next(answer for answer in answers if answer[0] != 200)
        self.expect_refusal(refused, "ProvisionedThroughputExceededException",
                            "Rate exceeded for shard shardId-000000000000 in stream read under account 000000000000.")


if __name__ == "__main__":
    unittest.main(warnings="ignore")  # connections of boto3 are closed late
