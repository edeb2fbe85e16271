# SPDX-License-Identifier: Apache-2.0
"""What guesses at passwords cost, and what an honest client notices of them (promise A2).

Two rounds of 10,000 guesses a second, each of another password of one account: from two addresses,
which are locked out one by one, and from 250, which share the budget of all. Meanwhile an honest
client, which came in over TLS by its password, publishes at QoS 1 and waits for the PUBACK.

  tries          guesses that were answered, of the round from two addresses
  reached_hash   of them, those that were hashed, by the broker's own count
  honest_p99_ms  99th percentile of the honest client's round trips, of the worse round
  cpu_percent    of one core, broker's, of the worse round
  rss_mib        most resident memory of the broker"""
import os
import pathlib
import re
import socket
import ssl
import struct
import subprocess
import tempfile
import threading
import time

import subjects
from subjects import build, say

ROOT = subjects.ROOT
CLIENT_CORE = "1"
PER_S, SECONDS = 10000, 5
PASSWORD = "Correct-Horse 7"
WANTED = {"reached_hash": 10, "honest_p99_ms": 50}
CONFIG = """listener "mqtts" {{ address = "127.0.0.1" port = {tls} client-certificates = optional
  passwords = on client-ids = any }}
listener "plain" {{ address = "127.0.0.1" port = {plain} tls = off passwords = scram }}
role "guest" {{ publish = {{ "home/%{{device}}/#" }} }}
log {{ level = info }}
"""
LOOKED_AT = re.compile(r"(\d+) passwords were looked at")


def text(value):
    return struct.pack(">H", len(value)) + value


def packet(first, body):
    return bytes([first, len(body)]) + body


class Honest(threading.Thread):
    """Publishes again and again; the round trips in milliseconds."""

    def __init__(self, port, authority):
        super().__init__()
        context = ssl.create_default_context(cafile=str(authority))
        plain = socket.create_connection(("127.0.0.1", port), 10)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = context.wrap_socket(plain, server_hostname="localhost")
        self.socket.sendall(packet(0x10, text(b"MQTT") + b"\x04\xc2\0\0" + text(b"honest")
                                   + text(b"honest") + text(PASSWORD.encode())))
        if self.socket.recv(4) != b"\x20\x02\0\0":
            raise RuntimeError("the honest client is not let in")
        self.trips, self.is_over = [], False

    def run(self):
        try:  # what it waits for its own processor is not the broker's
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), -10)
        except PermissionError:
            pass
        message = packet(0x32, text(b"home/honest/x") + b"\0\x01" + b"hello")
        while not self.is_over:
            begin = time.monotonic()
            self.socket.sendall(message)
            self.socket.recv(4)
            self.trips.append((time.monotonic() - begin) * 1000)
            time.sleep(0.002)

    def end(self):
        self.is_over = True
        self.join()
        self.socket.close()
        return sorted(self.trips)


def cpu_s(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def peak_mib(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(re.search(r"VmHWM:\s+(\d+)", status).group(1)) / 1024


def add_accounts(folder, config, state):
    for name in ("honest", "victim"):
        subprocess.run([str(folder / "tacit"), "passwd", name, "--role", "guest", "--state",
                        str(state), "--config", str(config)], input=PASSWORD + "\n", text=True,
                       check=True, stdout=subprocess.DEVNULL)


def measure(folder, addresses):
    with tempfile.TemporaryDirectory(prefix="tacit-bench-") as name:
        place = pathlib.Path(name)
        ports = {"tls": subjects.free_port(), "plain": subjects.free_port()}
        config, state = place / "tacit.conf", place / "state"
        config.write_text(CONFIG.format(**ports), encoding="utf-8")
        log = open(place / "log", "w+", encoding="utf-8")
        server = subjects.Server([folder / "tacitd", "--config", config, "--state", state,
                                  "--shards", "1"], ports["tls"], log, name)
        with server:
            pid = server.process.pid
            add_accounts(folder, config, state)
            honest = Honest(ports["tls"], state / "ca" / "root.crt")
            before, began = cpu_s(pid), time.monotonic()
            honest.start()
            done = subprocess.run(["taskset", "-c", CLIENT_CORE, "nice", "-n", "5",
                                   str(folder / "bench" / "bench-guess"), str(ports["plain"]),
                                   "victim", str(addresses), str(PER_S), str(SECONDS * 1000)],
                                  capture_output=True, text=True, check=True, timeout=60)
            cpu = (cpu_s(pid) - before) / (time.monotonic() - began)
            trips = honest.end()
            memory = peak_mib(pid)
        looked_at = int(LOOKED_AT.search((place / "log").read_text(encoding="utf-8")).group(1))
    sent, answered, failed = map(int, done.stdout.split())
    return {"addresses": addresses, "sent": sent, "tries": answered, "failed": failed,
            "reached_hash": looked_at - 1,  # the honest one's
            "honest_round_trips": len(trips),
            "honest_p50_ms": round(trips[len(trips) // 2], 2),
            "honest_p99_ms": round(trips[len(trips) * 99 // 100], 2),
            "honest_max_ms": round(trips[-1], 2), "cpu_percent": round(cpu * 100, 1),
            "rss_mib": round(memory, 1)}


def run(say):
    folder = build("tacitd", "tacit", "bench-guess")
    rounds = [measure(folder, addresses) for addresses in (2, 250)]
    for one in rounds:
        say(f"guess: {one}")
    few, many = rounds
    report = {"name": "guess", "tries": few["tries"], "reached_hash": few["reached_hash"],
              "honest_p99_ms": max(one["honest_p99_ms"] for one in rounds),
              "cpu_percent": max(one["cpu_percent"] for one in rounds),
              "rss_mib": max(one["rss_mib"] for one in rounds),
              "per_s": PER_S, "seconds": SECONDS, "few_addresses": few, "many_addresses": many,
              "wanted_at_most": WANTED}
    report["ok"] = all(report[name] <= most for name, most in WANTED.items())
    return report
