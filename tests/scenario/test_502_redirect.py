# SPDX-License-Identifier: Apache-2.0
"""A device whose server sends it elsewhere goes there, and trusts nobody else for that."""

import re

import pytest

from support.broker import FOREIGN, TACIT
from support.device import Machine, enrol
from support.examples import EXAMPLES, line, output, start  # noqa: F401
from support.secure import House
from support.signpost import Signpost

QUICK = ("--retry-ms", 100, "--timeout-ms", 5000)
pytestmark = pytest.mark.skipif(FOREIGN or not TACIT.exists() or not EXAMPLES.exists(),
                                reason="about tacitd and its library")


@pytest.fixture(scope="module")
def house():
    with House() as one:
        one.add("probe", "device")
        one.add("panel", "controller")
        yield one


def signpost(house, *references):
    folder = house.state / "server"
    return Signpost(folder / "server.crt", folder / "server.key", references)


def test_goes_where_it_is_sent(house, start):  # noqa: F811
    with signpost(house, f"localhost:{house.broker.port}") as post:
        sensor = start("sensor", "probe", *QUICK, 5, 1, port=post.port)
        text = output(sensor)
        assert re.findall(r"^delivered (\d+)$", text, re.M) == list("01234")
        assert len(post.names) == 1


def test_the_name_has_to_be_in_the_certificate(house, start):  # noqa: F811
    """Neither by a full handshake nor by a resumed one, in which no certificate is seen. Then it
    comes back, and is sent to a name that is right."""
    with signpost(house, "localhost:{port}", "127.0.0.77:{port}",
                  f"localhost:{house.broker.port}") as post:
        sensor = start("sensor", "probe", *QUICK, 3, 1, port=post.port)
        line(sensor, "127.0.0.77: the server's certificate is not accepted")
        output(sensor)
        assert post.names == ["127.0.0.1"] * 3
        assert post.resumed[1], "the ticket of the first connection was not used"


def test_the_daily_commands_go_along(house, tmp_path):
    # One that was enrolled has a ratchet, which the signpost knows nothing of.
    machine = Machine(tmp_path)
    enrol(house, machine, "wanderer", "file", role="device")
    with signpost(house, f"localhost:{house.broker.port}") as post:
        said = machine.tacit("pub", "--as", "wanderer", "--port", post.port, "-q", 1, "--retain",
                             "devices/wanderer/state", "here").stderr
        assert "another server" in said
        assert f"going on at localhost port {house.broker.port}" in said
        seen = house.tacit("sub", "--as", "panel", "--port", post.port, "-C", 1,
                           "devices/wanderer/state")
        assert seen.stdout == "here\n"


def test_the_daily_commands_do_not_go_in_circles(house):
    with signpost(house, "localhost:{port}") as post:
        done = house.tacit("pub", "--as", "probe", "--port", post.port, "devices/probe/x", "1",
                           code=3)
        assert done.stderr.count("going on at") == 4 and len(post.names) == 5


def test_the_daily_commands_look_at_the_name(house):
    with signpost(house, "127.0.0.77:{port}") as post:
        done = house.tacit("pub", "--as", "probe", "--port", post.port, "devices/probe/x", "1",
                           code=2)
        assert "127.0.0.77: the server's certificate is not accepted" in done.stderr


def test_ends_going_round_in_circles(house, start):  # noqa: F811
    """Three times in a row, which is what the example allows; then it waits to be told."""
    with signpost(house, "localhost:{port}") as post:
        sensor = start("sensor", "probe", *QUICK, 1, 1, port=post.port)
        for _ in range(4):
            line(sensor, "not connected: refused")
        assert post.names == ["127.0.0.1"] * 4
        assert sensor.poll() is None
