"""stream-serve --credentials: only who has an access key may do anything."""

import contextlib
import datetime
import http.client
import json
import pathlib
import socket
import subprocess
import tempfile
import unittest

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import botocore.exceptions

from http2 import Client
from server import SIGNED, Server, program, run
from slow import MIB, head

JSON = "application/x-amz-json-1.1"
LIST = {"Content-Type": JSON, "X-Amz-Target": "Kinesis_20131202.ListStreams"}


class SignedAuthority(botocore.auth.SigV4Auth):
    """Signs :authority instead of Host, as SDKs do over HTTP/2."""

    def headers_to_sign(self, request):
        headers = super().headers_to_sign(request)
        headers[":authority"] = headers["host"]
        del headers["host"]
        return headers


class WithCredentials(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="shardlog-")
        cls.file = pathlib.Path(cls.folder.name) / "credentials"
        cls.file.write_text("[default]\naws_access_key_id = AKID\naws_secret_access_key = s3cret/+\n"
                            "[second]\naws_access_key_id = OTHER\naws_secret_access_key = another\n")
        cls.server = Server("--credentials", str(cls.file))

    @classmethod
    def tearDownClass(cls):
        _, said = cls.server.stop()
        cls.folder.cleanup()
        if said:
            raise AssertionError(said)

    def code(self, **client):
        with self.assertRaises(botocore.exceptions.ClientError) as caught:
            self.server.client(**client).list_streams()
        return caught.exception.response["Error"]["Code"]

    def test_boto3(self):
        for key, secret in (("AKID", "s3cret/+"), ("OTHER", "another")):
            kinesis = self.server.client(key=key, secret=secret)
            kinesis.create_stream(StreamName=key, ShardCount=1)
            kinesis.put_record(StreamName=key, Data=b"x" * 100000, PartitionKey="ü")
            self.assertIn(key, kinesis.list_streams()["StreamNames"])
        self.assertEqual(self.code(key="AKID", secret="another"), "InvalidSignatureException")
        self.assertEqual(self.code(key="NONE", secret="s3cret/+"), "UnrecognizedClientException")

    def test_curl(self):
        for protocol in ("--http1.1", "--http2-prior-knowledge"):
            done = subprocess.run(
                ["curl", "-sS", protocol, "--aws-sigv4", "aws:amz:us-east-1:kinesis", "--user", "AKID:s3cret/+", "-d", "{}",
                 *(part for name, value in LIST.items() for part in ("-H", f"{name}: {value}")), self.server.url],
                capture_output=True, text=True, timeout=30)
            self.assertIn('"StreamNames":[', done.stdout, done)

    def test_a_client_of_http2_that_signs_the_authority(self):
        authority = f"127.0.0.1:{self.server.port}"
        for secret, expected in (("s3cret/+", 200), ("another", 400)):
            request = botocore.awsrequest.AWSRequest("POST", f"http://{authority}/", headers=LIST, data=b"{}")
            keys = botocore.credentials.Credentials("AKID", secret)
            SignedAuthority(keys, "kinesis", "us-east-1").add_auth(request)
            headers = [(name.lower(), value) for name, value in request.headers.items()]
            self.assertIn("SignedHeaders=:authority;", dict(headers)["authorization"])
            with Client(self.server.port) as client:
                status, body = client.answer(client.send(body=b"{}", authority=authority, headers=headers))
            self.assertEqual(status, expected, body)

    def test_what_is_not_signed_is_refused(self):
        for headers, kind in ((LIST, "MissingAuthenticationTokenException"),
                              ({**LIST, **SIGNED}, "InvalidSignatureException")):
            status, _, body = self.server.send(headers=headers, body=b"{}")
            self.assertEqual((status, json.loads(body)["__type"]), (400, kind), body)

    def test_bodies_of_others_are_not_waited_for(self):
        now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
        claim = SIGNED["Authorization"].replace("20261126", now[:8])
        json_type = [("content-type", JSON)]
        for headers, expected in (
                (json_type, b"MissingAuthenticationTokenException"),
                ([*json_type, ("authorization", claim), ("x-amz-date", "20200101T000000Z")], b"InvalidSignatureException"),
                ([*json_type, ("authorization", claim.replace("AKID", "NONE")), ("x-amz-date", now)],
                 b"UnrecognizedClientException"),
                ([("content-type", "text/plain")], b"AccessDeniedException")):
            with Client(self.server.port) as client:
                status, body = client.answer(client.send(body=b"{", headers=headers, finish=False))
            self.assertEqual((status, expected in body), (403 if b"Denied" in expected else 400, True), body)
        with Client(self.server.port) as client:
            self.assertEqual(client.answer(client.send(body=b"{", method="PUT", finish=False))[0], 403)

    def test_bodies_of_others_take_no_memory(self):
        kinesis = self.server.client(key="AKID", secret="s3cret/+")
        kinesis.create_stream(StreamName="memory", ShardCount=1)
        half = head("PutRecord", 16 * MIB) + b" " * (16 * MIB - 1024)
        with contextlib.ExitStack() as stack:
            for _ in range(17):  # more than there is for all
                connection = stack.enter_context(socket.create_connection(("127.0.0.1", self.server.port), timeout=30))
                connection.sendall(half)
            kinesis.put_record(StreamName="memory", Data=b"x" * 1_000_000, PartitionKey="k")

    def test_other_machines_may_connect(self):
        process = subprocess.Popen([program("stream-serve"), "--listen", "0.0.0.0:0", "--credentials", self.file,
                                    self.server.directory], stdout=subprocess.PIPE, text=True)
        try:
            url = process.stdout.readline()
            self.assertRegex(url, r"^http://0\.0\.0\.0:\d+\n$")
            connection = http.client.HTTPConnection("127.0.0.1", int(url.rsplit(":", 1)[1]), timeout=30)
            with contextlib.closing(connection):
                for host, status in (("0.0.0.0:1", 400), ("192.0.2.5", 400), ("evil.example", 403)):
                    connection.request("POST", "/", b"{}", {**LIST, "Host": host})
                    response = connection.getresponse()
                    self.assertEqual((response.status, b"MissingAuth" in response.read()), (status, status == 400), host)
        finally:
            process.terminate()
            process.communicate()

    def test_files_that_are_wrong(self):
        wrong = self.file.with_name("wrong")
        wrong.write_text("[default]\n")
        done = subprocess.run([program("stream-serve"), "--credentials", wrong], capture_output=True, text=True, timeout=30)
        self.assertEqual((done.returncode, done.stderr), (64, f"stream-serve: --credentials '{wrong}': there is no access "
                                                              "key, as ~/.aws/credentials has them\n"))
        run("stream-serve", "--credentials", "/nonexistent", status=66)


if __name__ == "__main__":
    unittest.main(warnings="ignore")  # connections of boto3 are closed late
