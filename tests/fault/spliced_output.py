"""Lines that stream-get hands over to a pipe as pages of the stream's files, instead of writing them: where the system does not
do that, or does it in part, the same lines are written."""

import os
import re
import subprocess

from support import Folder, check, program, run, strace

LINE = 100
LINES = 160_000  # a put keeps what comes before the first 4 MiB in the database, and small commits after that


def get(stream, *options):
    """What a reader at the other end of a pipe gets, and the calls that were traced."""
    traced = subprocess.Popen([*strace(*options), program("stream-get"), stream], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    output, messages = traced.communicate()
    check(traced.returncode == 0, f"{options}: exit {traced.returncode}: {messages.decode()}")
    check(messages == b"", f"{options}: {messages.decode()}")
    return output


def spliced_bytes(trace):
    """How many bytes were handed over to standard output."""
    with open(trace) as file:
        return sum(int(size) for size in re.findall(r"splice\(\d+, NULL, 1, NULL, .*= (\d+)$", file.read(), re.MULTILINE))


strace()  # or skip
with Folder() as folder:
    stream = folder + "/stream"
    lines = b"".join(b"%0*d\n" % (LINE - 1, i) for i in range(LINES))
    run("stream-create", stream, "--compression", "none")
    with open(folder + "/lines", "wb") as file:
        file.write(lines)
    run("stream-put", stream, folder + "/lines")  # what comes from a pipe is committed in pieces of any size
    trace = folder + "/trace"
    check(get(stream, "-o", trace, "-e", "trace=splice") == lines, "the records are not those that were put")
    spliced = spliced_bytes(trace)
    in_segment = os.path.getsize(stream + "/stream.00000001")
    check(in_segment > len(lines) // 2, f"only {in_segment} bytes are in a segment")
    # Where a batch is larger than a pipe, its last pages are written.
    check(spliced > 0.95 * in_segment, f"only {spliced} of {in_segment} bytes were handed over")
    faults = [f"{call}:error={error}:when={when}"
              for call, error, whens in [("splice", "EINVAL", ("1+", "2+", "3", "5+")), ("splice", "EAGAIN", ("2", "4")),
                                         ("splice", "EINTR", ("1", "2", "4")), ("tee", "EINVAL", ("1+", "2")),
                                         ("pipe2", "EMFILE", ("1+", "2+"))]
              for when in whens]
    for fault in faults:
        call = fault.split(":")[0]
        check(get(stream, "-o", "/dev/null", "-e", f"trace={call}", "-e", f"inject={fault}") == lines, f"{fault}: other records")
    print(f"{spliced} of {len(lines)} bytes handed over; {len(faults)} faults, each with the same output")
