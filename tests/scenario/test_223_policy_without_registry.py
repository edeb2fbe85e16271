# SPDX-License-Identifier: Apache-2.0
"""Where nothing of the state folder is needed there is no registry: a wildcard grant that lasts
a while ends all the same, and no reload prolongs it."""

import math
import time

import pytest

from support.broker import FOREIGN, Broker
from support.client import RawClient
from support.patience import SLOWNESS, WITHIN_S, patience

pytestmark = pytest.mark.skipif(FOREIGN, reason="about tacitd")

CONFIG = """
listener "local" {
  address = "127.0.0.1"
  port = 1883
  tls = off
  client-ids = any
  anonymous-role = "guest"
}
role "guest" {
  publish = { "news/+" }
  subscribe = { "news/#" }
  wildcards { prefix = "news/" depth = 1 most-topics = 10 expires = "%ds"
    owner = "olga" reason = "the fair" }
}
"""


@pytest.mark.parametrize("version", [4, 5])
def test_a_wildcard_grant_ends(version):
    lasts_s = math.ceil(3 * SLOWNESS)
    while not ends_in_time(version, lasts_s):
        lasts_s *= 3
        assert lasts_s < 100 * SLOWNESS, "it takes too long to begin"


def ends_in_time(version, lasts_s):
    """False when the grant had ended before there was anything to see."""
    began = time.monotonic()  # before the broker, and so before the grant
    with Broker(config=CONFIG % lasts_s) as broker:
        client = RawClient(broker.host, broker.port, version).open("guest")
        started = time.monotonic()
        if started > began + lasts_s - 1 - patience(1):  # it counts from a full second
            client.close()
            return False
        client.subscribe("news/+", qos=1)
        client.publish("news/a", b"in time", qos=1)
        client.message(payload=b"in time")
        broker.reload()
        while "loses its subscription" not in broker.log():
            assert time.monotonic() < started + lasts_s + 2 * WITHIN_S, broker.log()[-2000:]
            time.sleep(0.02)
        assert time.monotonic() >= began + lasts_s - 1
        client.publish("news/a", b"too late", qos=1)
        client.expect_nothing()
        client.subscribe("news/+", reasons=[0xA2 if version == 5 else 0x80])
        broker.reload()
        client.subscribe("news/+", reasons=[0xA2 if version == 5 else 0x80])
        client.close()
        return True
