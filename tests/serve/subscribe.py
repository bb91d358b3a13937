"""SubscribeToShard as boto3 sees it, which checks the checksums of the event stream; and over HTTP/2."""

import contextlib
import http.client
import json
import os
import signal
import subprocess
import time
import unittest

import cbor2
from botocore.eventstream import EventStreamBuffer
from botocore.exceptions import EventStreamError

from http2 import Client
from server import SIGNED, Server, StreamTest, make_damaged, run, wait_until

SHARD = "shardId-000000000000"
SPACE = 2**128


class Subscriptions(StreamTest):
    def register(self, name="reader"):
        """Registers a consumer of the test's stream, and returns its ARN."""
        arn = f"arn:aws:kinesis:us-east-1:000000000000:stream/{self.name}"
        return self.kinesis.register_stream_consumer(StreamARN=arn, ConsumerName=name)["Consumer"]["ConsumerARN"]

    def subscribe(self, consumer, shard=SHARD, **start):
        """Subscribes, and returns the iterator of the events."""
        start = {"Type": "TRIM_HORIZON"} if not start else start
        events = self.kinesis.subscribe_to_shard(ConsumerARN=consumer, ShardId=shard, StartingPosition=start)["EventStream"]
        self.addCleanup(events.close)
        return (event["SubscribeToShardEvent"] for event in events)

    def put(self, data, key="k"):
        return self.kinesis.put_record(StreamName=self.name, Data=data, PartitionKey=key)["SequenceNumber"]

    def records_of(self, events, count):
        records = []
        while len(records) < count:
            records += next(events)["Records"]
        return records

    def data(self, events, count):
        return [record["Data"] for record in self.records_of(events, count)]

    def test_records_that_are_there_and_records_that_come(self):
        self.create()
        before = self.put(b"before")
        events = self.subscribe(self.register())
        record, = self.records_of(events, 1)
        self.assertEqual((record["SequenceNumber"], record["Data"], record["PartitionKey"]), (before, b"before", "k"))
        self.assertLess(abs(record["ApproximateArrivalTimestamp"].timestamp() - time.time()), 60)
        run("stream-put", self.path, "-k", "shell", input=b"from the shell\n")
        event = next(event for event in events if event["Records"])  # every five seconds there is one without
        self.assertEqual([(record["Data"], record["PartitionKey"]) for record in event["Records"]],
                         [(b"from the shell", "shell")])
        self.assertEqual((event["ContinuationSequenceNumber"], event["MillisBehindLatest"]),
                         (event["Records"][0]["SequenceNumber"], 0))

    def test_records_come_within_20_ms(self):
        self.create()
        events = self.subscribe(self.register(), Type="LATEST")
        next(events)
        times = []
        for _ in range(9):
            run("stream-put", self.path, input=b"x\n")
            stored = time.monotonic()
            self.records_of(events, 1)
            times.append(time.monotonic() - stored)
        self.assertLess(sorted(times)[4], 0.020)  # most: the machine may be busy with something else at times

    def test_where_a_subscription_begins(self):
        self.create()
        numbers = [self.put(b"%d" % index) for index in range(3)]
        arrived = self.records_of(self.subscribe(self.register("all")), 3)[1]["ApproximateArrivalTimestamp"]
        positions = {
            "at": ({"Type": "AT_SEQUENCE_NUMBER", "SequenceNumber": numbers[1]}, [b"1", b"2", b"3"]),
            "after": ({"Type": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": numbers[1]}, [b"2", b"3"]),
            "time": ({"Type": "AT_TIMESTAMP", "Timestamp": arrived}, [b"1", b"2", b"3"]),
            "latest": ({"Type": "LATEST"}, [b"3"]),
        }
        subscriptions = {}
        for name, (start, _) in positions.items():
            subscriptions[name] = self.subscribe(self.register(name), **start)
        self.put(b"3")
        for name, (_, expected) in positions.items():
            records = []
            while expected[-1] not in records:
                records += [record["Data"] for record in next(subscriptions[name])["Records"]]
            self.assertEqual(records[-len(expected):], expected, name)
            if name != "time":  # records of the same millisecond may come, too
                self.assertEqual(records, expected, name)

    def test_the_number_of_an_event_without_records_leads_on(self):
        self.create()
        for count, start in enumerate(({"Type": "TRIM_HORIZON"}, {"Type": "LATEST"})):
            event = next(self.subscribe(self.register(f"before{count}"), **start))
            if count == 0:
                self.assertEqual(event["Records"], [])
            self.put(b"%d" % count)
            on = self.subscribe(self.register(f"after{count}"), Type="AFTER_SEQUENCE_NUMBER",
                                SequenceNumber=event["ContinuationSequenceNumber"])
            self.assertEqual(self.data(on, 1), [b"%d" % count])

    def test_it_goes_on_over_a_split(self):
        self.create()
        consumer = self.register()
        events = self.subscribe(consumer)
        self.put(b"parent")
        self.assertEqual(self.data(events, 1), [b"parent"])
        self.kinesis.split_shard(StreamName=self.name, ShardToSplit=SHARD, NewStartingHashKey=str(SPACE // 2))
        event = next(event for event in events if "ChildShards" in event)
        self.assertNotIn("ContinuationSequenceNumber", event)
        self.assertEqual((event["Records"], event["MillisBehindLatest"]), ([], 0))
        children = [child["ShardId"] for child in event["ChildShards"]]
        self.assertEqual(event["ChildShards"][0], {
            "ShardId": "shardId-000000000001", "ParentShards": [SHARD],
            "HashKeyRange": {"StartingHashKey": "0", "EndingHashKey": str(SPACE // 2 - 1)}})
        self.assertEqual(children, ["shardId-000000000001", "shardId-000000000002"])
        self.assertEqual(list(events), [], "and ends")
        for number, child in enumerate(children):
            self.kinesis.put_record(StreamName=self.name, Data=child.encode(), PartitionKey="k",
                                    ExplicitHashKey=str(number * SPACE // 2))
            self.assertEqual(self.data(self.subscribe(consumer, child), 1), [child.encode()])
        event = next(iter(self.subscribe(consumer)))
        self.assertEqual([record["Data"] for record in event["Records"]], [b"parent"], "a closed shard can be read")

    def test_it_goes_on_over_a_merge(self):
        self.create(2)
        parents = [SHARD, "shardId-000000000001"]
        subscriptions = [self.subscribe(self.register(shard), shard) for shard in parents]
        for number in range(2):
            self.kinesis.put_record(StreamName=self.name, Data=b"%d" % number, PartitionKey="k",
                                    ExplicitHashKey=str(number * SPACE // 2))
        self.kinesis.merge_shards(StreamName=self.name, ShardToMerge=parents[0], AdjacentShardToMerge=parents[1])
        for number, events in enumerate(subscriptions):
            events = list(events)
            self.assertEqual([record["Data"] for event in events for record in event["Records"]], [b"%d" % number])
            child, = events[-1]["ChildShards"]
            self.assertEqual((child["ShardId"], sorted(child["ParentShards"])), ("shardId-000000000002", parents))

    def test_in_cbor(self):
        self.create()
        number = self.put(b"\x00\xff")
        members = {"ConsumerARN": self.register(), "ShardId": SHARD, "StartingPosition": {"Type": "TRIM_HORIZON"}}
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=30)
        with contextlib.closing(connection):
            connection.request("POST", "/", cbor2.dumps(members), {
                **SIGNED, "Content-Type": "application/x-amz-cbor-1.1", "X-Amz-Target": "Kinesis_20131202.SubscribeToShard"})
            response, buffer, events = connection.getresponse(), EventStreamBuffer(), []
            while not events or not events[-1]["Records"]:
                piece = response.read1(65536)
                self.assertTrue(piece, "it ended")
                buffer.add_data(piece)
                for message in map(lambda event: event.to_response_dict(), buffer):
                    self.assertEqual(message["headers"][":content-type"], "application/x-amz-cbor-1.1")
                    if message["headers"][":event-type"] == "SubscribeToShardEvent":
                        # Times are milliseconds, which cbor2 would take for seconds.
                        events.append(cbor2.loads(message["body"].replace(b"Timestamp\xc1", b"Timestamp")))
        record, = events[-1]["Records"]
        self.assertEqual((record["Data"], record["SequenceNumber"], record["PartitionKey"]), (b"\x00\xff", number, "k"))
        self.assertLess(abs(record["ApproximateArrivalTimestamp"] / 1000 - time.time()), 60)

    def test_many_records(self):
        self.create()
        run("stream-put", self.path, "-k", "k", input=b"".join(b"%d\n" % index for index in range(25000)))
        for _ in range(2):
            run("stream-put", self.path, "-k", "k", "--null", input=b"x" * 1000000 + b"\0")
        events = self.subscribe(self.register())
        first = next(events)
        self.assertGreater(first["MillisBehindLatest"], 0)
        self.assertLessEqual(len(first["Records"]), 10000)
        data = [record["Data"] for record in first["Records"]] + self.data(events, 25002 - len(first["Records"]))
        self.assertEqual(data, [b"%d" % index for index in range(25000)] + [b"x" * 1000000] * 2)

    def test_one_subscription_at_a_time(self):
        self.create()
        consumer = self.register()
        began = time.monotonic()
        first = self.subscribe(consumer)
        next(first)

        def takes_over():
            with contextlib.suppress(self.kinesis.exceptions.ResourceInUseException):
                takes_over.events = self.subscribe(consumer)
                return True

        self.assertTrue(not takes_over() or time.monotonic() - began >= 5)
        next(self.subscribe(self.register("other")))
        wait_until(takes_over, "five seconds to be over")
        with self.assertRaisesRegex(Exception, "ResourceInUseException"):
            list(first)
        self.put(b"x")
        self.assertEqual(self.data(takes_over.events, 1), [b"x"])

    def test_a_consumer_that_is_deregistered_and_a_stream_that_is_removed(self):
        self.create()
        consumer = self.register()
        events = self.subscribe(consumer)
        next(events)
        self.kinesis.deregister_stream_consumer(ConsumerARN=consumer)
        with self.assertRaisesRegex(Exception, "ResourceNotFoundException.*deregistered"):
            list(events)
        events = self.subscribe(self.register("other"))
        next(events)
        self.kinesis.delete_stream(StreamName=self.name, EnforceConsumerDeletion=True)
        with self.assertRaisesRegex(Exception, "ResourceNotFoundException.*removed"):
            list(events)

    def test_what_is_refused(self):
        self.create()
        consumer = self.register()
        call = lambda **members: self.server.call("SubscribeToShard", **{  # noqa: E731
            "ConsumerARN": consumer, "ShardId": SHARD, "StartingPosition": {"Type": "LATEST"}, **members})
        self.expect_refusal(call(ConsumerARN=f"{consumer}0"), "ResourceNotFoundException")
        self.expect_refusal(call(ShardId="shardId-000000000001"), "ResourceNotFoundException",
                            f"Shard shardId-000000000001 in stream {self.name} under account 000000000000 does not exist")
        self.expect_refusal(call(StartingPosition={"Type": "AT_SEQUENCE_NUMBER"}), "InvalidArgumentException")
        self.expect_refusal(call(StartingPosition={"Type": "AT_TIMESTAMP"}), "InvalidArgumentException")
        self.expect_refusal(call(StartingPosition={}), "ValidationException",
                            "1 validation error detected: Value null at 'startingPosition.type' failed to satisfy "
                            "constraint: Member must not be null")
        self.expect_refusal(call(ConsumerARN="x"), "ValidationException")

    def test_over_http2(self):
        self.create()
        consumer = self.register()
        with Client(self.server.port) as client:
            stream = client.send("SubscribeToShard", ConsumerARN=consumer, ShardId=SHARD,
                                 StartingPosition={"Type": "TRIM_HORIZON"})
            buffer, records = EventStreamBuffer(), []

            def receive(enough):
                while not enough():
                    client.receive()
                    buffer.add_data(client.bodies.get(stream, b""))
                    client.bodies[stream] = b""
                    for event in buffer:
                        message = event.to_response_dict()
                        if message["headers"][":event-type"] == "SubscribeToShardEvent":
                            records.append(json.loads(message["body"]))

            receive(lambda: records)
            self.assertEqual(client.answers[stream]["content-type"], "application/vnd.amazon.eventstream")
            self.assertNotIn("content-length", client.answers[stream])
            self.assertEqual(client.call("ListStreams")[0], 200, "the connection serves others meanwhile")
            self.put(b"x")
            receive(lambda: records[-1]["Records"])
            self.kinesis.split_shard(StreamName=self.name, ShardToSplit=SHARD, NewStartingHashKey="5")
            receive(lambda: stream in client.ended)
            self.assertEqual(len(records[-1]["ChildShards"]), 2)


class Damaged(unittest.TestCase):
    def test_records_before_the_damage_come_and_then_an_error(self):
        server = Server()
        try:
            make_damaged(server.stream("s"))
            kinesis = server.client()
            consumer = kinesis.register_stream_consumer(StreamARN="arn:aws:kinesis:us-east-1:000000000000:stream/s",
                                                        ConsumerName="c")["Consumer"]["ConsumerARN"]
            events = kinesis.subscribe_to_shard(ConsumerARN=consumer, ShardId=SHARD,
                                                StartingPosition={"Type": "TRIM_HORIZON"})["EventStream"]
            data = []
            with self.assertRaisesRegex(EventStreamError, "InternalFailureException"):
                for event in events:
                    data += [record["Data"] for record in event["SubscribeToShardEvent"]["Records"]]
            self.assertEqual(data, [b"good"])
            events.close()
        finally:
            _, said = server.stop()
        self.assertIn("SubscribeToShard: ", said)


class Measured(unittest.TestCase):
    def test_what_clients_read_is_counted_as_what_other_readers_read(self):
        server = Server()
        try:
            kinesis = server.client()
            kinesis.create_stream(StreamName="s", ShardCount=1)
            for data in (b"a", b"bb", b"ccc"):
                kinesis.put_record(StreamName="s", Data=data, PartitionKey="k")
            consumer = kinesis.register_stream_consumer(StreamARN="arn:aws:kinesis:us-east-1:000000000000:stream/s",
                                                        ConsumerName="c")["Consumer"]["ConsumerARN"]
            stream = kinesis.subscribe_to_shard(ConsumerARN=consumer, ShardId=SHARD,
                                                StartingPosition={"Type": "TRIM_HORIZON"})["EventStream"]
            subscribed = (record["Data"] for event in stream for record in event["SubscribeToShardEvent"]["Records"])
            self.assertEqual([next(subscribed) for _ in range(3)], [b"a", b"bb", b"ccc"])
            iterator = kinesis.get_shard_iterator(StreamName="s", ShardId=SHARD,
                                                  ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
            polled = []
            enough = time.monotonic() + 1.1  # a reader of less than a second counts as a look, and is not measured
            while len(polled) < 4 or time.monotonic() < enough:
                page = kinesis.get_records(ShardIterator=iterator)
                iterator = page["NextShardIterator"]
                polled += [record["Data"] for record in page["Records"]]
                if len(polled) == 3 and not page["Records"]:  # at the tail
                    kinesis.put_record(StreamName="s", Data=b"dddd", PartitionKey="k")
            self.assertEqual(polled, [b"a", b"bb", b"ccc", b"dddd"])
            self.assertEqual(next(subscribed), b"dddd")
            stream.close()
            self.assertEqual(server.end(), (-signal.SIGTERM, ""))
            subprocess.run(["/usr/bin/python3", os.path.join(os.path.dirname(__file__), "../cli/measured.py"), server.stream("s"),
                            "plain.out == (8, 28, 4) and plain.age.count == 8 and plain.read.count == 4"
                            " and plain.propagation.count == 2"], check=True)
        finally:
            server.stop()


class Ending(unittest.TestCase):
    def test_the_server_ends_although_clients_are_subscribed(self):
        server = Server()
        kinesis = server.client()
        kinesis.create_stream(StreamName="s", ShardCount=1)
        arn = kinesis.register_stream_consumer(StreamARN="arn:aws:kinesis:us-east-1:000000000000:stream/s",
                                               ConsumerName="c")["Consumer"]["ConsumerARN"]
        events = iter(kinesis.subscribe_to_shard(ConsumerARN=arn, ShardId=SHARD,
                                                 StartingPosition={"Type": "LATEST"})["EventStream"])
        next(events)
        other = kinesis.register_stream_consumer(StreamARN="arn:aws:kinesis:us-east-1:000000000000:stream/s",
                                                 ConsumerName="d")["Consumer"]["ConsumerARN"]
        with Client(server.port) as client:
            stream = client.send("SubscribeToShard", ConsumerARN=other, ShardId=SHARD, StartingPosition={"Type": "LATEST"})
            while stream not in client.answers:
                client.receive()
            server.process.send_signal(signal.SIGTERM)
            records = [record for event in events for record in event["SubscribeToShardEvent"]["Records"]]
            self.assertEqual(records, [], "ends as after five minutes")
            self.assertEqual(client.answer(stream)[0], 200)
            self.assertEqual(server.stop(), (-signal.SIGTERM, ""))


if __name__ == "__main__":
    unittest.main(warnings="ignore")  # connections of boto3 are closed late
