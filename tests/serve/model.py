"""Every action of the API with a success, and each constraint of its request broken once. The model is that of boto3, and of
actions that are newer than it, what the API reference says."""

import base64
import copy
import json
import unittest

import botocore.loaders
import botocore.model
import botocore.session
from botocore import xform_name

from server import StreamTest

SHARD = "shardId-000000000000"

# Amazon Kinesis Data Streams API Reference, "Request Parameters" of each action. Shapes that are not here are boto3's.
NEWER_SHAPES = {
    "Text": {"type": "string"},
    "ResourceARN": {"type": "string", "min": 1, "max": 2048, "pattern": r"arn:aws.*:kinesis:.*:\d{12}:.*stream/\S+"},
    "StreamId": {"type": "string", "min": 1, "max": 24, "pattern": r"[a-z0-9]{20}-[a-z0-9]{3}"},
    "MaxRecordSizeInKiB": {"type": "integer", "min": 1024, "max": 10240},
    "WarmThroughputMiBps": {"type": "integer", "min": 0},
    "CommitmentStatus": {"type": "string", "enum": ["ENABLED", "DISABLED"]},
    "Commitment": {"type": "structure", "required": ["Status"], "members": {"Status": {"shape": "CommitmentStatus"}}},
}
# The shape of each member, and which of them are required.
NEWER_ACTIONS = {
    "TagResource": ({"ResourceARN": "ResourceARN", "StreamId": "StreamId", "Tags": "TagMap"}, ["ResourceARN", "Tags"]),
    "UntagResource": ({"ResourceARN": "ResourceARN", "StreamId": "StreamId", "TagKeys": "TagKeyList"},
                      ["ResourceARN", "TagKeys"]),
    "ListTagsForResource": ({"ResourceARN": "ResourceARN", "StreamId": "StreamId"}, ["ResourceARN"]),
    "PutResourcePolicy": ({"Policy": "Text", "ResourceARN": "ResourceARN", "StreamId": "StreamId"},
                          ["Policy", "ResourceARN"]),
    "GetResourcePolicy": ({"ResourceARN": "ResourceARN", "StreamId": "StreamId"}, ["ResourceARN"]),
    "DeleteResourcePolicy": ({"ResourceARN": "ResourceARN", "StreamId": "StreamId"}, ["ResourceARN"]),
    "UpdateMaxRecordSize": ({"MaxRecordSizeInKiB": "MaxRecordSizeInKiB", "StreamARN": "StreamARN", "StreamId": "StreamId"},
                            ["MaxRecordSizeInKiB"]),
    "UpdateStreamWarmThroughput": ({"StreamARN": "StreamARN", "StreamId": "StreamId", "StreamName": "StreamName",
                                    "WarmThroughputMiBps": "WarmThroughputMiBps"}, ["WarmThroughputMiBps"]),
    "DescribeAccountSettings": ({}, []),
    "UpdateAccountSettings": ({"MinimumThroughputBillingCommitment": "Commitment"}, ["MinimumThroughputBillingCommitment"]),
}


def whole_model():
    """The model of boto3 with the newer actions that it lacks."""
    model = botocore.loaders.create_loader().load_service_model("kinesis", "service-2")
    shapes = {**NEWER_SHAPES, **model["shapes"]}
    operations = dict(model["operations"])
    for action, (members, required) in NEWER_ACTIONS.items():
        if action not in operations:
            operations[action] = {"name": action, "input": {"shape": f"{action}Input"}}
            shapes[f"{action}Input"] = {"type": "structure", "required": required,
                                        "members": {name: {"shape": shape} for name, shape in members.items()}}
    return botocore.model.ServiceModel({**model, "shapes": shapes, "operations": operations}, "kinesis")


BOTO = botocore.session.get_session().get_service_model("kinesis")
MODEL = whole_model()

# Bounds that have been raised since the model of Debian's boto3 (Kinesis API reference, "Data" and "ShardCount").
RAISED = {"data", "records.1.member.data"}
# Members that a request can now leave out if it has an ARN.
RELAXED = {"streamName"}


def requests(stream, arn, consumer):
    """A request that succeeds for each action, in an order in which they succeed. Text stands for an answer's member."""
    record = {"Data": b"x", "PartitionKey": "k"}
    metrics = {"StreamName": stream, "ShardLevelMetrics": ["IncomingBytes"]}
    encryption = {"StreamName": stream, "EncryptionType": "KMS", "KeyId": "alias/mine"}
    return {
        "CreateStream": {"StreamName": stream, "ShardCount": 2},
        "PutRecord": {"StreamName": stream, **record},
        "PutRecords": {"StreamName": stream, "Records": [record, {**record, "ExplicitHashKey": "0"}]},
        "GetShardIterator": {"StreamName": stream, "ShardId": SHARD, "ShardIteratorType": "TRIM_HORIZON"},
        "GetRecords": {"ShardIterator": None, "Limit": 5},
        "ListShards": {"StreamName": stream, "MaxResults": 5, "ShardFilter": {"Type": "AT_LATEST"}},
        "DescribeStream": {"StreamName": stream, "Limit": 5},
        "DescribeStreamSummary": {"StreamARN": arn},
        "ListStreams": {"Limit": 5},
        "IncreaseStreamRetentionPeriod": {"StreamName": stream, "RetentionPeriodHours": 48},
        "DecreaseStreamRetentionPeriod": {"StreamName": stream, "RetentionPeriodHours": 24},
        "AddTagsToStream": {"StreamName": stream, "Tags": {"k": "v"}},
        "ListTagsForStream": {"StreamName": stream, "Limit": 5, "ExclusiveStartTagKey": "a"},
        "RemoveTagsFromStream": {"StreamName": stream, "TagKeys": ["k"]},
        "TagResource": {"ResourceARN": arn, "Tags": {"k": "v"}},
        "ListTagsForResource": {"ResourceARN": arn},
        "UntagResource": {"ResourceARN": arn, "TagKeys": ["k"]},
        "EnableEnhancedMonitoring": metrics,
        "DisableEnhancedMonitoring": metrics,
        "StartStreamEncryption": encryption,
        "StopStreamEncryption": encryption,
        "UpdateMaxRecordSize": {"StreamARN": arn, "MaxRecordSizeInKiB": 1024},
        "SplitShard": {"StreamName": stream, "ShardToSplit": SHARD, "NewStartingHashKey": "5"},
        "MergeShards": {"StreamName": stream, "ShardToMerge": "shardId-000000000002",
                        "AdjacentShardToMerge": "shardId-000000000003"},
        "UpdateShardCount": {"StreamName": stream, "TargetShardCount": 1, "ScalingType": "UNIFORM_SCALING"},
        "RegisterStreamConsumer": {"StreamARN": arn, "ConsumerName": "c"},
        "DescribeStreamConsumer": {"StreamARN": arn, "ConsumerName": "c"},
        "ListStreamConsumers": {"StreamARN": arn, "MaxResults": 5},
        "SubscribeToShard": {"ConsumerARN": consumer, "ShardId": SHARD, "StartingPosition": {"Type": "LATEST"}},
        "PutResourcePolicy": {"ResourceARN": arn, "Policy": "{}"},
        "GetResourcePolicy": {"ResourceARN": arn},
        "DeleteResourcePolicy": {"ResourceARN": arn},
        "UpdateStreamMode": {"StreamARN": arn, "StreamModeDetails": {"StreamMode": "ON_DEMAND"}},
        "UpdateStreamWarmThroughput": {"StreamARN": arn, "WarmThroughputMiBps": 1},
        "DescribeLimits": {},
        "DescribeAccountSettings": {},
        "UpdateAccountSettings": {"MinimumThroughputBillingCommitment": {"Status": "ENABLED"}},
        "DeregisterStreamConsumer": {"StreamARN": arn, "ConsumerName": "c"},
        "DeleteStream": {"StreamName": stream, "EnforceConsumerDeletion": False},
    }


def lower_first(name):
    return name[0].lower() + name[1:]


def sample(shape):
    """A value that keeps to the shape."""
    kind, least = shape.type_name, shape.metadata.get("min", 0)
    if kind == "structure":
        return {name: sample(shape.members[name]) for name in shape.required_members}
    if kind == "list":
        return [sample(shape.member)] * max(least, 1)
    if kind == "map":
        return {"k": sample(shape.value)}
    if kind == "string":
        if shape.enum:
            return shape.enum[0]
        pattern = shape.metadata.get("pattern", "")
        if "[a-z0-9]{20}" in pattern:
            return "abcdefghijklmnopqrst-123"
        if "consumer" in pattern:
            return "arn:aws:kinesis:us-east-1:000000000000:stream/a/consumer/b:1"
        if "stream/" in pattern:
            return "arn:aws:kinesis:us-east-1:000000000000:stream/a"
        return "1" * max(least, 1)
    return {"integer": max(least, 1), "long": 1, "boolean": True, "timestamp": 5, "blob": "eA=="}[kind]


def broken(shape, path):
    """Values that break one constraint of the shape each, with where and what the message says."""
    kind, bounds = shape.type_name, shape.metadata
    least, most = bounds.get("min"), bounds.get("max")
    good = sample(shape)
    if kind in ("integer", "long"):
        if least is not None and least > -2**31:
            yield least - 1, path, f"Member must have value greater than or equal to {least}"
        if most is not None and most < 2**31 - 1:
            yield most + 1, path, f"Member must have value less than or equal to {most}"
    if kind == "string":
        if shape.enum:
            yield "NOTHING", path, "Member must satisfy enum value set: ["
        elif "pattern" in bounds:
            yield "!" + good, path, "Member must satisfy regular expression pattern: "
        if least:
            yield good[:least - 1], path, f"Member must have length greater than or equal to {least}"
        if most is not None:
            yield good + good[-1] * (most + 1 - len(good)), path, f"Member must have length less than or equal to {most}"
    if kind == "blob" and most is not None:
        yield base64.b64encode(b"x" * (most + 1)).decode(), path, f"Member must have length less than or equal to {most}"
    if kind == "list":
        if least:
            yield good[:least - 1], path, f"Member must have length greater than or equal to {least}"
        if most is not None:
            yield good[:1] * (most + 1), path, f"Member must have length less than or equal to {most}"
        for value, where, what in broken(shape.member, f"{path}.1.member"):
            yield [value], where, what
    if kind == "map":
        if least:
            yield {}, path, f"Member must have length greater than or equal to {least}"
        if most is not None:
            yield {f"k{index}": "v" for index in range(most + 1)}, path, f"Member must have length less than or equal to {most}"
        longest = shape.key.metadata["max"]
        yield {"k" * (longest + 1): "v"}, path, f"Member must have length less than or equal to {longest}"
        for value, where, what in broken(shape.value, f"{path}.k.member"):
            yield {"k": value}, where, what
    if kind == "structure":
        yield from broken_members(shape, good, f"{path}.")


def broken_members(shape, good, prefix):
    for name, member in shape.members.items():
        path = prefix + lower_first(name)
        if name in shape.required_members:
            yield {key: value for key, value in good.items() if key != name}, path, "Member must not be null"
        for value, where, what in broken(member, path):
            yield {**good, name: value}, where, what


def in_json(value):
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, dict):
        return {key: in_json(each) for key, each in value.items()}
    return [in_json(each) for each in value] if isinstance(value, list) else value


class Actions(StreamTest):
    def call(self, action, request):
        """By boto3 if it knows the action and its members already."""
        shape = BOTO.operation_model(action).input_shape if action in BOTO.operation_names else None
        if action == "DescribeLimits" or shape and set(request) <= set(shape.members):
            return getattr(self.kinesis, xform_name(action))(**request)
        status, answer = self.server.call(action, **in_json(request))
        self.assertEqual(status, 200, (action, answer))
        return answer

    def test_each_succeeds(self):
        arn = f"arn:aws:kinesis:us-east-1:000000000000:stream/{self.name}"
        table = requests(self.name, arn, None)
        self.assertEqual(len(table), 39)
        self.assertEqual(set(MODEL.operation_names), set(table))
        for action, request in table.items():
            if action == "GetRecords":
                request["ShardIterator"] = iterator
            if action == "SubscribeToShard":
                request["ConsumerARN"] = consumer
            answer = self.call(action, request)
            if action == "GetShardIterator":
                iterator = answer["ShardIterator"]
            if action == "RegisterStreamConsumer":
                consumer = answer["Consumer"]["ConsumerARN"]
            if action == "SubscribeToShard":
                next(iter(answer["EventStream"]))
                answer["EventStream"].close()

    def test_each_constraint(self):
        arn = "arn:aws:kinesis:us-east-1:000000000000:stream/a"
        table = requests("a", arn, f"{arn}/consumer/b:1")
        table["GetRecords"]["ShardIterator"] = "x"
        count = 0
        for action in MODEL.operation_names:
            shape = MODEL.operation_model(action).input_shape
            good = in_json(table[action])
            for request, where, what in broken_members(shape, copy.deepcopy(good), "") if shape else ():
                if where in RAISED and "less" in what or where in RELAXED and "null" in what and action != "CreateStream":
                    continue
                status, answer = self.server.call(action, **request)
                shown = (action, where, what, json.dumps(answer)[:500])
                self.assertEqual((status, answer and answer["__type"]), (400, "ValidationException"), shown)
                self.assertIn(f"at '{where}' failed to satisfy constraint: ", answer["message"], shown)
                self.assertIn(what, answer["message"], shown)
                count += 1
        self.assertGreater(count, 200)


if __name__ == "__main__":
    unittest.main(warnings="ignore")  # connections of boto3 are closed late
