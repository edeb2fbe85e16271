# SPDX-License-Identifier: Apache-2.0
"""A message that is larger than the device which sends it, over mutual TLS and a bad network."""

import random

import pytest

from support.broker import FOREIGN, TACIT
from support.examples import EXAMPLES, LONG_S, line, output, start  # noqa: F401
from support.lossy import Lossy
from support.secure import House

TOPIC = "devices/probe/telemetry/report"
QUICK = ("--retry-ms", 100, "--timeout-ms", 5000)
REPORT = random.Random(503).randbytes(200000)
pytestmark = pytest.mark.skipif(FOREIGN or not TACIT.exists() or not EXAMPLES.exists(),
                                reason="about tacitd and its library")


@pytest.fixture(scope="module")
def house():
    with House() as one:
        one.add("probe", "device")
        one.add("panel", "controller")
        yield one


@pytest.fixture
def panel(house):
    one = house.connect("panel").open("panel")
    one.subscribe(TOPIC, qos=1)
    yield one
    one.close()


@pytest.fixture
def file(tmp_path):
    (tmp_path / "report").write_bytes(REPORT)
    return tmp_path / "report"


def test_arrives_whole(house, start, panel, file):  # noqa: F811
    report = start("report", "probe", *QUICK, file)
    assert panel.message(timeout=LONG_S).payload == REPORT
    assert output(report) == "from the start\ndelivered\n"


def test_begins_again_when_the_connection_ends(house, start, panel, file):  # noqa: F811
    with Lossy(house.broker.port, [30000, 120000]) as relay:
        report = start("report", "probe", *QUICK, file, port=relay.port)
        assert panel.message(timeout=LONG_S).payload == REPORT
        assert output(report).count("from the start\n") == 3
        assert relay.resets == 2


def test_what_cannot_be_read_any_more_is_given_up(house, start, panel, file):  # noqa: F811
    with Lossy(house.broker.port, [100000]) as relay:
        report = start("report", "probe", *QUICK, file, port=relay.port)
        line(report, "from the start")
        file.write_bytes(b"")
        text, _ = report.communicate(timeout=LONG_S)
        assert report.returncode == 1 and "not delivered" in text
