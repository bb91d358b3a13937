"""on_terminal.py [--stderr] COMMAND...: runs it with a terminal as its stdout, and copies what reaches that to our own, byte by
byte. With --stderr the terminal is its stderr instead, and its stdin is ours."""

import os
import pty
import subprocess
import sys
import tty

master, terminal = pty.openpty()
tty.setraw(terminal)  # a newline stays one
if sys.argv[1] == "--stderr":
    program = subprocess.Popen(sys.argv[2:], stdout=subprocess.DEVNULL, stderr=terminal)
else:
    program = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, stdout=terminal)
os.close(terminal)
while True:
    try:
        piece = os.read(master, 65536)
    except OSError:  # EIO: nobody has the terminal open any more
        break
    sys.stdout.buffer.write(piece)
sys.stdout.flush()
sys.exit(program.wait())
