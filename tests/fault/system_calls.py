"""What the programs ask of the system, and in which order: the rules that no result shows until a machine loses power or two
processes meet."""

import re
import subprocess

from support import WITHOUT_SEGMENTS, Folder, check, program, run, strace

CALLS = "open,openat,close,flock,write,pwrite64,pwritev,ftruncate,sync_file_range,fdatasync,fsync,utimensat,rename,renameat2,fchmod,chmod,unlink"


class Trace:
    """The calls of one run in their order, as (name, file, whole line); a file is the last part of its path."""

    def __init__(self, folder, name, *arguments, **options):
        output = folder + "/trace"
        done = subprocess.run([*strace("-yy", "-s", "16", "-o", output, "-e", f"trace={CALLS}"), program(name), *arguments],
                              capture_output=True, **options)
        check(done.returncode == 0, f"{name}: exit {done.returncode}: {done.stderr.decode()}")
        self.calls = []
        pending = {}
        with open(output, errors="replace") as lines:
            for line in lines:
                thread, line = line.split(None, 1)
                if line.rstrip().endswith("<unfinished ...>"):
                    pending[thread] = line.rstrip()[: -len("<unfinished ...>")]
                    continue
                resumed = re.match(r"<\.\.\. \w+ resumed>(.*)", line)
                if resumed:
                    line = pending.pop(thread) + resumed.group(1)
                call = re.match(r"(\w+)\((.*)", line)
                if not call:
                    continue
                rest = call.group(2)
                named = re.match(r"(?:AT_FDCWD(?:<[^>]*>)?, )?\"([^\"]*)\"", rest)  # a path, or what a descriptor stands for
                held = re.match(r"\d+<([^>]*)>", rest)
                path = named.group(1) if named else held.group(1) if held else ""
                self.calls.append((call.group(1), path.rstrip("/").split("/")[-1], line.strip()))

    def at(self, name, file, containing=""):
        return [i for i, call in enumerate(self.calls) if call[0] == name and call[1] == file and containing in call[2]]


def lines_of(count, size):
    return b"".join(b"%0*d\n" % (size, i) for i in range(count))


def test_sync_comes_before_the_acknowledgement(folder, stream):
    trace = Trace(folder, "stream-put", stream, "--ack", input=b"a\n")
    written = trace.at("pwrite64", "stream.db-wal")
    synced = trace.at("fdatasync", "stream.db-wal")
    touched = trace.at("pwrite64", "lock")
    acknowledged = [i for i in trace.at("write", "") + [i for i, c in enumerate(trace.calls) if c[0] == "write" and "shardId" in c[2]]]
    check(written and synced and touched and acknowledged, "a put without a write, a sync, a notice or an acknowledgement")
    check(max(written) < max(synced) < min(touched), "followers are told before the sync")
    check(max(synced) < min(acknowledged), "the acknowledgement comes before the sync")


def test_normal_does_not_sync(folder, stream):
    trace = Trace(folder, "stream-put", stream, "--sync", "normal", input=b"a\n")
    check(not trace.at("fdatasync", "stream.db-wal"), "--sync normal syncs")
    check(trace.at("utimensat", "lock") and not trace.at("pwrite64", "lock"), "the mark is ahead of what is on disk")


def stream_without_segments(folder):
    stream = folder + "/rows"
    run("stream-create", stream, "--compression", "none", *WITHOUT_SEGMENTS, "--if-missing")
    return stream


def test_disk_begins_before_the_sync(folder, stream):
    stream = stream_without_segments(folder)
    trace = Trace(folder, "stream-put", stream, input=lines_of(300_000, 99))
    for file in ("stream.db", "stream.db-wal"):
        begun, synced = trace.at("sync_file_range", file), trace.at("fdatasync", file)
        check(len(begun) > 15 and min(begun) < max(synced), f"{file} is written to the disk by the sync only")
    trace = Trace(folder, "stream-put", stream, input=b"a\n")
    check(not trace.at("sync_file_range", "stream.db-wal"), "a small commit begins with what there is no time to gain by")


def check_bytes_before_rows(trace, sync):
    """The size of the segment is set when all bytes of a commit are written. What is written after that, before the rows are,
    belongs to the next commit."""
    end = synced = 0
    for name, file, line in trace.calls:
        if file == "stream.00000001" and name == "pwritev":
            at = int(re.search(r", (\d+) ?\) += ", line).group(1))
            check(at >= end, f"--sync {sync}: bytes of a commit are written after its end was set: {line}")
        if file == "stream.00000001" and name == "ftruncate":
            end = int(re.search(r"^ftruncate\(\d+<[^>]*>, (\d+) ?\)", line).group(1))
        if file == "stream.00000001" and name == "fdatasync":
            synced = end
        check(name != "pwrite64" or file != "stream.db-wal" or synced == end, f"--sync {sync}: a row comes before its bytes")


def test_segments_are_on_disk_before_their_rows(folder, stream):
    for sync in ("full", "normal"):
        trace = Trace(folder, "stream-put", stream, "--sync", sync, input=lines_of(300_000, 99))
        begun, synced = trace.at("sync_file_range", "stream.00000001"), trace.at("fdatasync", "stream.00000001")
        bytes_begun = sum(int(re.search(r", (\d+), SYNC", trace.calls[i][2]).group(1)) for i in begun if i < max(synced))
        check(bytes_begun > 15 << 20, f"of 30 MB in a segment, {bytes_begun} are begun before the sync")
        check_bytes_before_rows(trace, sync)
        let_go = trace.at("flock", "stream.00000001", "LOCK_UN")
        commits = trace.at("pwrite64", "stream.db-wal") + trace.at("pwrite64", "lock")  # the mark is written after the sync
        used = trace.at("pwritev", "stream.00000001") + commits
        check(let_go and max(used) < min(let_go), "a segment is let go while it is in use")
        if sync == "full":  # it makes the segment, and the second run takes it over
            named = [i for i, call in enumerate(trace.calls) if call[0] == "fsync" and call[1] == "stream"]
            committed = [i for i in trace.at("fdatasync", "stream.db-wal") if i > min(synced)]
            check(named and min(named) < min(committed), "the name of a segment is on disk after its rows")
        else:
            check(not trace.at("openat", "stream", "stream.00000002"), "the segment was not taken over")


def test_database_files_change_under_the_lock_only(folder, stream):
    stream = stream_without_segments(folder)
    # Large enough for checkpoints, those at the end too.
    trace = Trace(folder, "stream-put", stream, input=lines_of(300_000, 99))
    held = False
    writes = 0
    for name, file, line in trace.calls:
        if name == "flock" and "= 0" in line:
            held = "LOCK_EX" in line
        if name in ("pwrite64", "pwritev", "ftruncate", "fdatasync") and file in ("stream.db", "stream.db-wal"):
            writes += 1
            check(held, f"without the writer lock: {line}")
    check(trace.at("pwrite64", "stream.db"), "there was no checkpoint to look at")
    check(writes > 1000, f"only {writes} writes seen")
    check(not held, "the lock was not given back by LOCK_UN")


def test_database_is_opened_once(folder, stream):
    for name, options in (("stream-put", {"input": b"a\n"}), ("stream-get", {}), ("stream-stats", {})):
        trace = Trace(folder, name, stream, **options)
        for file in ("stream.db", "stream.db-wal", "stream.db-shm"):
            opened = [c for c in trace.calls if c[0] in ("open", "openat") and c[1] == file]
            check(len(opened) <= 1, f"{name} opens {file} {len(opened)} times: closing one drops SQLite's locks on the other")
            for call in opened:
                check("O_CLOEXEC" in call[2], f"{name} passes {file} on to children")
                check("O_NOFOLLOW" in call[2], f"{name} follows a symbolic link at {file}")
        for call in trace.calls:
            if call[0] in ("open", "openat") and call[1] == "lock":
                check("O_CLOEXEC" in call[2] and "O_NOFOLLOW" in call[2], f"{name}: {call[2]}")


def test_readers_write_nothing(folder, stream):
    for arguments in (("stream-get", stream), ("stream-stats", stream), ("stream-stats", stream, "--verify")):
        trace = Trace(folder, *arguments)
        for name, file, line in trace.calls:
            check(not (name in ("pwrite64", "ftruncate", "fdatasync") and file.startswith("stream.db") and file != "stream.db-shm"),
                  f"{arguments[0]} writes: {line}")
            check(name != "flock", f"{arguments[0]} takes the writer lock: {line}")


def test_measures_cost_no_sync(folder, stream):
    run("stream-put", stream, input=b"x\n")  # so that the log has its header
    trace = Trace(folder, "stream-put", stream, "--rate", "2", input=b"a\nb\nc\n")  # for a second: shorter runs are not timed
    written, synced = trace.at("pwrite64", "stream.db-wal"), trace.at("fdatasync", "stream.db-wal")
    check(len(synced) == 3, f"{len(synced)} syncs of three commits")
    check(max(written) > max(synced), "the run was not measured")
    check(len(trace.at("pwrite64", "lock")) == 3 and not trace.at("utimensat", "lock"), "measures wake followers")


def test_create_is_durable_and_whole(folder, _):
    trace = Trace(folder, "stream-create", folder + "/made")
    renamed = [i for i, c in enumerate(trace.calls) if c[0] == "renameat2" and "RENAME_NOREPLACE" in c[2] and c[2].endswith("= 0")]
    check(len(renamed) == 1, "a stream does not appear by one rename that replaces nothing")
    synced = [i for i, c in enumerate(trace.calls) if c[0] in ("fsync", "fdatasync")]
    content = [i for i in synced if trace.calls[i][1] == "stream.db"]
    directory = [i for i in synced if trace.calls[i][1].startswith(".stream-")]
    check(content and max(content) < renamed[0], "the name appears before the database is on disk")
    check(directory and max(directory) < renamed[0], "the name appears before the directory is on disk")
    # SQLite syncs it too, but earlier, and swallows an error.
    check(max(directory) > max(content), "the directory is not synced by the program itself, behind all else")
    check(any(i > renamed[0] for i in synced), "the new name itself is not synced")


def leave_unsynced(seen, *command, **options):
    """Kills runs of a command at a sync, until one has left something: what it committed can be read, and nothing says that it
    is on disk. seen() returns what can be read. The first sync need not be the commit's: a log that starts anew syncs its
    header before."""
    before = seen()
    for sync in range(1, 5):
        killed = subprocess.run([*strace("-o", "/dev/null", "-e", "trace=fdatasync", "-e", f"inject=fdatasync:signal=KILL:when={sync}"),
                                 program(command[0]), *command[1:]], capture_output=True, **options)
        check(killed.returncode == -9, f"{command[0]} was not killed at sync {sync}: exit {killed.returncode}")
        if seen() != before:
            return
    check(False, f"no killed run of {command[0]} has left anything")


def test_rerun_of_a_producer_syncs_what_it_did_not_commit(folder, stream):
    arguments = (stream, "--producer", "killed")
    leave_unsynced(lambda: run("stream-get", stream), "stream-put", *arguments, input=b"p\n")
    before = run("stream-get", stream)
    trace = Trace(folder, "stream-put", *arguments, input=b"p\n")
    check(run("stream-get", stream) == before, "there was no position to find")
    check(trace.at("fdatasync", "stream.db-wal"), "a rerun acknowledges what is not known to be on disk")


def test_consumer_syncs_before_it_delivers(folder, stream):
    consume = ("stream-get", stream, "--consumer", "c")
    run(*consume)
    leave_unsynced(lambda: run("stream-get", stream), "stream-put", stream, input=b"delivered\n")
    trace = Trace(folder, *consume)
    synced = trace.at("fdatasync", "stream.db-wal")
    delivered = [i for i, call in enumerate(trace.calls) if call[0] == "write" and "delivered" in call[2]]
    check(synced and delivered and min(synced) < min(delivered), "records are delivered that may not be on disk")


def test_consumer_syncs_the_stream_that_it_stores_in(folder, stream):
    target = folder + "/target"
    run("stream-create", target)
    for kind, options in (("into", ("--exec", "cat", "--into", target)),
                          ("dead-letters", ("--exec", "exit 1", "--retries", "0", "--on-failure", "dead-letter:" + target))):
        consume = ("stream-get", stream, "--consumer", kind, "--from", "latest", *options)
        run(*consume)
        run("stream-put", stream, input=b"x\n")
        stored = after = run("stream-get", target)
        for sync in range(1, 5):  # the first may not be that of the commit
            traced = strace("-o", "/dev/null", "-P", target + "/stream.db-wal", "-e", f"inject=fdatasync:signal=KILL:when={sync}")
            killed = subprocess.run([*traced, program("stream-get"), *consume[1:]], capture_output=True)
            check(killed.returncode == -9, f"{kind}: not killed at sync {sync} of the target: exit {killed.returncode}")
            after = run("stream-get", target)
            if after != stored:
                break
        check(after != stored, f"{kind}: no killed run has left anything")
        trace = Trace(folder, *consume)
        check(run("stream-get", target) == after, f"{kind}: there was no position to find")
        synced = [i for i in trace.at("fdatasync", "stream.db-wal") if "/target/" in trace.calls[i][2]]
        check(synced, f"{kind}: what the killed run stored is passed over, and may not be on disk")


def test_resharding_that_is_done_already_is_synced(folder, _):
    stream = folder + "/resharded"
    run("stream-create", stream)
    scale = ("stream-reshard", "scale", stream, "2")
    leave_unsynced(lambda: run(*scale, "--dry-run"), *scale)
    trace = Trace(folder, *scale)
    check(trace.at("fdatasync", "stream.db-wal"), "a rerun reports shards that may not be on disk")


def main():
    with Folder() as folder:
        stream = folder + "/stream"
        run("stream-create", stream, "--compression", "none")
        for name, test in list(globals().items()):
            if name.startswith("test_"):
                test(folder, stream)
                print(f"{name}: ok")


main()
