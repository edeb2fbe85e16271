# SPDX-License-Identifier: Apache-2.0
"""Certificates of a CA that is not ours: assign blocks, hostile names, names of others."""

import pytest

from support import wire
from support.broker import FOREIGN, TACIT
from support.secure import Factory

pytestmark = pytest.mark.skipif(FOREIGN or not TACIT.exists(), reason="about tacitd and tacit")

CONFIG = """
role "device" {{ publish = {{ "%{{device}}/state" }} }}
role "pump" {{
  publish   = {{ "pumps/%{{device}}/state" }}
  subscribe = {{ "pumps/%{{device}}/set" }}
}}
role "guest" {{ subscribe = {{ "news" }} }}
assign "north" {{
  organization = "Pumps Ltd"
  organizational-unit = "north"
  role   = pump
  tenant = acme
}}
assign "pumps" {{
  organization = "Pumps Ltd"
  issuer = "Factory CA"
  role   = pump
}}
listener "mqtts" {{
  port = 8883
  client-ca = "{ca}"
  certificate-role = guest
}}
"""


@pytest.fixture(scope="module")
def factory():
    with Factory() as one:
        one.broker.stop()
        one.write(CONFIG.format(ca=one.build()))
        one.broker.start()
        yield one


@pytest.mark.parametrize("version", [4, 5])
def test_attributes_give_the_role(factory, version):
    refused = 0x87 if version == 5 else 0x80
    factory.make("p1", "/O=Pumps Ltd/OU=south/CN=p1")
    factory.make("other", "/O=Presses Ltd/CN=other")
    pump = factory.come("p1", version).open("p1")
    pump.subscribe("pumps/p1/set", "pumps/other/set", "news", reasons=[0, refused, refused])
    pump.close()
    other = factory.come("other", version).open("other")
    other.subscribe("pumps/other/set", "news", reasons=[refused, 0])
    other.close()


def test_a_tenant_has_topics_of_its_own(factory):
    factory.make("n1", "/O=Pumps Ltd/OU=north/CN=n1")
    inside = factory.come("n1").open("n1")
    inside.subscribe("pumps/n1/set")
    inside.publish("$tenant/acme/pumps/n1/state", b"x", qos=1, reason=(0x87, 0x90))
    inside.expect_nothing()
    inside.close()


HOSTILE = ["+", "#", r"a\/b", "$SYS", "a b", "%{device}", "\N{LATIN SMALL LETTER E WITH ACUTE}"]


@pytest.mark.parametrize("version", [4, 5])
@pytest.mark.parametrize("number", range(len(HOSTILE)))
def test_hostile_names_are_refused(factory, number, version):
    factory.make(f"hostile{number}", f"/O=Pumps Ltd/CN={HOSTILE[number]}")
    one = factory.come(f"hostile{number}", version)
    one.send(wire.connect(version, "x"))
    assert one.expect(wire.CONNACK).reason == (0x87 if version == 5 else 5)
    one.expect_closed()


def test_a_registered_name_is_not_taken_by_a_stranger(factory):
    """Neither at connect, nor when the name is registered while the stranger is there."""
    factory.make("lamp", "/O=Pumps Ltd/CN=lamp")
    early = factory.come("lamp").open("lamp")
    early.subscribe("pumps/lamp/set")
    factory.add("lamp", "device")
    factory.tacit("device", "suspend", "lamp", "--state", factory.state)
    early.expect_refusal(0x98, timeout=1.0)
    factory.tacit("device", "resume", "lamp", "--state", factory.state)
    late = factory.come("lamp")
    late.send(wire.connect(5, "lamp"))
    assert late.expect(wire.CONNACK).reason == 0x87
    late.expect_closed()


def test_a_removed_assignment_ends_the_session(factory):
    factory.make("p9", "/O=Pumps Ltd/CN=p9")
    pump = factory.come("p9").open("p9")
    text = (factory.state / "tacit.conf").read_text()
    factory.write(text.replace('issuer = "Factory CA"', 'issuer = "Factory CA"\n  site = hall'))
    factory.broker.reload()
    pump.expect_refusal(0x98, timeout=1.0)
    factory.write(text)
    factory.broker.reload()
