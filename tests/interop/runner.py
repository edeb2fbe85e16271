# SPDX-License-Identifier: Apache-2.0
"""How each foreign client is built and run. All take the arguments described in paho_c.c."""

import os
import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
PROGRAMS = HERE / "clients"
BUILD = HERE.parents[1] / "build/interop"


class Missing(Exception):
    """A client that cannot be had on this machine now, and why."""


def run(command, seconds=300, **more):
    try:
        done = subprocess.run([str(c) for c in command], capture_output=True, text=True,
                              timeout=seconds, **more)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Missing(f"{command[0]}: {error}") from error
    if done.returncode:
        raise Missing(f"{' '.join(map(str, command))}: {(done.stdout + done.stderr)[-2000:]}")
    return done.stdout


def mosquitto():
    if not shutil.which("mosquitto_sub"):
        raise Missing("mosquitto-clients is not installed")

    def command(act, version, host, port, authority, certificate, key, name, topic, qos, count):
        common = ["-V", "mqttv5" if version == "5" else "mqttv311", "-h", host, "-p", port,
                  "--cafile", authority, "--cert", certificate, "--key", key, "-i", name,
                  "-t", topic, "-q", qos]
        if act == "sub":
            return ["stdbuf", "-oL", "mosquitto_sub", *common, "-C", count, "-d", "-F", "%p",
                    "-W", "20"]
        return ["sh", "-c", 'for i in $(seq 0 $(($1 - 1))); do echo $i; done | (shift; exec "$@")',
                "sh", count, "mosquitto_pub", *common, "-l"]
    return command


def paho_python():
    run(["/usr/bin/python3", "-c", "import paho.mqtt.client"])
    return lambda *arguments: ["/usr/bin/python3", str(PROGRAMS / "paho_python.py"), *arguments]


def paho_c():
    BUILD.mkdir(parents=True, exist_ok=True)
    program = BUILD / "paho_c"
    run(["cc", "-std=c17", "-Wall", "-Wextra", "-o", program, PROGRAMS / "paho_c.c",
         "-lpaho-mqtt3cs"])
    return lambda *arguments: [str(program), *arguments]


def mqttjs():
    folder = BUILD / "mqttjs"
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(PROGRAMS / "package.json", folder)
    if not (folder / "node_modules/mqtt").exists():
        run(["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts"], cwd=folder)
    module = folder / "node_modules/mqtt"
    return lambda *arguments: ["env", f"MQTTJS_MODULE={module}", "node",
                               str(PROGRAMS / "mqttjs.js"), *arguments]


CLIENTS = {"mosquitto": mosquitto, "paho-python": paho_python, "paho-c": paho_c,
           "mqtt.js": mqttjs}


class Party:
    """One running foreign client."""

    def __init__(self, command, arguments):
        self.command = command(*map(str, arguments))
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True,
                                        stdin=subprocess.DEVNULL,
                                        env={**os.environ, "LC_ALL": "C.UTF-8"})

    def wait_ready(self):
        for line in self.process.stdout:
            if line.startswith(("ready", "Subscribed")):
                return
        raise AssertionError(f"{self.command}: {self.process.stderr.read()}")

    def finish(self, seconds=30):
        try:
            out, err = self.process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            out, err = self.process.communicate()
            raise AssertionError(f"{self.command} does not end: {out}{err}") from None
        assert self.process.returncode == 0, f"{self.command}: {out}{err}"
        return [line for line in out.splitlines() if line.isdigit()]


def exchange(subscriber, publisher, arguments, count=20):
    """Runs both; `arguments(act)` gives what follows the act. Returns the payloads in order."""
    reader = Party(subscriber, ["sub", *arguments("sub"), count])
    try:
        reader.wait_ready()
        Party(publisher, ["pub", *arguments("pub"), count]).finish()
        return reader.finish()
    finally:
        if reader.process.poll() is None:
            reader.process.kill()
            reader.process.wait()


def note(text):
    print(text, file=sys.stderr, flush=True)
