"""Hosts of their own: network namespaces of the kernel, each with a cable to this one."""

import os
import shutil
import subprocess
from itertools import count

_numbers = count(os.getpid() % 200 * 64)


def run(*command):
    """What it says. CalledProcessError where it fails."""
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=30).stdout


class Host:
    """Its ``address``, and ``here``, at which it reaches this host. OSError or CalledProcessError
    where the machine allows none."""

    def __init__(self):
        number = next(_numbers) % 16384
        self.name = f"facade{number}"
        net = f"10.213.{number // 64}.{number % 64 * 4}".rsplit(".", 1)
        self.here, self.address = (f"{net[0]}.{int(net[1]) + n}" for n in (1, 2))
        # Commands that start with this run there.
        self.inside = ("ip", "netns", "exec", self.name)
        self._cable, there = f"fh{number}", f"fp{number}"
        if shutil.which("ip") is None:
            raise OSError("ip (iproute2) is missing")
        run("ip", "netns", "add", self.name)
        try:
            run("ip", "link", "add", self._cable, "type", "veth", "peer", "name", there)
            run("ip", "link", "set", there, "netns", self.name)
            run("ip", "address", "add", f"{self.here}/30", "dev", self._cable)
            run("ip", "link", "set", self._cable, "up")
            run(*self.inside, "ip", "address", "add", f"{self.address}/30", "dev", there)
            run(*self.inside, "ip", "link", "set", there, "up")
            run(*self.inside, "ip", "link", "set", "lo", "up")
        except BaseException:
            self.remove()
            raise

    def cut(self):
        """Nothing comes through, and nobody is told."""
        run(*self.inside, "ip", "link", "set", self._cable.replace("fh", "fp"), "down")

    def mend(self):
        run(*self.inside, "ip", "link", "set", self._cable.replace("fh", "fp"), "up")

    def delay(self, seconds):
        """Each packet to it takes so long. CalledProcessError where the kernel can't."""
        took = f"{seconds * 1000:g}ms"
        run("tc", "qdisc", "replace", "dev", self._cable, "root", "netem", "delay", took)

    def remove(self):
        subprocess.run(["ip", "link", "delete", self._cable], capture_output=True, check=False)
        subprocess.run(["ip", "netns", "delete", self.name], capture_output=True, check=False)
