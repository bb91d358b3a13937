"""A computer of which the power can be cut: an ext4 on a loop device on a disk that forgets (forgetful_disk.cpp). All of it
is in namespaces of the test's own. When the test ends, however it ends, the kernel ends what is left of its processes,
unmounts what they have mounted, and detaches the loop device."""

import os
import pathlib
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "fault"))
from support import check, wait_for  # noqa: E402

TOOLS = pathlib.Path(os.environ.get("SHARDLOG_POWER_TOOLS", "build/dev/tests/power")).resolve()
SIZES = [512 << 20, 2 << 30]  # of the disk, a file with holes; where less than 512 MiB are free, writers count what is left
INSIDE = "--inside"  # the last argument of the test in its namespaces


def skip(why):
    print(f"SKIPPED: {why}")
    sys.exit(77)


def in_own_namespaces(main):
    """Runs main() in a process that takes all its children and mounts with it when it ends, and that ends with this one."""
    if sys.argv[-1] == INSIDE:
        return main()
    if os.geteuid() != 0:
        skip("only root can mount a file system")
    for device in ("/dev/fuse", "/dev/loop-control"):
        if not os.path.exists(device):
            skip(f"there is no {device}")
    own = ["setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    if subprocess.run([*own, "true"], capture_output=True).returncode != 0:
        skip("namespaces of its own are not allowed here")
    sys.exit(subprocess.run([*own, sys.executable, *sys.argv, INSIDE]).returncode)


class Machine:
    """Begins switched off, with an empty disk. Whatever uses `root` must have ended before it is switched on again."""

    def __init__(self, folder, size=SIZES[0]):
        self.image, self.bus, self.root = (f"{folder}/{name}" for name in ("image", "bus", "root"))
        os.mkdir(self.bus)
        os.mkdir(self.root)
        with open(self.image, "wb") as image:
            image.truncate(size)
        subprocess.run(["mkfs.ext4", "-q", "-F", "-J", "size=16", self.image], check=True)
        self.disk = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.disk:
            self.disk.kill()
            self.unmount()

    def switch_on(self):
        self.disk = subprocess.Popen([str(TOOLS / "forgetful_disk"), self.image, self.bus],
                                     stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        if self.disk.stdout.readline() != b"ready\n":
            self.disk.wait()
            self.disk = None
            raise OSError("the disk cannot be mounted")
        mounted = subprocess.run(["mount", "-t", "ext4", "-o", "loop", f"{self.bus}/disk", self.root], capture_output=True, text=True)
        if mounted.returncode != 0:
            raise OSError(mounted.stderr.strip())

    def unflushed(self):
        """How many pieces of 4 KiB have come to the disk since it was flushed."""
        self.command("unflushed")
        return int(self.disk.stdout.readline())

    def command(self, line):
        try:
            self.disk.stdin.write(line.encode() + b"\n")
        except BrokenPipeError:
            pass  # the power is off already

    def cut_power(self, seed, calls=0):
        """At the given write or flush from now, at once if it is 0. What comes after is not on the disk."""
        self.command(f"cut {seed} {calls}")

    def has_power(self):
        return self.disk.poll() is None

    def lost_power(self):
        """After a cut: how many pieces were unflushed, how many of them are on the disk, and how many are torn."""
        report = self.disk.stdout.read().split()
        check(self.disk.wait() == 0 and len(report) == 3, f"the disk broke: {report}")
        self.unmount()
        return tuple(map(int, report))

    def unmount(self):
        """The file system first: that detaches the loop device, which then lets go of the disk. It may still be in use by
        children of programs that were killed, until they begin as commands."""
        self.disk.wait()
        self.disk.stdin.close()
        self.disk.stdout.close()
        self.disk = None
        wait_for(lambda: not os.path.ismount(self.root) or subprocess.run(["umount", "--quiet", self.root]).returncode == 0,
                 "the file system to be unmounted")
        subprocess.run(["umount", "--lazy", self.bus], check=True)


def require_machine(folder):
    """Skips the test if no disk of this kind can be used here."""
    os.mkdir(folder)
    try:
        with Machine(folder) as machine:
            machine.switch_on()
            machine.cut_power(0)
            machine.lost_power()
    except OSError as error:
        skip(f"no file system on a disk of our own: {error}")
    shutil.rmtree(folder)
