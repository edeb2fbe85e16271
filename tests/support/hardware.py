# SPDX-License-Identifier: Apache-2.0
"""A TPM and a token in software, each of its own, for keys of devices."""

import os
import socket
import subprocess
import time

from support.patience import patience
from support.ports import free_port

PIN = "123456"


def answers(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Maker:
    """A manufacturer of TPMs, whose CA certifies their endorsement keys."""

    def __init__(self, folder):
        folder.mkdir(parents=True)
        self.folder, self.roots = folder, folder / "ca/issuercert.pem"
        (folder / "localca.conf").write_text(
            "".join(f"{key} = {folder}/ca{name}\n" for key, name in (
                ("statedir", ""), ("signingkey", "/signkey.pem"), ("issuercert", "/issuercert.pem"),
                ("certserial", "/certserial"))))
        (folder / "options").write_text("--platform-manufacturer Maker\n--platform-version 1\n"
                                        "--platform-model One\n")
        (folder / "setup.conf").write_text("create_certs_tool = /usr/bin/swtpm_localca\n"
                                           f"create_certs_tool_config = {folder}/localca.conf\n"
                                           f"create_certs_tool_options = {folder}/options\n")

    def make(self, state):
        """What is in a TPM when it leaves the factory."""
        state.mkdir(exist_ok=True)
        done = subprocess.run(["swtpm_setup", "--tpm2", "--tpmstate", str(state), "--create-ek-cert",
                               "--config", str(self.folder / "setup.conf")], check=False, text=True,
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=patience(60))
        assert done.returncode == 0, done.stdout + done.stderr


class Tpm:
    """swtpm, whose control port has to be the one behind its port."""

    def __init__(self, folder, maker=None):
        folder.mkdir(parents=True)
        if maker is not None:
            maker.make(folder)
        self.port = free_port()
        while answers(self.port + 1):
            self.port = free_port()
        where = "type=tcp,bindaddr=127.0.0.1,port="
        # pylint: disable-next=consider-using-with
        self.process = subprocess.Popen(
            ["swtpm", "socket", "--tpm2", "--tpmstate", f"dir={folder}", "--server",
             f"{where}{self.port}", "--ctrl", f"{where}{self.port + 1}", "--flags",
             "not-need-init,startup-clear"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + patience(20.0)
        while not answers(self.port + 1):
            assert time.monotonic() < deadline and self.process.poll() is None, "no swtpm"
            time.sleep(0.01)

    def environment(self):
        return {"TACIT_TPM_TCTI": f"swtpm:host=127.0.0.1,port={self.port}",
                "TPM2TOOLS_TCTI": f"swtpm:host=127.0.0.1,port={self.port}", "TSS2_LOG": "all+none"}

    def close(self):
        self.process.kill()
        self.process.wait()


class Token:
    """One of SoftHSM's, called dev."""

    def __init__(self, folder):
        (folder / "tokens").mkdir(parents=True)
        self.config, self.pin = folder / "softhsm2.conf", folder / "pin"
        self.config.write_text(f"directories.tokendir = {folder}/tokens\n")
        self.pin.write_text(PIN + "\n")
        self.pin.chmod(0o600)
        subprocess.run(["softhsm2-util", "--init-token", "--free", "--label", "dev", "--so-pin",
                        "87654321", "--pin", PIN], check=True, capture_output=True, timeout=30,
                       env={**os.environ, **self.environment()})

    def environment(self):
        return {"SOFTHSM2_CONF": str(self.config)}

    def uri(self, name):
        return f"pkcs11:token=dev;object={name}?pin-source=file:{self.pin}"
