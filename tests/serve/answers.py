"""The HTTP of stream-serve: the order of checks, the errors, and who may connect."""

import http.client
import json
import signal
import socket
import subprocess
import unittest

import cbor2

from server import SIGNED, Server, ServerTest, program

JSON = "application/x-amz-json-1.1"
CBOR = "application/x-amz-cbor-1.1"
TARGET = {"X-Amz-Target": "Kinesis_20131202.ListStreams"}


class OrderOfChecks(ServerTest):
    """The expected answers are those that mhart/kinesalite has recorded of the service (test/connection.js)."""

    def expect_xml(self, answer, status, body):
        self.assertEqual((answer[0], answer[2].decode()), (status, body))

    def expect_json(self, answer, status, body):
        self.assertEqual((answer[0], answer[1]["content-type"], json.loads(answer[2])), (status, JSON, body))

    def test_only_post_is_an_action(self):
        denied = ("<AccessDeniedException>\n  <Message>Unable to determine service/operation name to be authorized"
                  "</Message>\n</AccessDeniedException>\n")
        for method in ("GET", "PUT", "DELETE", "OPTIONS"):
            self.expect_xml(self.server.send(method), 403, denied)
        self.expect_xml(self.server.send(body=b"{}"), 403, denied)

    def test_an_empty_body(self):
        self.expect_json(self.server.send(headers={**TARGET, "Content-Type": JSON}), 400,
                         {"__type": "SerializationException"})
        self.expect_json(self.server.send(headers={"Content-Type": JSON}), 400, {"__type": "UnknownOperationException"})
        status, headers, body = self.server.send(headers=TARGET)
        self.assertEqual((status, headers["content-type"], cbor2.loads(body)),
                         (400, CBOR, {"__type": "SerializationException"}))

    def test_another_content_type(self):
        answer = self.server.send(headers={**TARGET, "Content-Type": "text/plain"}, body=b"{}")
        self.expect_xml(answer, 404, "<UnknownOperationException/>\n")

    def test_plain_json_gets_no_further(self):
        for body, status, kind in ((b"{}", 404, "UnknownOperation"), (b"{", 400, "Serialization")):
            answer = self.server.send(headers={**TARGET, **SIGNED, "Content-Type": "application/json"}, body=body)
            self.assertEqual((answer[0], answer[1]["content-type"]), (status, "application/json"))
            self.assertEqual(json.loads(answer[2]), {
                "Output": {"__type": f"com.amazon.coral.service#{kind}Exception"}, "Version": "1.0"})

    def test_what_is_not_a_cbor_map(self):
        headers = {**TARGET, **SIGNED, "Content-Type": CBOR}
        for body in (b"{}", b"\xa1", b"\x80", b"\xa0\xa0", b"\xff", b"\x9b" + b"\x7f" * 8, b"\x81" * 100000):
            status, headers_back, answer = self.server.send(headers=headers, body=body)
            self.assertEqual((status, headers_back["content-type"], cbor2.loads(answer)),
                             (400, CBOR, {"__type": "SerializationException"}))

    def call_in_cbor(self, action, **members):
        status, headers, body = self.server.send(headers={**SIGNED, "Content-Type": CBOR,
                                                          "X-Amz-Target": f"Kinesis_20131202.{action}"},
                                                 body=cbor2.dumps(members))
        self.assertEqual(headers["content-type"], CBOR)
        return status, cbor2.loads(self.untagged(body)) if body else None

    @staticmethod
    def untagged(body):
        """Times in milliseconds, which cbor2 would take for seconds, become numbers."""
        return body.replace(b"Timestamp\xc1", b"Timestamp")

    def test_a_client_of_cbor(self):
        call = self.call_in_cbor
        self.assertEqual(call("CreateStream", StreamName="cbor", ShardCount=1), (200, None))
        binary = bytes(range(256))
        status, put = call("PutRecord", StreamName="cbor", Data=binary, PartitionKey="k\u20ac")
        self.assertEqual((status, put["ShardId"]), (200, "shardId-000000000000"))
        status, listed = call("ListStreams")
        self.assertIn("cbor", listed["StreamNames"])
        self.assertIs(listed["HasMoreStreams"], False)
        milliseconds = cbor2.CBORTag(1, 1500)  # 1.5 s after the epoch
        iterator = call("GetShardIterator", StreamName="cbor", ShardId="shardId-000000000000",
                        ShardIteratorType="AT_TIMESTAMP", Timestamp=milliseconds)[1]["ShardIterator"]
        status, _, body = self.server.send(headers={**SIGNED, "Content-Type": CBOR,
                                                    "X-Amz-Target": "Kinesis_20131202.GetRecords"},
                                           body=cbor2.dumps({"ShardIterator": iterator}))
        shown = self.server.call("GetRecords", ShardIterator=iterator)[1]["Records"][0]["ApproximateArrivalTimestamp"]
        untagged = self.untagged(body)
        record, = cbor2.loads(untagged)["Records"]
        self.assertEqual(record, {"SequenceNumber": put["SequenceNumber"], "Data": binary, "PartitionKey": "k\u20ac",
                                  "ApproximateArrivalTimestamp": round(shown * 1000)})
        self.assertNotEqual(untagged, body)
        status, refused = call("PutRecord", StreamName="cbor", Data=5, PartitionKey="k")
        self.assertEqual((status, refused["__type"]), (400, "SerializationException"))
        status, refused = call("PutRecord", StreamName="none", Data=b"", PartitionKey="k")
        self.assertEqual((status, refused), (400, {"__type": "ResourceNotFoundException",
                                                   "message": "Stream none under account 000000000000 not found."}))

    def test_what_is_not_a_json_object(self):
        headers = {**TARGET, **SIGNED, "Content-Type": JSON}
        for body in (b"{", b"[]", b"1", b'"a"', b"null", b'{"a":1}x', b'{"\xff":1}', b"[" * 100000, b'{"a":1e999}'):
            self.expect_json(self.server.send(headers=headers, body=body), 400, {"__type": "SerializationException"})

    def test_an_unknown_action(self):
        for target in ("Kinesis_20131202.Nothing", "Kinesis_20131202.", "DynamoDB.ListStreams", "ListStreams"):
            answer = self.server.send(headers={"X-Amz-Target": target, "Content-Type": JSON}, body=b"{}")
            if "." in target:
                self.expect_json(answer, 400, {"__type": "UnknownOperationException"})

    def test_a_signature_must_be_there_whole(self):
        def message_of(path="/", **headers):
            answer = self.server.send(path=path, headers={**TARGET, "Content-Type": JSON, **headers}, body=b"{}")
            self.assertEqual(answer[0], 400)
            return json.loads(answer[2])

        self.assertEqual(message_of(), {"__type": "MissingAuthenticationTokenException",
                                        "message": "Missing Authentication Token"})
        self.assertEqual(message_of(Authorization="X"), {
            "__type": "IncompleteSignatureException",
            "message": "Authorization header requires 'Credential' parameter. Authorization header requires "
                       "'Signature' parameter. Authorization header requires 'SignedHeaders' parameter. Authorization "
                       "header requires existence of either a 'X-Amz-Date' or a 'Date' header. Authorization=X"})
        self.assertEqual(message_of("/?X-Amz-Algorithm=a", Authorization="X")["__type"], "InvalidSignatureException")
        self.assertEqual(message_of("/?X-Amz-Algorithm=a&X-Amz-Credential=b&X-Amz-Signature=c&X-Amz-Date=d"), {
            "__type": "IncompleteSignatureException",
            "message": "AWS query-string parameters must include 'X-Amz-SignedHeaders'. Re-examine the query-string "
                       "parameters."})
        signed = "/?X-Amz-Algorithm=a&X-Amz-Credential=b&X-Amz-Signature=c&X-Amz-Date=d&X-Amz-SignedHeaders=e"
        answer = self.server.send(path=signed, headers={**TARGET, "Content-Type": JSON}, body=b"{}")
        self.assertEqual(answer[0], 200)

    def test_every_answer_has_ids(self):
        for method in ("GET", "POST"):
            first, second = (self.server.send(method, headers=TARGET, body=b"{}")[1] for _ in range(2))
            self.assertRegex(first["x-amzn-requestid"], "^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$")
            self.assertNotEqual(first["x-amzn-requestid"], second["x-amzn-requestid"])
            self.assertEqual(len(first["x-amz-id-2"]), 96)

    def test_types_come_before_constraints(self):
        def refused(action, message, **members):
            self.expect_refusal(self.server.call(action, **members), "SerializationException", message)

        number = "class com.amazon.coral.value.json.numbers.TruncatingBigNumber"
        refused("DescribeStream", f"{number} can not be converted to an String", StreamName=1)
        refused("DescribeStream", "class java.lang.Boolean can not be converted to an String", StreamName=True, Limit=0)
        refused("DescribeStream", "Start of list found where not expected", StreamName=[])
        refused("DescribeStream", "Start of structure or map found where not expected.", StreamName={})
        refused("DescribeStream", "class java.lang.String can not be converted to an Integer", Limit="1")
        refused("DeleteStream", "'TRUE' can not be converted to an Boolean", EnforceConsumerDeletion="true")
        refused("PutRecord", "'a' can not be converted to a Blob: Base64 encoded length is expected a multiple of 4 "
                             "bytes but found: 1", Data="a")
        refused("PutRecord", "'a===' can not be converted to a Blob: Invalid Base64 character: '='", Data="a===")
        refused("PutRecord", "'A===' can not be converted to a Blob: Invalid Base64 character: '='", Data="A===")
        refused("PutRecord", "'AA==    ' can not be converted to a Blob: Invalid Base64 character: '='", Data="AA==    ")
        refused("PutRecord", "'AAAA    ' can not be converted to a Blob: Invalid Base64 character: ' '", Data="AAAA    ")
        refused("PutRecord", "'AAF=' can not be converted to a Blob: Invalid last non-pad Base64 character dectected",
                Data="AAF=")
        refused("PutRecord", f"{number} can not be converted to a Blob", Data=1)
        refused("PutRecords", "Expected list or null", Records="a")
        refused("PutRecords", "Start of structure or map found where not expected.", Records={})
        refused("CreateStream", "Expected map or null", Tags="a")
        refused("GetShardIterator", "class java.lang.String can not be converted to milliseconds since epoch",
                Timestamp="2026")

    def test_all_faults_of_constraints_are_named(self):
        def refused(action, message, **members):
            self.expect_refusal(self.server.call(action, **members), "ValidationException", message)

        refused("GetShardIterator",
                "4 validation errors detected: Value null at 'shardId' failed to satisfy constraint: Member must not "
                "be null; Value 'X' at 'shardIteratorType' failed to satisfy constraint: Member must satisfy enum "
                "value set: [AFTER_SEQUENCE_NUMBER, LATEST, AT_TIMESTAMP, AT_SEQUENCE_NUMBER, TRIM_HORIZON]; Value "
                "'01' at 'startingSequenceNumber' failed to satisfy constraint: Member must satisfy regular "
                "expression pattern: 0|([1-9]\\d{0,128}); Value 'a/b' at 'streamName' failed to satisfy constraint: "
                "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+",
                StreamName="a/b", ShardIteratorType="X", StartingSequenceNumber="01")
        refused("CreateStream",
                "1 validation error detected: Value '0' at 'shardCount' failed to satisfy constraint: Member must have "
                "value greater than or equal to 1", StreamName="a", ShardCount=0)
        refused("DescribeStream",
                f"1 validation error detected: Value '{'a' * 129}' at 'streamName' failed to satisfy constraint: Member "
                "must have length less than or equal to 128", StreamName="a" * 129)
        refused("PutRecords",
                "2 validation errors detected: Value '' at 'records.2.member.partitionKey' failed to satisfy "
                "constraint: Member must have length greater than or equal to 1; Value null at "
                "'records.2.member.data' failed to satisfy constraint: Member must not be null",
                StreamName="a", Records=[{"Data": "", "PartitionKey": "k"}, {"PartitionKey": ""}])
        refused("PutRecords",
                "1 validation error detected: Value null at 'records' failed to satisfy constraint: Member must not be "
                "null", StreamName="a")
        for wrong in ("x", "a" * 20 + "-bC0", "a" * 21 + "bc0", "a" * 20 + "-bc"):
            refused("ListTagsForResource",
                    f"1 validation error detected: Value '{wrong}' at 'streamId' failed to satisfy constraint: Member must "
                    "satisfy regular expression pattern: [a-z0-9]{20}-[a-z0-9]{3}", StreamId=wrong,
                    ResourceARN="arn:aws:kinesis:us-east-1:000000000000:stream/a")
        self.expect_refusal(self.server.call("DescribeStream", StreamName="none", StreamId="a1" * 10 + "-b2c"),
                            "ResourceNotFoundException")
        many = [{"Data": "", "PartitionKey": "k"}] * 501
        refused("PutRecords", "1 validation error detected: Value '[501 items]' at 'records' failed to satisfy "
                              "constraint: Member must have length less than or equal to 500",
                StreamName="a", Records=many)
        # 256 characters of three bytes each are allowed, 257 are not; and the stream is looked for only then.
        self.expect_refusal(self.server.call("PutRecord", StreamName="none", Data="", PartitionKey="\u20ac" * 256),
                            "ResourceNotFoundException", "Stream none under account 000000000000 not found.")
        status, body = self.server.call("PutRecord", StreamName="none", Data="", PartitionKey="\u20ac" * 257)
        self.assertEqual((status, body["__type"]), (400, "ValidationException"))

    def test_a_stream_by_its_arn(self):
        self.assertEqual(self.server.call("CreateStream", StreamName="by-arn", ShardCount=1), (200, None))
        arn = "arn:aws:kinesis:eu-central-1:000000000000:stream/by-arn"
        status, body = self.server.call("DescribeStreamSummary", StreamARN=arn)
        self.assertEqual((status, body["StreamDescriptionSummary"]["StreamARN"]), (200, arn))
        self.expect_refusal(self.server.call("DescribeStream"), "InvalidArgumentException",
                            "Either StreamName or StreamARN must be provided.")
        self.expect_refusal(self.server.call("DescribeStream", StreamARN=arn, StreamName="other"),
                            "InvalidArgumentException",
                            f"StreamName other and StreamARN {arn} do not match.")
        self.expect_refusal(self.server.call("DescribeStream", StreamARN=arn.replace("0" * 12, "1" * 12)),
                            "ResourceNotFoundException")
        self.expect_refusal(self.server.call("DescribeStream", StreamARN="arn:aws:s3:::by-arn"), "ValidationException")

    def test_names_that_lead_elsewhere(self):
        for name in (".", "..", ".stream-x"):
            self.expect_refusal(self.server.call("CreateStream", StreamName=name, ShardCount=1),
                                "InvalidArgumentException")
            for action in ("DescribeStream", "DeleteStream"):
                self.expect_refusal(self.server.call(action, StreamName=name), "ResourceNotFoundException")


class WhoMayConnect(ServerTest):
    options = ("--allow-host", "Streams.Example", "--allow-origin", "https://console.example")

    def status_of(self, **headers):
        return self.server.send(headers={**TARGET, **SIGNED, "Content-Type": JSON, **headers}, body=b"{}")[0]

    def test_the_host_must_be_known(self):
        for host in ("localhost", "127.0.0.1:4567", "127.9.9.9", "[::1]:80", "LOCALHOST:1", "streams.example:4567"):
            self.assertEqual(self.status_of(Host=host), 200, host)
        for host in ("evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "10.0.0.1", "[::2]", "", None):
            self.assertEqual(self.status_of(Host=host) // 100, 4, host)
        self.assertEqual(self.status_of(Host="evil.example"), 403)

    def test_a_second_host_does_not_help(self):
        connection = socket.create_connection(("127.0.0.1", self.server.port), timeout=30)
        with connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n")
            self.assertIn(b" 403 ", connection.recv(65536).split(b"\r\n")[0])
            self.assertNotIn(b"AccessDenied", connection.recv(0))

    def test_web_pages_need_to_be_allowed(self):
        self.assertEqual(self.status_of(Origin="https://evil.example"), 403)
        self.assertEqual(self.status_of(Origin="null"), 403)
        allowed = {"Origin": "https://console.example"}
        status, headers, _ = self.server.send(headers={**TARGET, **SIGNED, "Content-Type": JSON, **allowed}, body=b"{}")
        self.assertEqual((status, headers["access-control-allow-origin"]), (200, "https://console.example"))
        status, headers, body = self.server.send("OPTIONS", headers={
            **allowed, "Access-Control-Request-Headers": "x-amz-target", "Access-Control-Request-Method": "POST"})
        self.assertEqual((status, headers["access-control-allow-headers"], headers["access-control-allow-methods"], body),
                         (200, "x-amz-target", "POST", b""))
        self.assertEqual(self.server.send("OPTIONS", headers={"Origin": "https://evil.example"})[0], 403)

    def test_a_body_of_more_than_16_mib(self):
        limit = 16 * 1024 * 1024
        self.assertEqual(self.server.send(headers={"Content-Length": str(limit + 1)})[0], 413)
        self.assertEqual(self.server.send(headers={"Content-Length": "99999999999999999999"})[0] // 100, 4)
        padded = b"{" + b" " * (limit - 2) + b"}"
        self.assertEqual(self.server.send(headers={**TARGET, **SIGNED, "Content-Type": JSON}, body=padded)[0], 200)
        chunk = b"%x\r\n" % (1024 * 1024) + b" " * (1024 * 1024) + b"\r\n"
        status, _, _ = self.server.send(headers={"Transfer-Encoding": "chunked"}, body=chunk * 17 + b"0\r\n\r\n")
        self.assertEqual(status, 413)

    def test_a_body_of_many_values_does_not_become_much_memory(self):
        def peak():
            with open(f"/proc/{self.server.process.pid}/status") as status:
                return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:")) // 1024  # MiB

        limit = 16 * 1024 * 1024
        answer = self.server.send(headers={**TARGET, "Content-Type": JSON}, body=b" " * limit)
        self.assertEqual(answer[0], 400)
        before = peak()
        answer = self.server.send(headers={**TARGET, "Content-Type": JSON}, body=b"[" + b"1," * (limit // 2 - 1))
        self.assertEqual((answer[0], json.loads(answer[2])), (400, {"__type": "SerializationException"}))
        self.assertLess(peak() - before, 100)

    def test_headers_of_more_than_64_kib(self):
        # It may close the connection while the headers still come.
        try:
            self.assertIn(self.server.send(headers={"X-Long": "a" * 70000})[0], (413, 414, 431))
        except (ConnectionError, http.client.BadStatusLine):
            pass
        self.assertEqual(self.status_of(), 200)

    def test_idle_and_slow_connections_hold_up_nobody(self):
        connections = [socket.create_connection(("127.0.0.1", self.server.port)) for _ in range(200)]
        for connection in connections[:100]:
            connection.sendall(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{")
        self.assertEqual(self.status_of(), 200)
        for connection in connections:
            connection.close()
        self.assertEqual(self.status_of(), 200)

    def test_requests_of_one_connection_are_answered_in_turn(self):
        request = ("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nContent-Type: %s\r\n"
                   "X-Amz-Target: Kinesis_20131202.ListStreams\r\nX-Amz-Date: d\r\nAuthorization: %s\r\n\r\n{}"
                   % (JSON, SIGNED["Authorization"])).encode()
        connection = socket.create_connection(("127.0.0.1", self.server.port), timeout=30)
        with connection:
            connection.sendall(request * 3)
            received = b""
            while received.count(b"HasMoreStreams") < 3:
                piece = connection.recv(65536)
                self.assertTrue(piece, received)
                received += piece
            self.assertEqual(received.count(b"HTTP/1.1 200 OK"), 3)


class Program(unittest.TestCase):
    def refused(self, *arguments):
        done = subprocess.run([program("stream-serve"), *arguments], capture_output=True, text=True, timeout=60)
        return done.returncode, done.stderr.strip()

    def test_it_listens_on_this_machine_only(self):
        why = ("the host must be 127.0.0.1, [::1] or localhost, because everyone who can connect can read and change "
               "the streams; or add --credentials")
        for address in ("0.0.0.0:4567", "[::]:0", "example.com:80", "10.0.0.1:1"):
            self.assertEqual(self.refused("--listen", address), (64, f"stream-serve: --listen '{address}': {why}"))
        for address in ("4567", "localhost", "localhost:", "localhost:x", "localhost:65536"):
            self.assertEqual(self.refused("--listen", address)[0], 64)

    def test_what_it_cannot_serve(self):
        self.assertEqual(self.refused("--listen", "127.0.0.1:0", "/nonexistent")[0], 66)
        self.assertEqual(self.refused("--account", "1")[0], 64)
        running = Server()
        status, said = self.refused("--listen", f"127.0.0.1:{running.port}", running.directory)
        self.assertEqual((status, said),
                         (74, f"stream-serve: listen at 127.0.0.1:{running.port}: Address already in use"))
        self.assertEqual(running.stop(signal.SIGINT), (-signal.SIGINT, ""))

    def test_it_listens_on_ipv6(self):
        try:
            socket.create_server(("::1", 0), family=socket.AF_INET6).close()
        except OSError:
            self.skipTest("this machine has no IPv6")
        process = subprocess.Popen([program("stream-serve"), "--listen", "[::1]:0", "."], stdout=subprocess.PIPE, text=True)
        self.assertRegex(process.stdout.readline(), r"^http://\[::1\]:\d+\n$")
        process.terminate()
        self.assertEqual(process.wait(60), -signal.SIGTERM)
        process.stdout.close()

    def test_it_ends_although_connections_are_open(self):
        running = Server()
        connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=30)
        connection.request("GET", "/")
        connection.getresponse().read()
        half = socket.create_connection(("127.0.0.1", running.port))
        half.sendall(b"POST / HTTP/1.1\r\n")
        self.assertEqual(running.stop(), (-signal.SIGTERM, ""))
        connection.close()
        half.close()


if __name__ == "__main__":
    unittest.main()
