#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""More strangers' clients, from the package registries: HiveMQ and paho Java, rumqttc, paho Go,
gmqtt, aiomqtt. What cannot be had now is named and skipped. Arguments: names, or none for all."""

import os
import pathlib
import shutil
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import runner  # noqa: E402
from support.secure import House  # noqa: E402

EXTRA, BUILD = HERE / "extra", runner.BUILD
TOPIC = "devices/lamp/set"


def java(main):
    target = BUILD / "java"
    shutil.copytree(EXTRA / "java", target, dirs_exist_ok=True)
    runner.run(["mvn", "-q", "-B", "package"], cwd=target, seconds=600)
    path = f"{target}/target/interop-1.jar:{target}/target/dependency/*"

    def command(act, version, host, port, authority, certificate, key, name, *rest):
        bundle = BUILD / f"{name}.p12"
        runner.run(["openssl", "pkcs12", "-export", "-in", certificate, "-inkey", key, "-out",
                    bundle, "-passout", "pass:interop"])
        return ["java", "-cp", path, f"tacit.{main}", act, version, host, port, authority,
                str(bundle), name, *rest]
    return command


def rust():
    runner.run(["cargo", "build", "--release", "--manifest-path", EXTRA / "rust/Cargo.toml",
                "--target-dir", BUILD / "rust"], seconds=900,
               env={**os.environ, "CARGO_NET_RETRY": "2"})
    return lambda *arguments: [str(BUILD / "rust/release/tacit-interop"), *arguments]


def go():
    target = BUILD / "go"
    shutil.copytree(EXTRA / "go", target, dirs_exist_ok=True)
    environment = {**os.environ, "GOFLAGS": "-mod=mod", "GOTOOLCHAIN": "local"}
    runner.run(["go", "build", "-o", "tacit-interop", "."], cwd=target, seconds=600,
               env=environment)
    return lambda *arguments: [str(target / "tacit-interop"), *arguments]


def python(script):
    target = BUILD / "python"
    if not (target / "bin/pip").exists():
        runner.run([sys.executable, "-m", "venv", target])
    runner.run([target / "bin/pip", "install", "-q", "-r", EXTRA / "python/requirements.txt"])
    return lambda *arguments: [str(target / "bin/python"), str(EXTRA / "python" / script),
                               *arguments]


CLIENTS = {
    "hivemq-java": lambda: java("HiveMq"), "paho-java": lambda: java("Paho"), "rumqttc": rust,
    "paho-go": go, "aiomqtt": lambda: python("aiomqtt_client.py"),
    "gmqtt": lambda: python("gmqtt_client.py"),
}


def try_client(house, name, command):
    """Number of exchanges that went well, and that did not."""
    good = bad = 0
    for version in ("311", "5"):
        for qos in (0, 1, 2):
            def arguments(act, version=version, qos=qos):
                who = "lamp" if act == "sub" else "panel"
                return [version, "localhost", house.broker.port, *house.files(who), who, TOPIC, qos]
            try:
                got = runner.exchange(command, command, arguments)
                problem = "" if got == [str(i) for i in range(20)] else f"got {got}"
            except AssertionError as failure:
                problem = str(failure)[-500:]
            good, bad = good + (not problem), bad + bool(problem)
            runner.note(f"{name} {version} QoS {qos}: {problem or 'ok'}")
    return good, bad


def main():
    passed = failed = skipped = 0
    BUILD.mkdir(parents=True, exist_ok=True)
    with House() as house:
        house.add("lamp", "device")
        house.add("panel", "controller")
        for name in sys.argv[1:] or CLIENTS:
            try:
                command = CLIENTS[name]()
            except runner.Missing as why:
                skipped += 1
                runner.note(f"{name}: NOT TESTED: {why}")
                continue
            good, bad = try_client(house, name, command)
            passed, failed = passed + good, failed + bad
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
