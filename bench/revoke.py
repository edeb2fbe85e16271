# SPDX-License-Identifier: Apache-2.0
"""Promise I4 under load: every device of a house is revoked, one `tacit revoke` after the other,
while a panel publishes to all of them; tacitd with two shards, mutual TLS, a key and a will each.

  sessions       that were revoked while they were connected
  close_ms_p50   from the start of the tool until the device's socket was closed
  close_ms_p99
  wills_sent     by the log of the broker and by what a subscriber to them got"""
import pathlib
import re
import subprocess
import tempfile
import threading
import time

import subjects
from subjects import build

ROOT = subjects.ROOT
SESSIONS = 1000
SHARDS = 2
WANTED_MS = 1000
CONFIG = """shards = {shards}
listener "mqtts" {{ address = "127.0.0.1" port = {port} }}
role "device" {{ publish = {{ "devices/%{{device}}/state" }} subscribe = {{ "devices/%{{device}}/set" }} }}
role "panel" {{ publish = {{ "devices/+/set" }} subscribe = {{ "devices/+/state" }} }}
log {{ level = info }}
"""


class Peers:
    """The devices, and what becomes of them."""

    def __init__(self, tools, port, state, folder):
        self.process = subprocess.Popen(
            [tools / "bench" / "bench-revoke", "live", str(port), state / "ca" / "root.crt", folder,
             str(SESSIONS)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if self.process.stdout.readline().strip() != "ready":
            raise RuntimeError(f"bench-revoke ended: {self.process.wait()}")
        self.closed, self.wills, self.published = {}, 0, 0
        self.reader = threading.Thread(target=self.read)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            words = line.split()
            if words[0] == "closed":
                self.closed[words[1]] = float(words[2])
            elif words[0] == "will":
                self.wills += 1
            elif words[0] == "published":
                self.published = int(words[1])

    def end(self):
        self.process.stdin.close()
        self.reader.join()
        self.process.wait()


def revoke_all(tools, state):
    """When the tool was started, by device; seconds, monotonic."""
    began = {}
    for number in range(SESSIONS):
        name = f"d{number:04}"
        began[name] = time.monotonic()
        subprocess.run([tools / "tacit", "revoke", name, "--reason", "key-compromise", "--state",
                        state], check=True, stdout=subprocess.DEVNULL)
    return began


def quantile(values, share):
    return values[min(len(values) - 1, int(len(values) * share))] if values else None


def measure(tools, folder):
    state, devices = folder / "state", folder / "devices"
    port = subjects.free_port()
    config = folder / "tacit.conf"
    config.write_text(CONFIG.format(shards=SHARDS, port=port), encoding="utf-8")
    devices.mkdir()
    subprocess.run([tools / "tacit", "ca", "init", "--state", state], check=True,
                   stdout=subprocess.DEVNULL)
    subprocess.run([tools / "bench" / "bench-revoke", "enrol", state, devices, str(SESSIONS)],
                   check=True)
    log = open(folder / "log", "w+", encoding="utf-8")
    with subjects.Server([tools / "tacitd", "--config", config, "--state", state], port, log,
                         folder, core="0,1"):
        peers = Peers(tools, port, state, devices)
        time.sleep(1)
        began = revoke_all(tools, state)
        took_s = time.monotonic() - min(began.values())
        time.sleep(2)
        unclosed = [name for name in began if name not in peers.closed]
        peers.end()
    text = (folder / "log").read_text(encoding="utf-8")
    waits = sorted((peers.closed[name] - began[name]) * 1000 for name in began
                   if name in peers.closed)
    wills = max(peers.wills, len(re.findall(r"had a will", text)))
    return {"sessions": len(waits), "unclosed": len(unclosed),
            "close_ms_p50": round(quantile(waits, 0.5), 1) if waits else None,
            "close_ms_p99": round(quantile(waits, 0.99), 1) if waits else None,
            "close_ms_max": round(waits[-1], 1) if waits else None,
            "wills_sent": wills, "revocations_per_s": round(SESSIONS / took_s, 1),
            "published": peers.published}


def run(rounds=1):
    tools = build("tacitd", "tacit", "bench-revoke")
    with tempfile.TemporaryDirectory(prefix="tacit-bench-") as folder:
        figures = measure(tools, pathlib.Path(folder))
    report = {"name": "revoke", "shards": SHARDS, **figures,
              "wanted_at_most": {"close_ms_p99": WANTED_MS, "wills_sent": 0}}
    report["ok"] = (figures["sessions"] == SESSIONS and figures["wills_sent"] == 0
                    and figures["close_ms_p99"] < WANTED_MS)
    return report
