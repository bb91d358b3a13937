"""Changes of streams by boto3: shards, retention, tags; and what is left of the answers of a server that was killed."""

import json
import signal
import threading
import time
import unittest

from server import Server, ServerTest, StreamTest, run, wait_until

SPACE = 2**128


class Changes(StreamTest):
    def shards(self):
        return self.kinesis.list_shards(StreamName=self.name)["Shards"]

    def open_shards(self):
        return [int(shard["ShardId"][8:]) for shard in self.shards()
                if "EndingSequenceNumber" not in shard["SequenceNumberRange"]]

    def refusal(self, call, **arguments):
        with self.assertRaises(self.kinesis.exceptions.ClientError) as caught:
            call(StreamName=self.name, **arguments)
        error = caught.exception.response
        self.assertEqual(error["ResponseMetadata"]["HTTPStatusCode"], 400)
        return error["Error"]["Code"], error["Error"]["Message"]

    def split(self, shard, at):
        return self.kinesis.split_shard(StreamName=self.name, ShardToSplit=shard, NewStartingHashKey=str(at))

    def test_a_shard_is_split_and_merged_again(self):
        self.create()
        self.split("shardId-000000000000", 1000)
        left, right = self.shards()[1:]
        self.assertEqual(left["HashKeyRange"], {"StartingHashKey": "0", "EndingHashKey": "999"})
        self.assertEqual(right["HashKeyRange"], {"StartingHashKey": "1000", "EndingHashKey": str(SPACE - 1)})
        self.assertEqual((left["ParentShardId"], right["ParentShardId"]), ("shardId-000000000000",) * 2)
        self.kinesis.merge_shards(StreamName=self.name, ShardToMerge="shardId-000000000002",
                                  AdjacentShardToMerge="shardId-000000000001")
        child = self.shards()[3]
        self.assertEqual(child["HashKeyRange"], {"StartingHashKey": "0", "EndingHashKey": str(SPACE - 1)})
        self.assertEqual({child["ParentShardId"], child["AdjacentParentShardId"]},
                         {"shardId-000000000001", "shardId-000000000002"})
        state = json.loads(run("stream-stats", self.path, "--json"))
        self.assertEqual([shard["open"] for shard in state["shards"]], [False, False, False, True])

    def test_splits_that_make_no_sense(self):
        self.create(2)
        zero = "shardId-000000000000"

        def refused(at, shard=zero):
            return self.refusal(self.kinesis.split_shard, ShardToSplit=shard, NewStartingHashKey=str(at))

        last = SPACE // 2 - 1
        message = (f"NewStartingHashKey %d used in SplitShard() on shard {zero} in stream {self.name} under account "
                   "000000000000 is not both greater than the shard's StartingHashKey 0 and at most the shard's "
                   f"EndingHashKey {last}.")
        for at in (0, last + 1, SPACE - 1):
            self.assertEqual(refused(at), ("InvalidArgumentException", message % at))
        self.assertEqual(refused(SPACE)[0], "InvalidArgumentException")
        self.assertEqual(refused(5, "shardId-000000000009"),
                         ("ResourceNotFoundException", f"Could not find shard shardId-000000000009 in stream {self.name} "
                                                       "under account 000000000000."))
        self.split(zero, last)
        self.assertEqual(self.shards()[3]["HashKeyRange"], {"StartingHashKey": str(last), "EndingHashKey": str(last)})
        self.assertEqual(refused(5), (
            "InvalidArgumentException", f"Shard {zero} in stream {self.name} under account 000000000000 has already been "
                                        "merged or split, and thus is not eligible for merging or splitting."))

    def test_merges_that_make_no_sense(self):
        self.create(3)

        def refused(one, other):
            return self.refusal(self.kinesis.merge_shards, ShardToMerge=f"shardId-{one:012}",
                                AdjacentShardToMerge=f"shardId-{other:012}")

        self.assertEqual(refused(0, 2), (
            "InvalidArgumentException", f"Shards shardId-000000000000 and shardId-000000000002 in stream {self.name} under "
                                        "account 000000000000 are not an adjacent pair of shards eligible for merging"))
        self.assertEqual(refused(1, 1)[0], "InvalidArgumentException")
        self.assertEqual(refused(1, 7)[0], "ResourceNotFoundException")

    def test_the_number_of_shards_becomes_what_it_became_in_amazons_cloud(self):
        # 4 to 3, as reported in risingwavelabs/risingwave#9961: 6, 9 and 10 are open at the end.
        self.create(4)
        answer = self.kinesis.update_shard_count(StreamName=self.name, TargetShardCount=3, ScalingType="UNIFORM_SCALING")
        self.assertEqual((answer["StreamName"], answer["CurrentShardCount"], answer["TargetShardCount"]), (self.name, 4, 3))
        self.assertEqual(self.open_shards(), [6, 9, 10])
        self.kinesis.update_shard_count(StreamName=self.name, TargetShardCount=3, ScalingType="UNIFORM_SCALING")
        self.assertEqual(self.open_shards(), [6, 9, 10])
        for target, code in ((0, "ValidationException"), (10001, "LimitExceededException")):
            self.assertEqual(self.refusal(self.kinesis.update_shard_count, TargetShardCount=target,
                                          ScalingType="UNIFORM_SCALING")[0], code)

    def test_an_on_demand_stream_changes_its_shards_by_itself(self):
        self.kinesis.create_stream(StreamName=self.name, StreamModeDetails={"StreamMode": "ON_DEMAND"})
        for call, arguments in ((self.kinesis.update_shard_count, {"TargetShardCount": 8, "ScalingType": "UNIFORM_SCALING"}),
                                (self.kinesis.split_shard, {"ShardToSplit": "shardId-000000000000",
                                                            "NewStartingHashKey": "5"}),
                                (self.kinesis.merge_shards, {"ShardToMerge": "shardId-000000000000",
                                                             "AdjacentShardToMerge": "shardId-000000000001"})):
            self.assertEqual(self.refusal(call, **arguments)[0], "ValidationException")

    def test_producers_go_on_in_the_children(self):
        self.create()
        stop = threading.Event()
        put = []

        def produce():
            kinesis = self.server.client()
            while not stop.is_set():
                data = b"%d" % len(put)
                put.append(int(kinesis.put_record(StreamName=self.name, Data=data, PartitionKey="key")["SequenceNumber"]))

        producer = threading.Thread(target=produce)
        producer.start()
        for shards in (2, 3, 1):
            before = len(put)
            self.kinesis.update_shard_count(StreamName=self.name, TargetShardCount=shards, ScalingType="UNIFORM_SCALING")
            wait_until(lambda: len(put) > before + 1, "records in the children")
        stop.set()
        producer.join()
        self.assertEqual(put, sorted(set(put)), "the numbers of one key count up through every reshard")
        lines = run("stream-get", self.path).split()
        self.assertEqual(lines, [b"%d" % index for index in range(len(put))])

    def test_the_retention_goes_up_and_down(self):
        self.create()

        def hours():
            return self.kinesis.describe_stream_summary(StreamName=self.name)["StreamDescriptionSummary"]["RetentionPeriodHours"]

        increase = self.kinesis.increase_stream_retention_period
        decrease = self.kinesis.decrease_stream_retention_period
        increase(StreamName=self.name, RetentionPeriodHours=8760)
        self.assertEqual(hours(), 8760)
        self.assertEqual(json.loads(run("stream-stats", self.path, "--json"))["retention_seconds"], 8760 * 3600)
        self.assertEqual(self.refusal(increase, RetentionPeriodHours=48), (
            "InvalidArgumentException", f"Requested retention period (48 hours) for stream {self.name} can not be shorter "
                                        "than existing retention period (8760 hours). Use DecreaseRetentionPeriod API."))
        decrease(StreamName=self.name, RetentionPeriodHours=24)
        self.assertEqual(hours(), 24)
        self.assertEqual(self.refusal(decrease, RetentionPeriodHours=25), (
            "InvalidArgumentException", f"Requested retention period (25 hours) for stream {self.name} can not be longer "
                                        "than existing retention period (24 hours). Use IncreaseRetentionPeriod API."))
        for wrong in (-1, 23, 8761):
            self.assertEqual(self.refusal(increase, RetentionPeriodHours=wrong)[0], "InvalidArgumentException")
        run("stream-create", "--update", self.path, "--retention", "90m")
        self.assertEqual(hours(), 2)
        run("stream-create", "--update", self.path, "--retention", "forever")
        self.assertEqual(hours(), 2**31 - 1)

    def test_a_shorter_retention_hides_records_and_closed_shards(self):
        run("stream-create", self.path, "--retention", "1h")
        run("stream-put", self.path, "-k", "k", input=b"old\n")
        run("stream-reshard", "split", self.path, "0")
        iterator = self.kinesis.get_shard_iterator(StreamName=self.name, ShardId="shardId-000000000000",
                                                   ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
        run("stream-create", "--update", self.path, "--retention", "1us")
        wait_until(lambda: len(self.shards()) == 2, "the parent to be out of sight")
        page = self.kinesis.get_records(ShardIterator=iterator)
        self.assertEqual(page["Records"], [])
        self.assertEqual(len(page["ChildShards"]), 2)

    def test_tags_are_those_of_the_shell(self):
        run("stream-create", self.path, "--tag", "team=blue")
        self.kinesis.add_tags_to_stream(StreamName=self.name, Tags={"cost": "", "länge": "5 m"})
        self.assertEqual(json.loads(run("stream-stats", self.path, "--json"))["tags"],
                         {"team": "blue", "cost": "", "länge": "5 m"})
        page = self.kinesis.list_tags_for_stream(StreamName=self.name, Limit=2)
        self.assertEqual((page["Tags"], page["HasMoreTags"]),
                         ([{"Key": "cost", "Value": ""}, {"Key": "länge", "Value": "5 m"}], True))
        page = self.kinesis.list_tags_for_stream(StreamName=self.name, ExclusiveStartTagKey="länge")
        self.assertEqual((page["Tags"], page["HasMoreTags"]), ([{"Key": "team", "Value": "blue"}], False))
        self.kinesis.remove_tags_from_stream(StreamName=self.name, TagKeys=["team", "nothing"])
        arn = f"arn:aws:kinesis:eu-central-1:000000000000:stream/{self.name}"
        call = self.server.call
        self.assertEqual(call("TagResource", ResourceARN=arn, Tags={"a": "b"}), (200, None))
        self.assertEqual(call("UntagResource", ResourceARN=arn, TagKeys=["cost"]), (200, None))
        self.assertEqual(call("ListTagsForResource", ResourceARN=arn),
                         (200, {"Tags": [{"Key": "a", "Value": "b"}, {"Key": "länge", "Value": "5 m"}]}))
        self.assertEqual(self.refusal(self.kinesis.add_tags_to_stream, Tags={"a%": "b"})[0], "InvalidArgumentException")
        many = {f"k{index}": "" for index in range(49)}
        self.assertIn("cannot have more than 50 tags", self.refusal(self.kinesis.add_tags_to_stream, Tags=many)[1])
        self.expect_refusal(call("AddTagsToStream", StreamName=self.name, Tags={"": "x", "y" * 129: "x"}),
                            "ValidationException")
        self.expect_refusal(call("AddTagsToStream", StreamName=self.name, Tags={"k": "x" * 257}), "ValidationException")

    def test_the_tags_of_a_consumer(self):
        self.create()
        call = self.server.call
        stream = f"arn:aws:kinesis:us-east-1:000000000000:stream/{self.name}"

        def register(**more):
            status, answer = call("RegisterStreamConsumer", StreamARN=stream, ConsumerName="c", **more)
            self.assertEqual(status, 200, answer)
            return answer["Consumer"]["ConsumerARN"]

        def tags_of(arn):
            status, answer = call("ListTagsForResource", ResourceARN=arn)
            return {tag["Key"]: tag["Value"] for tag in answer["Tags"]} if status == 200 else answer["__type"]

        consumer = register(Tags={"team": "blue", "länge": "5 m"})
        self.assertEqual(tags_of(consumer), {"team": "blue", "länge": "5 m"})
        self.assertEqual(call("TagResource", ResourceARN=consumer, Tags={"team": "", "7 k": "8 v"}), (200, None))
        self.assertEqual(call("UntagResource", ResourceARN=consumer, TagKeys=["länge", "nothing"]), (200, None))
        self.assertEqual(call("TagResource", ResourceARN=stream, Tags={"of": "the stream"}), (200, None))
        self.assertEqual((tags_of(consumer), tags_of(stream)), ({"team": "", "7 k": "8 v"}, {"of": "the stream"}))
        self.expect_refusal(call("TagResource", ResourceARN=consumer, Tags={f"k{index}": "" for index in range(49)}),
                            "InvalidArgumentException",
                            f"Failed to add tags to consumer c of stream {self.name} under account 000000000000 because a "
                            "given consumer cannot have more than 50 tags associated with it.")
        self.assertEqual(tags_of(f"{consumer}0"), "ResourceNotFoundException")
        self.assertEqual(call("DeregisterStreamConsumer", ConsumerARN=consumer), (200, None))
        self.assertEqual(tags_of(consumer), "ResourceNotFoundException")
        self.assertEqual(tags_of(register()), {}, "nothing is left of the one before")
        for wrong in ({"a%": ""}, {f"k{index}": "" for index in range(51)}):
            self.expect_refusal(call("RegisterStreamConsumer", StreamARN=stream, ConsumerName="d", Tags=wrong),
                                "InvalidArgumentException")
            self.expect_refusal(call("CreateStream", StreamName=f"{self.name}2", ShardCount=1, Tags=wrong),
                                "InvalidArgumentException")

    def test_no_change_is_lost_among_several_at_once(self):
        self.create()
        metrics = ["IncomingBytes", "IncomingRecords", "OutgoingBytes", "OutgoingRecords"]

        def call(action, **members):  # which is refused on a slow machine if it waits for the others for too long
            while self.server.call(action, StreamName=self.name, **members)[0] == 503:
                pass

        def change(index):
            call("EnableEnhancedMonitoring", ShardLevelMetrics=[metrics[index]])
            for part in range(3):
                call("AddTagsToStream", Tags={f"{index} {part} {tag}": "" for tag in range(8)})

        threads = [threading.Thread(target=change, args=(index,)) for index in range(len(metrics))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        summary = self.kinesis.describe_stream_summary(StreamName=self.name)["StreamDescriptionSummary"]
        self.assertEqual(summary["EnhancedMonitoring"], [{"ShardLevelMetrics": metrics}])
        # 12 times 8 tags, and at most 50: 6 requests are done, and the others refused.
        self.assertEqual(len(self.kinesis.list_tags_for_stream(StreamName=self.name)["Tags"]), 48)

    def test_the_largest_record_can_be_changed(self):
        self.create()
        arn = f"arn:aws:kinesis:eu-central-1:000000000000:stream/{self.name}"
        self.assertEqual(self.server.call("UpdateMaxRecordSize", StreamARN=arn, MaxRecordSizeInKiB=2048), (200, None))
        summary = self.server.call("DescribeStreamSummary", StreamARN=arn)[1]["StreamDescriptionSummary"]
        self.assertEqual(summary["MaxRecordSizeInKiB"], 2048)
        self.kinesis.put_record(StreamName=self.name, Data=b"x" * 1500000, PartitionKey="k")
        self.expect_refusal(self.server.call("UpdateMaxRecordSize", StreamARN=arn, MaxRecordSizeInKiB=512),
                            "ValidationException")


class Kept(ServerTest):
    """What is kept with a stream and shown again."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.kinesis = cls.server.client()

    setUp, create, refusal = Changes.setUp, Changes.create, Changes.refusal

    def arn(self):
        return f"arn:aws:kinesis:us-east-1:000000000000:stream/{self.name}"

    def summary(self):
        return self.kinesis.describe_stream_summary(StreamName=self.name)["StreamDescriptionSummary"]

    def code(self, call, **arguments):
        with self.assertRaises(self.kinesis.exceptions.ClientError) as caught:
            call(**arguments)
        return caught.exception.response["Error"]["Code"]

    def test_consumers(self):
        self.create()
        kinesis, arn = self.kinesis, self.arn()
        names = ["b", "a" * 128, "c.d-e_f"]
        made = [kinesis.register_stream_consumer(StreamARN=arn, ConsumerName=name)["Consumer"] for name in names]
        self.assertEqual(made[0]["ConsumerStatus"], "ACTIVE")
        self.assertEqual(made[0]["ConsumerARN"],
                         f"{arn}/consumer/b:{int(made[0]['ConsumerCreationTimestamp'].timestamp())}")
        self.assertEqual(self.code(kinesis.register_stream_consumer, StreamARN=arn, ConsumerName="b"),
                         "ResourceInUseException")
        listed = kinesis.list_stream_consumers(StreamARN=arn)["Consumers"]
        self.assertEqual(listed, sorted(made, key=lambda consumer: consumer["ConsumerName"]))
        page = kinesis.list_stream_consumers(StreamARN=arn, MaxResults=2)
        rest = kinesis.list_stream_consumers(StreamARN=arn, NextToken=page["NextToken"])
        self.assertEqual(page["Consumers"] + rest["Consumers"], listed)
        self.assertNotIn("NextToken", rest)
        created = self.summary()["StreamCreationTimestamp"]
        self.assertEqual(kinesis.list_stream_consumers(StreamARN=arn, StreamCreationTimestamp=created)["Consumers"], listed)
        self.assertEqual(self.code(kinesis.list_stream_consumers, StreamARN=arn, StreamCreationTimestamp=5),
                         "ResourceNotFoundException")
        self.assertEqual(self.summary()["ConsumerCount"], 3)
        by_name = kinesis.describe_stream_consumer(StreamARN=arn, ConsumerName="b")["ConsumerDescription"]
        by_arn = kinesis.describe_stream_consumer(ConsumerARN=made[0]["ConsumerARN"])["ConsumerDescription"]
        self.assertEqual((by_name, by_name), (by_arn, {**made[0], "StreamARN": arn}))
        self.assertEqual(self.code(kinesis.describe_stream_consumer, ConsumerARN=f"{arn}/consumer/b:5"),
                         "ResourceNotFoundException")
        self.assertEqual(self.code(kinesis.describe_stream_consumer, StreamARN=arn), "InvalidArgumentException")
        kinesis.deregister_stream_consumer(ConsumerARN=made[0]["ConsumerARN"])
        self.assertEqual(self.code(kinesis.deregister_stream_consumer, StreamARN=arn, ConsumerName="b"),
                         "ResourceNotFoundException")
        for index in range(18):
            kinesis.register_stream_consumer(StreamARN=arn, ConsumerName=f"more{index}")
        self.assertEqual(self.code(kinesis.register_stream_consumer, StreamARN=arn, ConsumerName="b"),
                         "LimitExceededException")
        self.assertEqual(self.code(kinesis.delete_stream, StreamName=self.name), "ResourceInUseException")
        kinesis.delete_stream(StreamName=self.name, EnforceConsumerDeletion=True)
        self.assertEqual(self.code(kinesis.list_stream_consumers, StreamARN=arn), "ResourceNotFoundException")

    def test_metrics(self):
        self.create()

        def change(call, *metrics):
            answer = call(StreamName=self.name, ShardLevelMetrics=list(metrics))
            shown, = self.summary()["EnhancedMonitoring"]
            self.assertEqual(answer["DesiredShardLevelMetrics"], shown["ShardLevelMetrics"])
            return answer["CurrentShardLevelMetrics"], answer["DesiredShardLevelMetrics"]

        enable, disable = self.kinesis.enable_enhanced_monitoring, self.kinesis.disable_enhanced_monitoring
        self.assertEqual(change(enable, "OutgoingBytes"), ([], ["OutgoingBytes"]))
        self.assertEqual(change(enable, "IncomingBytes"), (["OutgoingBytes"], ["IncomingBytes", "OutgoingBytes"]))
        self.assertEqual(change(disable, "OutgoingBytes"), (["IncomingBytes", "OutgoingBytes"], ["IncomingBytes"]))
        self.assertEqual(len(change(enable, "ALL")[1]), 7)
        self.assertEqual(change(disable, "ALL")[1], [])
        self.assertEqual(self.refusal(enable, ShardLevelMetrics=["Nothing"])[0], "ValidationException")

    def test_the_key_of_an_encryption(self):
        self.create()
        self.kinesis.start_stream_encryption(StreamName=self.name, EncryptionType="KMS", KeyId="alias/mine")
        self.assertEqual((self.summary()["EncryptionType"], self.summary()["KeyId"]), ("KMS", "alias/mine"))
        self.assertEqual(self.types_of_encryption(), ["KMS"] * 3)
        self.kinesis.stop_stream_encryption(StreamName=self.name, EncryptionType="KMS", KeyId="alias/mine")
        self.assertEqual(self.summary()["EncryptionType"], "NONE")
        self.assertNotIn("KeyId", self.summary())
        self.assertEqual(self.types_of_encryption(), [None] * 3)

    def types_of_encryption(self):
        """Of what is put, and of a record that is read."""
        put = self.kinesis.put_record(StreamName=self.name, Data=b"x", PartitionKey="k")
        put_many = self.kinesis.put_records(StreamName=self.name, Records=[{"Data": b"x", "PartitionKey": "k"}])
        iterator = self.kinesis.get_shard_iterator(StreamName=self.name, ShardId=put["ShardId"],
                                                   ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
        record = self.kinesis.get_records(ShardIterator=iterator)["Records"][0]
        return [answer.get("EncryptionType") for answer in (put, put_many, record)]

    def test_the_mode(self):
        self.create()
        for mode, shell in (("ON_DEMAND", "on-demand"), ("PROVISIONED", "provisioned")):
            self.kinesis.update_stream_mode(StreamARN=self.arn(), StreamModeDetails={"StreamMode": mode})
            self.assertEqual(self.summary()["StreamModeDetails"]["StreamMode"], mode)
            self.assertEqual(json.loads(run("stream-stats", self.path, "--json"))["mode"], shell)


    # boto3 of Debian does not know the actions below yet.

    def test_resource_policies(self):
        self.create()
        call, arn = self.server.call, self.arn()
        consumer = self.kinesis.register_stream_consumer(StreamARN=arn, ConsumerName="c")["Consumer"]["ConsumerARN"]
        long = json.dumps({"Version": "2012-10-17", "Statement": ["ü" * 10000]}, ensure_ascii=False)
        short = '{"Statement": []}'
        for resource, policy in ((arn, long), (consumer, short)):
            self.assertEqual(call("GetResourcePolicy", ResourceARN=resource), (200, {"Policy": "{}"}))
            self.assertEqual(call("PutResourcePolicy", ResourceARN=resource, Policy=policy), (200, None))
            self.assertEqual(call("GetResourcePolicy", ResourceARN=resource), (200, {"Policy": policy}))
        self.assertEqual(call("PutResourcePolicy", ResourceARN=arn, Policy=short), (200, None))
        self.assertEqual(call("GetResourcePolicy", ResourceARN=arn), (200, {"Policy": short}), "nothing is left of the old one")
        self.assertEqual(call("DeleteResourcePolicy", ResourceARN=arn), (200, None))
        self.expect_refusal(call("DeleteResourcePolicy", ResourceARN=arn), "ResourceNotFoundException")
        self.assertEqual(call("GetResourcePolicy", ResourceARN=consumer), (200, {"Policy": short}))
        self.kinesis.deregister_stream_consumer(ConsumerARN=consumer)
        self.expect_refusal(call("GetResourcePolicy", ResourceARN=consumer), "ResourceNotFoundException",
                            f"Consumer c of stream {self.name} under account 000000000000 not found.")
        for policy in ("", "{", "[]", '{"a": "' + "x" * 20480 + '"}'):
            self.expect_refusal(call("PutResourcePolicy", ResourceARN=arn, Policy=policy), "InvalidArgumentException")
        self.expect_refusal(call("GetResourcePolicy", ResourceARN=arn + "0"), "ResourceNotFoundException")
        self.expect_refusal(call("GetResourcePolicy", ResourceARN=arn.replace("stream", "table")), "ValidationException")
        run("stream-stats", self.path, "--verify")

    def test_warm_throughput(self):
        self.create()
        call, arn = self.server.call, self.arn()
        self.expect_refusal(call("UpdateStreamWarmThroughput", StreamARN=arn, WarmThroughputMiBps=5), "ValidationException")
        self.assertNotIn("WarmThroughput", self.summary())

        def warm():
            return call("DescribeStreamSummary", StreamName=self.name)[1]["StreamDescriptionSummary"]["WarmThroughput"]

        self.assertEqual(call("UpdateStreamMode", StreamARN=arn, StreamModeDetails={"StreamMode": "ON_DEMAND"},
                              WarmThroughputMiBps=3), (200, None))
        self.assertEqual(warm(), {"TargetMiBps": 3, "CurrentMiBps": 3})
        status, answer = call("UpdateStreamWarmThroughput", StreamName=self.name, WarmThroughputMiBps=10240)
        self.assertEqual((status, answer["StreamName"], answer["WarmThroughput"]), (200, self.name, warm()))
        self.assertEqual(warm()["CurrentMiBps"], 10240)
        self.expect_refusal(call("UpdateStreamWarmThroughput", StreamARN=arn, WarmThroughputMiBps=10241),
                            "InvalidArgumentException")
        self.expect_refusal(call("CreateStream", StreamName=f"{self.name}2", ShardCount=1, WarmThroughputMiBps=1),
                            "ValidationException")
        self.assertEqual(call("CreateStream", StreamName=f"{self.name}2", WarmThroughputMiBps=0), (200, None))
        self.kinesis.update_stream_mode(StreamARN=arn, StreamModeDetails={"StreamMode": "PROVISIONED"})
        status, answer = call("DescribeStreamSummary", StreamName=self.name)
        self.assertNotIn("WarmThroughput", answer["StreamDescriptionSummary"])

    def test_the_settings_of_the_account(self):
        call = self.server.call
        disabled = {"MinimumThroughputBillingCommitment": {"Status": "DISABLED"}}
        self.assertEqual(call("DescribeAccountSettings"), (200, disabled))
        status, enabled = call("UpdateAccountSettings", MinimumThroughputBillingCommitment={"Status": "ENABLED"})
        self.assertEqual((status, enabled["MinimumThroughputBillingCommitment"]["Status"]), (200, "ENABLED"))
        self.assertLess(abs(enabled["MinimumThroughputBillingCommitment"]["StartedAt"] - time.time()), 60)
        self.assertEqual(call("DescribeAccountSettings"), (200, enabled))
        commitment = call("UpdateAccountSettings", **disabled)[1]["MinimumThroughputBillingCommitment"]
        self.assertEqual((commitment["Status"], sorted(commitment)), ("DISABLED", ["EndedAt", "StartedAt", "Status"]))
        self.expect_refusal(call("UpdateAccountSettings", MinimumThroughputBillingCommitment={"Status": "x"}),
                            "ValidationException")


class Restarted(unittest.TestCase):
    def test_what_is_kept_is_there_after_a_restart(self):
        server = Server()
        try:
            stream = "arn:aws:kinesis:eu-central-1:000000000000:stream/s"  # the region of what call() signs

            def call(action, **members):
                status, answer = server.call(action, **members)
                self.assertEqual(status, 200, (action, answer))
                return answer

            def show():
                consumer = call("ListStreamConsumers", StreamARN=stream)["Consumers"][0]["ConsumerARN"]
                return [call("DescribeStreamSummary", StreamName="s"), call("DescribeStreamConsumer", ConsumerARN=consumer),
                        call("GetResourcePolicy", ResourceARN=stream), call("ListTagsForResource", ResourceARN=consumer),
                        call("ListTagsForStream", StreamName="s")]

            call("CreateStream", StreamName="s", ShardCount=1, Tags={"a": "b"})
            call("RegisterStreamConsumer", StreamARN=stream, ConsumerName="c", Tags={"c": "d"})
            call("EnableEnhancedMonitoring", StreamName="s", ShardLevelMetrics=["OutgoingBytes"])
            call("StartStreamEncryption", StreamName="s", EncryptionType="KMS", KeyId="alias/mine")
            call("PutResourcePolicy", ResourceARN=stream, Policy='{"Statement": []}')
            before = show()
            self.assertEqual((before[0]["StreamDescriptionSummary"]["KeyId"], before[3]["Tags"]),
                             ("alias/mine", [{"Key": "c", "Value": "d"}]))
            server.restart()
            self.assertEqual(show(), before)
        finally:
            server.stop()


class Limits(unittest.TestCase):
    def test_the_shards_of_all_streams_have_a_limit(self):
        server = Server("--shard-limit", "4")
        try:
            kinesis = server.client()
            self.assertEqual(kinesis.describe_limits()["OpenShardCount"], 0)
            kinesis.create_stream(StreamName="a", ShardCount=3)
            kinesis.split_shard(StreamName="a", ShardToSplit="shardId-000000000001", NewStartingHashKey=str(SPACE // 2))
            limits = kinesis.describe_limits()
            self.assertEqual((limits["ShardLimit"], limits["OpenShardCount"], limits["OnDemandStreamCount"]), (4, 4, 0))
            exceeded = kinesis.exceptions.LimitExceededException
            with self.assertRaises(exceeded):
                kinesis.split_shard(StreamName="a", ShardToSplit="shardId-000000000000", NewStartingHashKey="5")
            with self.assertRaises(kinesis.exceptions.ResourceNotFoundException):  # before the limit
                kinesis.split_shard(StreamName="a", ShardToSplit="shardId-000000000009", NewStartingHashKey="5")
            with self.assertRaises(exceeded):
                kinesis.update_shard_count(StreamName="a", TargetShardCount=5, ScalingType="UNIFORM_SCALING")
            kinesis.update_shard_count(StreamName="a", TargetShardCount=1, ScalingType="UNIFORM_SCALING")
            kinesis.create_stream(StreamName="b", ShardCount=3)
        finally:
            server.stop()

    def test_counting_shards_closes_no_stream_in_use(self):
        server = Server()
        try:
            for index in range(33):  # 32 are kept open
                self.assertEqual(server.call("CreateStream", StreamName=f"s{index}", ShardCount=1)[0], 200)
            self.assertEqual(server.call("PutRecord", StreamName="s32", PartitionKey="k", Data="eA==")[0], 200)

            of_stream = {each for each in server.open_files() if "/s32/" in each[1]}
            self.assertNotEqual(of_stream, set())
            self.assertEqual(server.call("DescribeLimits")[1]["OpenShardCount"], 33)
            self.assertEqual(of_stream - server.open_files(), set())
            self.assertEqual({each for each in server.open_files() if "/s0/" in each[1]}, set())
        finally:
            server.stop()


class EndingServer(unittest.TestCase):
    def test_it_does_not_wait_for_thousands_of_splits(self):
        server = Server()
        try:
            self.assertEqual(server.call("CreateStream", StreamName="s", ShardCount=1)[0], 200)
            answers = []

            def update():
                try:
                    answers.append(server.call("UpdateShardCount", StreamName="s", TargetShardCount=10000,
                                               ScalingType="UNIFORM_SCALING")[0])
                except OSError:  # closed before the answer was read
                    answers.append(503)

            def shards():
                return json.loads(run("stream-stats", server.stream("s"), "--json"))["shards"]

            updating = threading.Thread(target=update)
            updating.start()
            wait_until(lambda: len(shards()) > 1, "the first split")
            summary = server.call("DescribeStreamSummary", StreamName="s")[1]["StreamDescriptionSummary"]
            self.assertEqual(summary["StreamStatus"], "UPDATING")
            status, refused = server.call("SplitShard", StreamName="s", ShardToSplit="shardId-000000000000",
                                          NewStartingHashKey="5")
            self.assertEqual((status, refused), (400, {
                "__type": "ResourceInUseException",
                "message": "Stream s under account 000000000000 not ACTIVE, instead in state UPDATING"}))
            self.assertEqual(server.call("PutRecord", StreamName="s", PartitionKey="k", Data="eA==")[0], 200)
            server.process.send_signal(signal.SIGTERM)
            self.assertEqual(server.process.wait(30), -signal.SIGTERM)
            updating.join()
            self.assertEqual(answers, [503])
            self.assertLess(len([shard for shard in shards() if shard["open"]]), 10000)
            run("stream-stats", server.stream("s"), "--verify")
        finally:
            server.stop()


class KilledServer(unittest.TestCase):
    """What was answered is there once, whatever becomes of the server."""

    def end(self, how):
        server = Server()
        server.client().create_stream(StreamName="s", ShardCount=2)
        answered = [set() for _ in range(6)]

        def produce(client):
            kinesis = server.client()
            for turn in range(100000):
                data = [f"{client}.{turn}.{index}" for index in range(3)]
                try:
                    answer = kinesis.put_records(StreamName="s", Records=[{"Data": each.encode(), "PartitionKey": each}
                                                                          for each in data])
                except Exception:  # the server has gone
                    return
                self.assertEqual(answer["FailedRecordCount"], 0)
                answered[client].update(data)

        producers = [threading.Thread(target=produce, args=(client,)) for client in range(6)]
        for producer in producers:
            producer.start()
        wait_until(lambda: all(len(each) > 10 for each in answered), "records of every client")
        server.process.send_signal(how)
        for producer in producers:
            producer.join()
        self.assertEqual(server.process.wait(30), -how)
        lines = run("stream-get", server.stream("s")).decode().split()
        self.assertEqual(len(lines), len(set(lines)), "once")
        missing = set().union(*answered) - set(lines)
        self.assertEqual(missing, set())
        run("stream-stats", server.stream("s"), "--verify")
        server.stop()

    def test_kill(self):
        self.end(signal.SIGKILL)

    def test_terminate(self):
        self.end(signal.SIGTERM)


if __name__ == "__main__":
    unittest.main(warnings="ignore")  # connections of boto3 are closed late
