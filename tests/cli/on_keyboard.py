"""on_keyboard.py [EXPECT KEYS]... -- COMMAND...: runs it on a terminal of its own, types the KEYS (with \\xHH) each time its
output has the EXPECTed text, and prints that output. KEYS that are the name of a signal, as SIGTERM, are sent as that to what
reads from the terminal. The exit status is the command's, or 128 and the signal that killed it."""

import os
import pty
import signal
import sys
import termios
import time

steps_end = sys.argv.index("--")
steps = sys.argv[1:steps_end]
signal.alarm(20)  # an expected text that never comes
pid, terminal = pty.fork()
if pid == 0:
    os.environ["TERM"] = "xterm"
    os.execvp(sys.argv[steps_end + 1], sys.argv[steps_end + 1 :])
output = b""
seen = 0
while True:
    try:
        piece = os.read(terminal, 65536)
    except OSError:  # EIO: nobody has the terminal open any more
        break
    if not piece:
        break
    output += piece
    while steps and steps[0].encode() in output[seen:]:
        seen = output.index(steps[0].encode(), seen) + len(steps[0])
        if steps[1].startswith("SIG"):
            os.killpg(os.tcgetpgrp(terminal), signal.Signals[steps[1]])
        else:
            # The terminal makes a signal of Ctrl-Z unless a program takes it as a key.
            while steps[1] == "\\x1a" and termios.tcgetattr(terminal)[3] & termios.ICANON:
                time.sleep(0.001)
            os.write(terminal, steps[1].encode().decode("unicode_escape").encode())
        del steps[:2]
sys.stdout.write(output.decode().replace("\r\n", "\n"))
status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
sys.exit(status if status >= 0 else 128 - status)
