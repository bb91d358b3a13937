"""Two of three nodes are paused, and killed, while programs use a stream: those with -v say so, and say when the servers answer
again. Those without say nothing, and nothing is lost."""

import re

from nodes import Nodes, Program
from support import check, run, wait_for

BEGIN = r"stream-(put|get): NATS: no answer from its servers for \d+ s, or no majority of them; still trying"
END = r"stream-(put|get): NATS: its servers answer again, after \d+\.\d s"


def told(program, line):
    return len(re.findall(f"^{line}$", program.messages(), re.MULTILINE))


def lines_of(program):
    return program.output().count(b"\n")


def outage(begin, end, programs, verbose, number):
    """Each producer gets a record in the outage. A server may answer once and then no more: then it is told again."""
    before = {program: told(program, BEGIN) for program in verbose}
    begin()
    try:
        for program in programs:
            if program.name == "stream-put":
                program.give(b"record %d\n" % number)
        for program in verbose:
            wait_for(lambda: told(program, BEGIN) > before[program], f"{program.name} -v to tell of outage {number}", 20)
    finally:
        end()
    for program in programs:
        wait_for(lambda: lines_of(program) >= number, f"{program.name} to go on after outage {number}: {program.messages()}", 40)
    for program in verbose:
        wait_for(lambda: told(program, END) == told(program, BEGIN), f"{program.name} -v to tell of the end of outage {number}: {program.messages()}", 20)


def main():
    with Nodes(own=True) as nodes:
        stream = nodes.address("outage")
        run("stream-create", stream)
        data = nodes.data_stream("outage")

        def two():
            """The leader, which has what a reader reads from, and another one."""
            nodes.wait_until_whole(data, 40)
            leader = nodes.leader(data)
            return leader, leader % 3 + 1

        command = ("stream-put", stream, "--ack", "--timeout", "1m")
        with Program(*command, "-v") as loud, Program(*command) as silent, Program("stream-get", stream, "-f", "-v") as reader:
            programs = (loud, silent, reader)
            paused = two()
            outage(lambda: [nodes.pause(each) for each in paused], lambda: [nodes.go_on(each) for each in paused],
                   programs, (loud, reader), 1)
            killed = two()
            outage(lambda: nodes.kill(*killed), lambda: nodes.restart(killed[0]), programs, (loud, reader), 2)
            loud.end()
            silent.end()
            check(silent.messages() == "", f"without -v: {silent.messages()}")
            wait_for(lambda: lines_of(reader) == 4, "the reader to have all", 20)
            for program in (loud, reader):
                lines = [line for line in program.messages().splitlines() if "NATS" in line]
                check(all(re.fullmatch((BEGIN, END)[i % 2], line) for i, line in enumerate(lines)), f"in turn: {lines}")
        found = sorted(run("stream-get", stream).splitlines())
        check(found == sorted(2 * [b"record 1", b"record 2"]), f"stored: {found}")
        print(loud.messages() + reader.messages())


main()
