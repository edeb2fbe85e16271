# SPDX-License-Identifier: Apache-2.0
"""Machines of devices: somewhere with a user, a secret, and perhaps hardware; and what enrols there."""

import json
import os
import subprocess

from support.broker import TACIT
from support.patience import patience

LEVELS = ["plain", "sealed", "pkcs11", "tpm"]


class Machine:
    """Somewhere with a user: a home, a secret of the machine, and perhaps hardware."""

    def __init__(self, folder, *hardware):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "HOME": str(folder),
                            "XDG_CONFIG_HOME": str(folder / ".config"),
                            "XDG_STATE_HOME": str(folder / ".state")}
        for one in hardware:
            self.environment |= one.environment()

    def run(self, *words, code=0):
        done = subprocess.run(list(map(str, words)), env=self.environment, text=True, check=False,
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=patience(30))
        assert code is None or done.returncode == code, f"{done.returncode}: {done.stderr}"
        return done

    def tacit(self, *words, code=0):
        return self.run(TACIT, *words, code=code)

    def key(self, name):
        profile = json.loads((self.folder / f".config/tacit/profiles/{name}.json").read_text())
        return profile["key_file"]

    def publish(self, name, code=0):
        return self.tacit("pub", "--as", name, "-q", "1", "-t", f"meters/{name}", "-m", "1",
                          code=code)


def enrol(house, machine, name, store, role="any"):
    offer = json.loads(house.tacit("device", "add", name, "--role", role, "--token-only", "--json",
                                   "--state", house.state, "--port", house.broker.port).stdout)
    return machine.tacit(*offer["command"].split()[1:], "--key-store", store)


def level(house, name):
    return json.loads(house.tacit("device", "show", name, "--json", "--state",
                                  house.state).stdout)["protection"]


def stores(token, name):
    return {"plain": "file", "sealed": "sealed", "pkcs11": token.uri(name), "tpm": "tpm"}
