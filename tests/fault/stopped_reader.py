"""A reader that is stopped within its snapshot keeps the log from being emptied. When that is as large as it may get, writers
answer within their --timeout, name the reader, and go on as soon as it does."""

import os
import re
import signal
import subprocess

from stopped_program import Other, StoppedProgram
from support import WITHOUT_SEGMENTS, Folder, check, parse_acknowledgements, program, run, strace

RECORD = b"x" * (1024 * 1024 - 1) + b"\n"
CEILING = 256 * 1024 * 1024


def reader_with_a_snapshot(folder, stream):
    """Stopped once it has a shared lock at one of the bytes 124 to 127 of the log's index."""
    trace = folder + "/calls"
    subprocess.run(["strace", "-qq", "-o", trace, "-e", "trace=fcntl", program("stream-get"), stream], check=True,
                   stdout=subprocess.DEVNULL)
    with open(trace) as file:
        calls = [bool(re.search(r"F_RDLCK, .*l_start=12[4-7],", line)) for line in file if line.startswith("fcntl(")]
    check(True in calls, "stream-get takes no snapshot")
    return StoppedProgram(folder, "stream-get", [stream], calls.index(True) + 1)


def put_until_the_log_is_full(stream, reader):
    """How many records were acknowledged."""
    put = Other("stream-put", stream, "--ack", given=RECORD * 300, slack=120)
    put.answer(reader)
    return len(parse_acknowledgements(put.output))


strace()  # or skip
with Folder() as folder:
    stream = folder + "/stream"
    run("stream-create", stream, "--compression", "none", *WITHOUT_SEGMENTS)
    run("stream-put", stream, input=b"first\n")
    with reader_with_a_snapshot(folder, stream) as reader:
        acknowledged = put_until_the_log_is_full(stream, reader)
        check(os.path.getsize(stream + "/stream.db-wal") >= CEILING, "the log is not full")
        check(0 < acknowledged < 300, f"{acknowledged} records were acknowledged")
        # Several at once, one of which waits for the reader and the others for that one.
        writers = [Other("stream-put", stream, given=b"y\n") for _ in range(3)]
        writers.append(Other("stream-create", "--update", "--tag", "a=b", stream))
        check([writer.answer(reader) for writer in writers] == [None] * 4, "something was stored in a full log")
        check(Other("stream-get", stream, "-n", "1").answer(reader) == b"first\n", "a reader was held up")
        reader.end(signal.SIGCONT)
    run("stream-put", stream, input=b"last\n")
    found = run("stream-get", stream)
    check(found == b"first\n" + RECORD * acknowledged + b"last\n", f"{len(found)} bytes found")
    print(f"{acknowledged} records put beside a stopped reader: then the log was full, and each writer said by whom")
