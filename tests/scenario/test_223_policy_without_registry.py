# SPDX-License-Identifier: Apache-2.0
"""Where nothing of the state folder is needed there is no registry: a wildcard grant that lasts
a while ends all the same, and no reload prolongs it."""

import time

import pytest

from support.broker import FOREIGN, Broker
from support.client import RawClient

pytestmark = pytest.mark.skipif(FOREIGN, reason="about tacitd")
LASTS_S = 2

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
    with Broker(config=CONFIG % LASTS_S) as broker:
        began = time.monotonic()
        client = RawClient(broker.host, broker.port, version).open("guest")
        client.subscribe("news/+", qos=1)
        client.publish("news/a", b"in time", qos=1)
        client.message(payload=b"in time")
        broker.reload()
        while "loses its subscription" not in broker.log():
            assert time.monotonic() < began + LASTS_S + 2, broker.log()[-2000:]
            time.sleep(0.02)
        client.publish("news/a", b"too late", qos=1)
        client.expect_nothing()
        client.subscribe("news/+", reasons=[0xA2 if version == 5 else 0x80])
        broker.reload()
        client.subscribe("news/+", reasons=[0xA2 if version == 5 else 0x80])
        client.close()
