"""Each error that Kinesis documents for an action is provoked, or stands among those that cannot arise here, with the reason."""

import base64
import ctypes
import os
import re
import time
import unittest

from http2 import Client
from model import BOTO, MODEL, SHARD, broken_members, in_json, requests
from server import Server, run

# Amazon Kinesis Data Streams API Reference, "Errors" of each action: those that Debian's boto3 does not have yet.
OF_RESOURCES = "DeleteResourcePolicy GetResourcePolicy ListTagsForResource PutResourcePolicy TagResource UntagResource"
NEWER_ERRORS = {
    "AccessDeniedException": f"""{OF_RESOURCES} AddTagsToStream DecreaseStreamRetentionPeriod DeleteStream DescribeStream
        DescribeStreamSummary DisableEnhancedMonitoring EnableEnhancedMonitoring GetRecords GetShardIterator
        IncreaseStreamRetentionPeriod ListShards ListTagsForStream MergeShards PutRecord PutRecords RemoveTagsFromStream
        SplitShard StartStreamEncryption StopStreamEncryption SubscribeToShard UpdateMaxRecordSize UpdateShardCount
        UpdateStreamWarmThroughput""",
    "ExpiredNextTokenException": "ListStreams",
    "InternalFailureException": "GetRecords GetShardIterator PutRecord PutRecords",
    "InvalidArgumentException": f"""{OF_RESOURCES} DeleteStream DescribeStream DescribeStreamSummary ListStreams
        UpdateAccountSettings UpdateMaxRecordSize UpdateStreamWarmThroughput""",
    "LimitExceededException": f"""{OF_RESOURCES} DescribeAccountSettings UpdateAccountSettings UpdateMaxRecordSize
        UpdateStreamWarmThroughput""",
    "ResourceInUseException": f"{OF_RESOURCES} UpdateMaxRecordSize UpdateStreamWarmThroughput",
    "ResourceNotFoundException": f"{OF_RESOURCES} UpdateMaxRecordSize UpdateStreamWarmThroughput",
    "ValidationException": """CreateStream UpdateAccountSettings UpdateMaxRecordSize UpdateStreamMode
        UpdateStreamWarmThroughput""",
}

# Error, actions and reason. "Actions" in stream-serve(1) says the same.
CANNOT_ARISE = [
    *((f"KMS{what}", "GetRecords PutRecord PutRecords StartStreamEncryption", "nothing is encrypted") for what in (
        "AccessDeniedException", "DisabledException", "InvalidStateException", "NotFoundException", "OptInRequired",
        "ThrottlingException")),
    ("LimitExceededException",
     f"""{OF_RESOURCES} AddTagsToStream DecreaseStreamRetentionPeriod DeleteStream DeregisterStreamConsumer
     DescribeAccountSettings DescribeLimits DescribeStream DescribeStreamConsumer DescribeStreamSummary
     DisableEnhancedMonitoring EnableEnhancedMonitoring IncreaseStreamRetentionPeriod ListShards ListStreamConsumers
     ListStreams ListTagsForStream MergeShards RemoveTagsFromStream StartStreamEncryption StopStreamEncryption
     UpdateAccountSettings UpdateMaxRecordSize UpdateStreamMode UpdateStreamWarmThroughput""",
     "these actions can be called as often as clients like"),
    ("ResourceInUseException", f"{OF_RESOURCES} AddTagsToStream RemoveTagsFromStream",
     "tags and policies can be changed in each state of a stream"),
    ("ResourceInUseException", "ListShards ListStreamConsumers", "a stream can be looked at in each state"),
    ("ProvisionedThroughputExceededException", "GetShardIterator", "an iterator takes no capacity"),
    ("ProvisionedThroughputExceededException", "PutRecords", "it is the ErrorCode of each record that it is about"),
    ("ExpiredNextTokenException", "ListStreamConsumers ListStreams", "their tokens are names"),
    ("InvalidArgumentException", "ListStreams UpdateAccountSettings",
     "the constraints rule out all that is wrong: ValidationException"),
]


def pairs(table):
    """Each error with each action."""
    return {(error, action) for error, actions, *_ in table for action in actions.split()}


def documented():
    of_model = {(error.name, action) for action in BOTO.operation_names for error in BOTO.operation_model(action).error_shapes}
    return of_model | pairs(NEWER_ERRORS.items())


def sealed_again(token, change):
    """A token with other contents. Its last eight bytes are XXH3, of 64 bits, of those before."""
    xxh3 = ctypes.CDLL("libxxhash.so.0").XXH3_64bits
    xxh3.restype = ctypes.c_uint64
    contents = change(base64.b64decode(token)[:-8])
    return base64.b64encode(contents + xxh3(contents, ctypes.c_size_t(len(contents))).to_bytes(8, "big")).decode()


def issued_long_ago(contents):
    """After eight bytes of a kind is the time of issue, in microseconds. A token can be used for five minutes."""
    return contents[:8] + int((time.time() - 301) * 1e6).to_bytes(8, "big") + contents[16:]


def arn_of(stream):
    return f"arn:aws:kinesis:us-east-1:000000000000:stream/{stream}"


class Errors(unittest.TestCase):
    # Their names have the same length, so that an iterator can be made for each.
    OPENED, IN_USE, DEMAND, LOCKED, BROKEN, ABSENT = "opened", "in_use", "demand", "locked", "broken", "absent"

    @classmethod
    def setUpClass(cls):
        # The superuser is kept out of nothing unless it gives this up.
        keep_out = () if os.geteuid() else ("setpriv", "--bounding-set=-dac_override,-dac_read_search")
        cls.server = Server("--transition", "1h", "--throttle", "--shard-limit", "2", before=keep_out)
        cls.addClassCleanup(cls.server.stop)
        cls.kinesis = cls.server.client()
        for stream, *options in ((cls.OPENED, "--shards", "14"), (cls.IN_USE,), (cls.DEMAND, "--mode", "on-demand"),
                                 (cls.LOCKED,), (cls.BROKEN,)):
            run("stream-create", cls.server.stream(stream), *options)
        os.chmod(cls.server.stream(cls.LOCKED), 0)
        with open(f"{cls.server.stream(cls.BROKEN)}/stream.db", "wb") as database:
            database.write(b"not a database" * 1000)
        cls.consumers = [cls.register(f"c{index}")["ConsumerARN"] for index in range(20)]
        cls.succeed("EnableEnhancedMonitoring", cls.of(cls.IN_USE)["EnableEnhancedMonitoring"])

    @classmethod
    def register(cls, consumer):
        return cls.succeed("RegisterStreamConsumer", {"StreamARN": arn_of(cls.OPENED), "ConsumerName": consumer})["Consumer"]

    @classmethod
    def succeed(cls, action, request):
        status, answer = cls.server.call(action, **request)
        if status != 200:
            raise AssertionError(f"{action}: {answer}")
        return answer

    @classmethod
    def of(cls, stream):
        """Requests about the stream."""
        table = in_json(requests(stream, arn_of(stream), f"{arn_of(stream)}/consumer/c:1"))
        iterator = cls.succeed("GetShardIterator", {"StreamName": cls.OPENED, "ShardId": SHARD,
                                                    "ShardIteratorType": "TRIM_HORIZON"})["ShardIterator"]
        table["GetRecords"] = {"ShardIterator": sealed_again(iterator, lambda contents: contents.replace(
            cls.OPENED.encode(), stream.encode()))}
        return table

    # For each error, a request of the action that gets it.

    def make_resource_not_found_exception(self, action):
        return self.of(self.ABSENT)[action]

    def make_access_denied_exception(self, action):
        return self.of(self.LOCKED)[action]

    def make_internal_failure_exception(self, action):
        return self.of(self.BROKEN)[action]

    def make_resource_in_use_exception(self, action):
        opened = self.of(self.OPENED)
        if action == "RegisterStreamConsumer":
            return {**opened[action], "ConsumerName": "c0"}
        if action == "SubscribeToShard":
            events = self.kinesis.subscribe_to_shard(ConsumerARN=self.consumers[0], ShardId=SHARD,
                                                     StartingPosition={"Type": "LATEST"})["EventStream"]
            self.addCleanup(events.close)
            return {**opened[action], "ConsumerARN": self.consumers[0]}
        return self.of(self.IN_USE if action not in ("CreateStream", "DeleteStream") else self.OPENED)[action]

    def make_invalid_argument_exception(self, action):
        if action == "CreateStream":
            return {"StreamName": "..", "ShardCount": 1}
        if action == "GetRecords":
            return {"ShardIterator": "x"}
        request = self.of(self.OPENED)[action]
        if action == "SubscribeToShard":
            return {**request, "ConsumerARN": self.consumers[0], "StartingPosition": {"Type": "AT_SEQUENCE_NUMBER"}}
        request.pop("StreamName", None)
        return {**request, "ResourceARN" if "ResourceARN" in request else "StreamARN": arn_of("not%a%name")}

    def make_validation_exception(self, action):
        if action in ("MergeShards", "SplitShard", "UpdateShardCount"):
            return self.of(self.DEMAND)[action]
        return next(broken_members(MODEL.operation_model(action).input_shape, self.of(self.OPENED)[action], ""))[0]

    def make_limit_exceeded_exception(self, action):
        request = self.of(self.OPENED)[action]
        if action == "SubscribeToShard":
            return {**request, "ConsumerARN": self.subscribe_to_most()}
        return {**request, **{"CreateStream": {"StreamName": self.ABSENT}, "UpdateShardCount": {"TargetShardCount": 15}}.get(
            action, {})}

    def subscribe_to_most(self):
        """Subscribes with 256 pairs of a consumer and a shard, and returns another consumer of the first shard."""
        places = [(consumer, f"shardId-{shard:012}") for shard in range(14) for consumer in self.consumers[1:]]
        pending = places[1:257]
        while pending:
            client = Client(self.server.port)
            self.addCleanup(client.socket.close)
            streams = [client.send("SubscribeToShard", ConsumerARN=consumer, ShardId=shard, StartingPosition={"Type": "LATEST"})
                       for consumer, shard in pending[:100]]
            while not set(streams) <= set(client.answers):
                client.receive()
            pending = pending[100:]
        return places[0][0]

    def make_expired_iterator_exception(self, action):
        return {"ShardIterator": sealed_again(self.of(self.OPENED)[action]["ShardIterator"], issued_long_ago)}

    def make_expired_next_token_exception(self, action):
        token = self.succeed(action, {"StreamName": self.OPENED, "MaxResults": 1})["NextToken"]
        return {"NextToken": sealed_again(token, issued_long_ago)}

    def make_provisioned_throughput_exceeded_exception(self, action):
        request = self.of(self.OPENED)[action]
        if action == "GetRecords":  # 2 MiB a second
            run("stream-put", self.server.stream(self.OPENED), "--hash-key", "0", "--null", input=(b"x" * 999_999 + b"\0") * 9)
            self.succeed(action, request)
            return request
        request["Data"] = "A" * 4 * (900 * 1024 // 3)  # a shard takes 1 MiB a second
        for _ in range(100):
            if self.server.call(action, **request)[0] != 200:
                break
        return request

    def provoke(self, error, action):
        make = getattr(self, "make" + re.sub("([A-Z])", lambda letter: f"_{letter[1].lower()}", error))
        return self.server.call(action, **make(action))

    def test_each(self):
        never = pairs(CANNOT_ARISE)
        self.assertEqual(never - documented(), set(), "listed, and not documented")
        self.assertEqual({action for _, action in documented()}, set(MODEL.operation_names))
        # The limit of subscriptions comes last: then there is no room for others.
        for error, action in sorted(documented() - never, key=lambda pair: (pair[0] == "LimitExceededException", pair)):
            with self.subTest(error=error, action=action):
                status, answer = self.provoke(error, action)
                self.assertEqual((status, answer and answer.get("__type")),
                                 (500 if error == "InternalFailureException" else 400, error), answer)


if __name__ == "__main__":
    unittest.main(warnings="ignore")  # connections of boto3 are closed late
