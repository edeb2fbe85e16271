# SPDX-License-Identifier: Apache-2.0
"""The operator's program is run for each alarm, though tacitd itself can start nothing: it has the alarm
on its standard input and nothing else, not for ever, not all at once; and not when anybody may write it."""

import contextlib
import json
import pathlib
import subprocess
import time

import pytest

from support import wire
from support.broker import FOREIGN, TACIT
from support.patience import patience
from support.secure import House

pytestmark = [pytest.mark.one_shard,
              pytest.mark.skipif(FOREIGN or not TACIT.exists(), reason="about tacitd and tacit")]

BAIT = "devices/lamp/state"
CONFIG = """shards = 1
sandbox = on
sense {{ hook = "{hook}" hook-timeout = {timeout} }}
limits {{ hook-queue = 2 }}
role "device" {{ publish = {{ "devices/%{{device}}/#" }} }}
listener "mqtts" {{ port = 8883 client-certificates = required }}
"""
PROGRAM = """#!/bin/sh
text=$(cat)
if test -e {folder}/hang; then echo $$ > {folder}/pid; exec sleep 600; fi
while test -e {folder}/wait; do sleep 0.05; done
printf '%s\\n' "$text" >> {folder}/seen
test -e {folder}/fail && exit 5
exit 0
"""
KILLED = "it was killed, as it takes longer than hook-timeout"


class Hooked(House):
    """A house with bait in it, and a hook."""

    def __init__(self, timeout="60s"):
        super().__init__()
        self.timeout = timeout
        self.hook = self.home / "on-alarm"
        self.hook.write_text(PROGRAM.format(folder=self.home))
        self.hook.chmod(0o755)

    def configure(self):
        (self.state / "tacit.conf").write_text(
            CONFIG.format(hook=self.hook, timeout=self.timeout))

    def __enter__(self):
        super().__enter__()
        self.broker.stop()
        self.configure()
        self.broker.start()
        self.add("lamp", "device")
        with self.changing():
            self.tacit("canary", "add", "bait", "--topic", BAIT, "--state", self.state)
        self.lamp = self.connect("lamp")
        self.lamp.send(wire.connect(5, "lamp", True))
        self.lamp.expect(wire.CONNACK, reason=0)
        return self

    def alarm(self, times=1):
        self.lamp.send(wire.publish(5, BAIT, b"on", 0) * times)

    def seen(self, count):
        """So many that the hook has had, as objects."""
        file, deadline = self.home / "seen", time.monotonic() + patience(20.0)
        while True:
            lines = file.read_text().splitlines() if file.exists() else []
            if len(lines) >= count:
                return [json.loads(line) for line in lines]
            assert time.monotonic() < deadline, f"{lines}\n{self.broker.log()[-3000:]}"
            time.sleep(0.02)

    @contextlib.contextmanager
    def mode(self, word):
        (self.home / word).touch()
        yield
        (self.home / word).unlink()


@pytest.fixture(scope="module")
def house():
    with Hooked() as one:
        yield one


def runner_of(house):
    """The process that starts the hook."""
    children = pathlib.Path(f"/proc/{house.broker.process.pid}/task/{house.broker.process.pid}/children")
    for child in children.read_text().split():
        if pathlib.Path(f"/proc/{child}/comm").read_text() == "hook-runner\n":
            return child
    raise AssertionError("there is no runner")


def test_the_hook_has_the_alarm_on_its_input(house):
    house.alarm()
    event = house.seen(1)[0]
    assert (event["kind"], event["canary"], event["device"]) == ("canary", "bait", "lamp")
    assert event["sentence"].startswith("CANARY bait: somebody publishes to")


def test_a_failure_is_told_once_and_its_end(house):
    with house.mode("fail"):
        before = len(house.seen(0))
        house.alarm(2)
        house.seen(before + 2)
        house.wait("for an alarm of kind canary: it ends with exit code 5", 1, patience(20.0))
    house.alarm()
    house.wait("for an alarm of kind canary: it does its work again", 1, patience(20.0))
    assert len(house.lines("it ends with exit code 5")) == 1


def test_a_flood_is_bounded_and_counted(house):
    """limits.hook-queue: one runs, two wait, the rest is counted for the next one to say."""
    before = len(house.seen(0))
    with house.mode("wait"):
        house.alarm(10)
        house.wait(r"is not run for alarms of kind canary that come faster than it ends", 1,
                   patience(20.0))
    house.seen(before + 3)
    house.alarm()
    events = house.seen(before + 4)[before:]
    assert [event.get("hook_left_out") for event in events] == [None, None, None, "7"]


def test_the_broker_may_start_nothing_itself(house):
    status = pathlib.Path(f"/proc/{house.broker.process.pid}/status").read_text()
    runner = pathlib.Path(f"/proc/{runner_of(house)}/status").read_text()
    if "not confined" not in house.broker.log():
        assert "Seccomp:\t2" in status
    for text in (status, runner):
        assert "NoNewPrivs:\t1" in text
        assert "CapEff:\t0000000000000000" in text


def test_the_runner_ends_with_the_broker():
    with Hooked() as house:
        runner = pathlib.Path(f"/proc/{runner_of(house)}/stat")
        house.lamp.close()
    deadline = time.monotonic() + patience(20.0)
    while runner.exists() and ") Z" not in runner.read_text():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_whoever_hangs_is_killed():
    with Hooked(timeout="1s") as house:
        with house.mode("hang"):
            house.alarm()
            house.wait(KILLED, 1, patience(20.0))
        pid = int((house.home / "pid").read_text())
        assert not pathlib.Path(f"/proc/{pid}").exists()
        house.alarm()
        assert house.seen(1)[0]["canary"] == "bait"
        house.lamp.close()


def refused(house, advice):
    for more in ([], ["--check"]):
        done = subprocess.run(list(map(str, house.broker.command())) + more, capture_output=True,
                              text=True, timeout=patience(20), check=False)
        assert done.returncode == 1
        assert "tacit.conf:3:16: hook = " in done.stderr and advice in done.stderr, done.stderr


def test_what_anybody_may_write_is_refused():
    house = Hooked()
    try:
        house.state.mkdir(mode=0o700)
        house.configure()
        house.hook.chmod(0o757)
        refused(house, "everybody may write it; chmod o-w it")
        house.hook.chmod(0o644)
        refused(house, "it is no program")
        house.hook.unlink()
        refused(house, "No such file")
    finally:
        house.folder.cleanup()
