"""Writes frames to stdout, by the layout in shardlog(5). Each line of stdin is a frame: how many seconds ago its records
arrived, how many there are, their data, and their key. Needs no record of a real stream, so the times can be any."""

import sys
import time

from frames import frame, payload

now = time.time_ns() // 1000
sequence = 1
for line in sys.stdin.buffer:
    ago, count, data, key = line.split()
    arrived = now - int(ago) * 1000000
    sys.stdout.buffer.write(frame(sequence, arrived, payload([key] * int(count), data)))
    sequence += int(count)
