"""A reader whose output nobody takes holds up no writer: the write-ahead log stays small while much is put."""

import os
import subprocess

from support import WITHOUT_SEGMENTS, Folder, check, program, run, scale

MEBIBYTES = scale("SHARDLOG_BLOCKED_MIB", 512)
LIMIT = (64 + 8 + 4) * 1024 * 1024  # the largest threshold, a commit, and the frames' headers

with Folder() as folder:
    stream = folder + "/stream"
    run("stream-create", stream, "--compression", "none", *WITHOUT_SEGMENTS)
    block = b"x" * 99 + b"\n"
    run("stream-put", stream, input=block * 100_000)
    reader = subprocess.Popen([program("stream-get"), stream, "-f"], stdout=subprocess.PIPE)
    check(reader.stdout.read(1) == b"x", "the reader reads nothing")
    writer = subprocess.Popen([program("stream-put"), stream], stdin=subprocess.PIPE)
    largest = 0
    for _ in range(MEBIBYTES):
        writer.stdin.write(block * (1024 * 1024 // len(block)))
        largest = max(largest, os.path.getsize(stream + "/stream.db-wal"))
    writer.stdin.close()
    check(writer.wait() == 0, "the writer failed")
    check(reader.poll() is None, "the reader did not stay")
    reader.kill()
    reader.wait()
    check(largest <= LIMIT, f"the log grew to {largest} bytes")
    print(f"{MEBIBYTES} MiB put beside a blocked reader: the log was at most {largest} bytes")
