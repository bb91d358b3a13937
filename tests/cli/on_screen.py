"""on_screen.py ROWS COLUMNS COMMAND...: runs it with a terminal of that size as its stdout, and copies what reaches that.

--resize ROWS COLUMNS ROWS COLUMNS COMMAND...: the size changes after a page was drawn, and the command is ended by TERM after
another one.
"""

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import tty

END_OF_PAGE = b"\x1b[J"


def resize(terminal, rows, columns):
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", int(rows), int(columns), 0, 0))


def read(master):
    readable, _, _ = select.select([master], [], [], 20)
    assert readable, "nothing came for 20 seconds"
    try:
        return os.read(master, 65536)
    except OSError:  # EIO: nobody has the terminal open any more
        return b""


arguments = sys.argv[1:]
sizes = []
resizing = arguments[0] == "--resize"
for _ in range(2 if resizing else 1):
    at = 1 + len(sizes) * 2 if resizing else 0
    sizes.append(arguments[at : at + 2])
command = arguments[5 if resizing else 2 :]

master, terminal = pty.openpty()
tty.setraw(terminal)  # a newline stays one
resize(terminal, *sizes[0])
environment = {**os.environ, "TERM": "xterm"} if resizing else None  # a page is drawn over another one
program = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=terminal, env=environment)
os.close(terminal)
shown = b""
pages = 0
while piece := read(master):
    shown += piece
    if not resizing or shown.count(END_OF_PAGE) == pages:
        continue
    pages = shown.count(END_OF_PAGE)
    if pages == 1:
        resize(master, *sizes[1])
    else:
        program.terminate()
sys.stdout.buffer.write(shown)
sys.stdout.flush()
status = program.wait()
sys.exit(0 if resizing else status)
