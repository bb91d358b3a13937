"""What the README and stream-serve(1) show works as it is typed, with the AWS CLI and boto3 of this machine."""

import os
import pathlib
import re
import subprocess
import unittest

from server import Server, program

SOURCE = pathlib.Path(__file__).resolve().parent.parent.parent
PORT = "127.0.0.1:4567"


class Examples(unittest.TestCase):
    def setUp(self):
        self.server = Server()
        # The AWS CLI of Debian, whose python3 has its modules.
        self.environment = {**os.environ, "PATH": f"{pathlib.Path(program('stream-get')).parent}:/usr/bin:/bin",
                            "AWS_PAGER": "", "HOME": self.server.directory}

    def tearDown(self):
        self.server.stop()

    def shell(self, commands):
        """Runs commands of a page, with the server that runs already."""
        script = "set -euo pipefail\nshopt -s expand_aliases\n" + "\n".join(commands)
        self.assertIn(PORT, script)
        done = subprocess.run(["/bin/bash", "-c", script.replace(PORT, f"127.0.0.1:{self.server.port}")], text=True,
                              cwd=self.server.directory, env=self.environment, capture_output=True, timeout=120)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout

    def test_the_readme(self):
        text = (SOURCE / "README.md").read_text()
        section = text.split("## Use it from your AWS code")[1].split("\n## ")[0]
        console, = re.findall(r"```console\n(.*?)```", section, re.S)
        python, = re.findall(r"```python\n(.*?)```", section, re.S)
        start, *commands = console.splitlines()
        self.assertEqual(start, "stream-serve &")
        self.assertRegex(self.shell(commands), r'"ShardId": "shardId-00000000000[01]"[^$]*\nhello\n$')
        done = subprocess.run(["/usr/bin/python3", "-c", python.replace(PORT, f"127.0.0.1:{self.server.port}")], text=True,
                              env={**self.environment, "AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any",
                                   "AWS_DEFAULT_REGION": "us-east-1"}, capture_output=True, timeout=60)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(sorted(self.shell([f": {PORT}", "stream-get clicks"]).splitlines()), ["from boto3", "hello"])

    def test_the_manual(self):
        page = (SOURCE / "man" / "stream-serve.1").read_text()
        start, *commands = re.findall(r"^\$ (.*)", page.split(".Sh EXAMPLES")[1].split(".Sh ")[0], re.M)
        self.assertEqual(start, "stream-serve &")
        self.assertTrue(self.shell(commands).endswith("\nhello\n"))


if __name__ == "__main__":
    unittest.main()
