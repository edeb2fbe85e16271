# SPDX-License-Identifier: Apache-2.0
"""Homes of devices, each in a folder of its own; and a device that has enrolled by itself, whose folder
can be copied."""

import contextlib
import json
import shutil
import subprocess

from support.broker import TACIT
from support.patience import patience
from support.secure import House

TOOL_S = patience(30.0)

CONFIG = """
role "device" {
  publish   = { "devices/%{device}/#" }
}
listener "mqtts" {
  port = 8883
  client-certificates = required
}
"""


@contextlib.contextmanager
def house_for_devices():
    """Every device may publish below devices/NAME."""
    with House() as house:
        house.broker.stop()
        (house.state / "tacit.conf").write_text(CONFIG)
        house.broker.start()
        yield house


class Home:
    """A folder with a home in it: a machine that knows nothing of the broker's."""

    def __init__(self, house, folder):
        self.house, self.folder = house, folder
        folder.mkdir(parents=True, exist_ok=True)
        self.environment = {**house.environment, "HOME": str(folder),
                            "XDG_CONFIG_HOME": str(folder / ".config"),
                            "XDG_STATE_HOME": str(folder / ".state")}

    def popen(self, *arguments):
        return subprocess.Popen([str(TACIT), *map(str, arguments)], env=self.environment,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, text=True)

    def tacit(self, *arguments, code=0):
        with self.popen(*arguments) as process:
            output, _ = process.communicate(timeout=TOOL_S)
        assert code is None or process.returncode == code, f"{process.returncode}: {output}"
        return output


class Enrolled(Home):
    def __init__(self, house, folder, name):
        super().__init__(house, folder)
        self.name = name

    @classmethod
    def make(cls, house, folder, name, role="device", *words):
        offer = json.loads(house.tacit("device", "add", name, "--role", role, "--token-only",
                                       "--json", "--state", house.state, "--host", "localhost",
                                       "--port", house.broker.port).stdout)
        device = cls(house, folder, name)
        device.tacit(*offer["command"].split()[1:], *words)
        return device

    def copy(self, folder):
        """What somebody has who copied the whole folder: key, certificate, profile and ratchet."""
        shutil.copytree(self.folder, folder)
        twin = Enrolled(self.house, folder, self.name)
        path = folder / ".config/tacit/profiles" / f"{self.name}.json"
        path.write_text(path.read_text().replace(str(self.folder), str(folder)))
        return twin

    def file(self, suffix):
        return next(self.folder.glob(f".config/tacit/devices/*/{self.name}.{suffix}"))

    def counter(self):
        """How often its ratchet was turned, as the device has it."""
        return int.from_bytes(self.file("ratchet").read_bytes()[1:9], "big")

    def words(self, version=5, client_id=None, wait_s=20):
        return ("pub", "--as", self.name, "-V", {5: "5", 4: "311"}[version], "-W", str(wait_s),
                "-i", client_id or self.name, "-q", "1", f"devices/{self.name}/x", "-m", "1")

    def connect(self, version=5, code=0, client_id=None):
        return self.tacit(*self.words(version, client_id), code=code)

    def start(self, version=5, client_id=None):
        """Of one that will be held, and gets no answer."""
        return self.popen(*self.words(version, client_id, 60))
