# SPDX-License-Identifier: Apache-2.0
"""The policies of docs/examples in a broker, with the devices that their comments name: who hears
whom, what is refused and with which reason."""

import contextlib
import re
import sqlite3
import subprocess
import time

import pytest

from support import wire
from support.broker import FOREIGN, ROOT, TACIT, free_port
from support.client import RawClient
from support.secure import House

pytestmark = pytest.mark.skipif(FOREIGN or not TACIT.exists(), reason="about tacitd and tacit")
BOTH = pytest.mark.parametrize("version", [4, 5])
ON_SHARDS = {"scope": "module", "params": [1, 2], "ids": lambda n: f"shards{n}"}
NOT_AUTHORIZED, NO_WILDCARDS, NO_SHARES, QUOTA = 0x87, 0xA2, 0x9E, 0x97
NO_RETAIN, CLIENT_ID, BEFORE_5 = 0x9A, 0x85, 0x80
WITHIN_S = 1.0


def example(name):
    return (ROOT / f"docs/examples/{name}.conf").read_text()


class Example(House):
    """A house that runs an example as it stands there, but for the port of its first listener."""

    def __init__(self, config, shards):
        super().__init__(config=config, shards=shards)

    def add_placed(self, name, role, **place):
        """place: site=..., tenant=..."""
        words = [word for key, value in place.items() for word in (f"--{key}", value)]
        self.tacit("device", "add", name, "--role", role, *words, "--state", self.state,
                   "--host", "localhost", "--port", self.broker.port)

    def wait(self, pattern, seconds, count=1):
        deadline = time.monotonic() + seconds
        while len(re.findall(pattern, self.broker.log())) < count:
            assert time.monotonic() < deadline, f"no {pattern!r}:\n{self.broker.log()[-3000:]}"
            time.sleep(0.01)

    def reload(self, text):
        """`text` is what is in force when this returns."""
        force = r"policy in force on shard"
        before = len(re.findall(force, self.broker.log()))
        self.broker.config_file.write_text(text)
        self.broker.reload()
        self.wait(force, WITHIN_S, before + self.broker.shards)


@pytest.fixture
def join():
    """join(example, "lamp-1"): connected over mutual TLS as itself."""
    opened = []

    def new(at, name, version=5):
        opened.append(at.connect(name, version))
        return opened[-1].open(name)

    yield new
    for one in opened:
        one.close()


def refused(one, reason, *filters):
    """None of these subscriptions is granted, and in 5.0 a sentence says why."""
    for pattern in filters:
        answer = one.subscribe(pattern, reasons=[reason if one.version == 5 else BEFORE_5])
        assert one.version != 5 or answer.get("reason_string"), pattern
    return answer.get("reason_string", "")


def not_sent(one, topic, payload=b"evil", qos=1, **more):
    """The message is refused, with a sentence in 5.0; before there is no word for no."""
    answer = one.publish(topic, payload, qos=qos,
                         reason=NOT_AUTHORIZED if one.version == 5 else 0, **more)
    assert one.version != 5 or answer.get("reason_string"), topic
    return answer.get("reason_string", "")


def send_many(one, topic, count):
    """Reasons of the acknowledgements of QoS 1 messages sent at once."""
    one.send(*(wire.publish(5, topic, b"x", 1, number + 1) for number in range(count)))
    return [one.expect(wire.PUBACK).reason for _ in range(count)]


# -- a home -----------------------------------------------------------------------------------


@pytest.fixture(**ON_SHARDS)
def home(request):
    with Example(example("home"), request.param) as at:
        for name, role, site in [("t1", "sensor", "kitchen"), ("t2", "sensor", "kitchen"),
                                 ("mad", "sensor", "kitchen"), ("lamp-1", "actuator", "kitchen"),
                                 ("door", "actuator", "hall"), ("wall", "display", "kitchen"),
                                 ("mirror", "display", "hall")]:
            at.add_placed(name, role, site=site)
        at.add_placed("hub", "hub")
        at.add_placed("pocket", "phone")
        at.add_placed("purse", "phone")
        yield at


@BOTH
def test_a_sensor_speaks_for_itself(home, join, version):
    sensor, hub = join(home, "t1", version), join(home, "hub", version)
    kitchen, hall = join(home, "wall", version), join(home, "mirror", version)
    hub.subscribe("home/+/+/state", qos=1)
    kitchen.subscribe("home/kitchen/+/state", qos=1)
    hall.subscribe("home/hall/+/state", qos=1)
    for one in (hub, kitchen, hall):
        one.fence()  # what other tests have left behind
    not_sent(sensor, "home/kitchen/t2/state")
    not_sent(sensor, "home/hall/t1/state")
    not_sent(sensor, "home/kitchen/t1/state", b"x" * 1025)
    sensor.publish("home/kitchen/t1/state", b"21", qos=1, retain=True)
    for one in (hub, kitchen):
        one.message(topic="home/kitchen/t1/state", payload=b"21")
    hall.expect_nothing()
    late = join(home, "pocket", version)
    late.subscribe("home/kitchen/t1/state")
    assert late.message(payload=b"21").retain, "who joins later sees the last value"


@BOTH
def test_a_sensor_hears_nothing(home, join, version):
    sensor = join(home, "t1", version)
    refused(sensor, NOT_AUTHORIZED, "home/kitchen/t1/state", "home/kitchen/t1/set")
    refused(sensor, NO_WILDCARDS, "#", "home/kitchen/+/state")


def test_a_stolen_sensor_has_no_other_name(home):
    stolen = home.connect("t1")
    stolen.open("t2", reason=CLIENT_ID)
    stolen.close()


def test_a_mad_sensor_does_not_drown_the_others(home, join):
    mad, other = join(home, "mad"), join(home, "t2")
    reasons = send_many(mad, "home/kitchen/mad/state", 80)
    assert all(reason in (0, 0x10) for reason in reasons[:60]) and QUOTA in reasons[60:], reasons
    other.publish("home/kitchen/t2/state", b"x", qos=1)


@BOTH
def test_an_actuator_is_told_what_nobody_else_hears(home, join, version):
    lamp, hub, *others = (join(home, n, version) for n in ("lamp-1", "hub", "t1", "pocket", "wall"))
    lamp.subscribe("home/kitchen/lamp-1/set", qos=1)
    refused(lamp, NOT_AUTHORIZED, "home/hall/door/set", "home/kitchen/lamp-1/state")
    refused(lamp, NO_WILDCARDS, "home/kitchen/+/set")
    for one in (hub, *others):
        refused(one, NOT_AUTHORIZED, "home/kitchen/lamp-1/set")
    hub.publish("home/kitchen/lamp-1/set", b"on", qos=1)
    lamp.message(payload=b"on")


@BOTH
def test_the_hub_opens_no_door(home, join, version):
    door, hub, phone = (join(home, name, version) for name in ("door", "hub", "pocket"))
    door.subscribe("home/hall/door/set", qos=1)
    refused(hub, NO_WILDCARDS, "#", "home/#")
    not_sent(hub, "home/hall/door/set", b"open by the hub")
    phone.publish("home/hall/door/set", b"open", qos=1)
    door.message(payload=b"open")
    door.expect_nothing()


def test_a_refusal_names_what_is_missing(home, join):
    sensor, hub = join(home, "t1"), join(home, "hub")
    assert not_sent(sensor, "home/kitchen/t2/state") == (
        'role "sensor" needs publish = { "home/kitchen/t2/state" }')
    assert refused(sensor, NOT_AUTHORIZED, "home/kitchen/t1/set") == (
        'role "sensor" needs subscribe = { "home/kitchen/t1/set" }')
    assert refused(hub, NO_WILDCARDS, "home/#").endswith(
        'role "hub" needs wildcards { prefix = "home/" depth = any }')
    assert "deny rule" in not_sent(hub, "home/hall/door/set")


def test_the_use_of_a_wildcard_is_a_line(home, join):
    join(home, "hub").subscribe("home/+/+/state")
    home.wait(r'client "hub" uses a wildcard grant for "home/\+/\+/state" .*prefix = "home/" '
              r'owner = "anna" reason = "automation reacts to every sensor" }, expires \d{4}-\S+, '
              r'\S+broker\.conf:\d+', WITHIN_S)


@BOTH
def test_a_phone_leaves_no_command_behind(home, join, version):
    door = join(home, "door", version)
    phone = home.connect("pocket", version).open("pocket")
    assert version == 4 or phone.connack.get("retain_available") == 0
    phone.send(wire.publish(version, "home/hall/door/set", b"open", 1, 7, retain=True))
    if version == 5:
        phone.expect_refusal(NO_RETAIN)
    phone.close()
    door.subscribe("home/hall/door/set")
    door.expect_nothing()


def test_a_phone_sends_little_and_seldom(home, join):
    door, phone = join(home, "door"), join(home, "purse")
    door.subscribe("home/hall/door/set", qos=1)
    not_sent(phone, "home/hall/door/set", b"x" * 257)
    reasons = send_many(phone, "home/hall/door/set", 12)
    assert reasons == [0] * 10 + [QUOTA] * 2, reasons
    not_sent(phone, "home/hall/door/state")


@BOTH
def test_a_display_sees_its_own_room(home, join, version):
    refused(join(home, "wall", version), NO_WILDCARDS, "home/hall/+/state", "home/+/+/state",
            "home/kitchen/#")
    mirror = join(home, "mirror", version)
    refused(mirror, NO_WILDCARDS, "home/kitchen/+/state")
    refused(mirror, NOT_AUTHORIZED, "home/kitchen/t1/state", "home/hall/door/set")


# -- a factory --------------------------------------------------------------------------------


@pytest.fixture(**ON_SHARDS)
def factory(request):
    with Example(example("factory"), request.param) as at:
        for name, role, site in [("press-7", "machine", "line-3"), ("saw-1", "machine", "line-4"),
                                 ("ctl-3", "line-controller", "line-3"),
                                 ("ctl-4", "line-controller", "line-4")]:
            at.add_placed(name, role, site=site)
        for name, role in [("mes-1", "mes"), ("mes-2", "mes"), ("past", "historian"),
                           ("fitter", "maintenance")]:
            at.add_placed(name, role)
        yield at


@BOTH
def test_a_line_is_a_world_of_its_own(factory, join, version):
    press, own, other = (join(factory, n, version) for n in ("press-7", "ctl-3", "ctl-4"))
    press.subscribe("factory/line-3/press-7/order", qos=1)
    own.subscribe("factory/line-3/+/state", "factory/line-3/+/alarm", qos=1)
    other.subscribe("factory/line-4/+/state", qos=1)
    refused(other, NO_WILDCARDS, "factory/line-3/+/state", "factory/+/+/state")
    refused(other, NOT_AUTHORIZED, "factory/line-3/press-7/state")
    not_sent(press, "factory/line-4/press-7/state")
    not_sent(press, "factory/line-3/saw-1/state")
    press.publish("factory/line-3/press-7/state", b"up", qos=1)
    own.message(topic="factory/line-3/press-7/state", payload=b"up")
    other.expect_nothing()
    not_sent(other, "factory/line-3/press-7/order")
    own.publish("factory/line-3/press-7/order", b"12 pieces", qos=1)
    press.message(payload=b"12 pieces")
    press.expect_nothing()


def test_an_alarm_comes_in_when_reports_do_not(factory, join):
    press, controller = join(factory, "press-7"), join(factory, "ctl-3")
    controller.subscribe("factory/line-3/+/alarm", qos=2)
    reasons = send_many(press, "factory/line-3/press-7/state", 60)
    assert QUOTA in reasons, reasons
    press.publish("factory/line-3/press-7/alarm", b"jam", qos=2)
    assert controller.message(payload=b"jam").qos == 2
    not_sent(press, "factory/line-3/press-7/state", qos=2)
    not_sent(press, "factory/line-3/press-7/alarm", b"x" * 1025, qos=2)


@BOTH
def test_two_instances_share_the_load(factory, join, version):
    press, planners = join(factory, "press-7"), [join(factory, n, version) for n in
                                                 ("mes-1", "mes-2")]
    for one in planners:
        one.subscribe("$share/mes/factory/+/+/state")
        refused(one, NO_WILDCARDS, "factory/#")
        not_sent(one, "factory/line-3/press-7/settings")
    refused(join(factory, "ctl-3", version), NO_SHARES, "$share/mes/factory/line-3/+/state")
    press.subscribe("factory/line-3/press-7/order", qos=1)
    for number in range(8):
        press.publish("factory/line-3/press-7/state", b"%d" % number, qos=1)
    planners[0].publish("factory/line-3/press-7/order", b"go", qos=1)
    press.message(payload=b"go")
    heard = [packet.payload for one in planners for packet in one.fence()]
    assert sorted(heard) == [b"%d" % number for number in range(8)], heard


@BOTH
def test_the_archive_has_all_but_settings(factory, join, version):
    fitter, press = join(factory, "fitter", version), join(factory, "press-7", version)
    press.subscribe("factory/line-3/press-7/settings", qos=1)
    fitter.publish("factory/line-3/press-7/settings", b"speed 3", qos=1, retain=True)
    press.message(payload=b"speed 3")
    past = join(factory, "past", version)
    past.subscribe("factory/#", qos=1)
    assert all(p.payload != b"speed 3" for p in past.fence()), "a retained setting"
    fitter.publish("factory/line-3/press-7/settings", b"speed 4", qos=1)
    join(factory, "mes-1", version).publish("factory/line-3/press-7/order", b"go", qos=1)
    press.publish("factory/line-3/press-7/state", b"up", qos=1)
    heard = sorted(past.message().payload for _ in range(2))
    assert heard == [b"go", b"up"], heard
    past.expect_nothing()
    refused(past, NOT_AUTHORIZED, "factory/line-3/press-7/settings", "factory/+/+/settings")
    not_sent(past, "factory/line-3/press-7/order")
    join(factory, "fitter", version).publish("factory/line-3/press-7/settings", b"", qos=1,
                                             retain=True)


@BOTH
def test_maintenance_sees_all_and_orders_nothing(factory, join, version):
    fitter, press = join(factory, "fitter", version), join(factory, "press-7", version)
    fitter.subscribe("factory/#", qos=1)
    press.publish("factory/line-3/press-7/alarm", b"jam", qos=1)
    fitter.message(payload=b"jam")
    not_sent(fitter, "factory/line-3/press-7/order")
    not_sent(press, "factory/line-3/press-7/settings")
    fitter.publish("factory/line-3/press-7/settings", b"slow", qos=1)
    fitter.message(payload=b"slow")


def test_a_shift_ends(factory, join):
    """Eight hours after it began, in the middle of a session; the next ticket begins anew."""
    text = factory.broker.config_file.read_text()
    fitter, press = join(factory, "fitter"), join(factory, "press-7")
    fitter.subscribe("factory/#", "factory/line-3/press-7/alarm", qos=1)
    began = int(time.time()) - 8 * 3600 + 3
    with contextlib.closing(sqlite3.connect(factory.state / "registry.db", timeout=5)) as file:
        with file:
            file.execute("UPDATE anchor SET first_read = ?", (began,))
    factory.reload(text)
    fitter.subscribe("factory/#", qos=1)
    factory.wait(r'client "fitter" loses its subscription to "factory/#"', 3 + WITHIN_S)
    press.publish("factory/line-3/press-7/state", b"up", qos=1)
    press.publish("factory/line-3/press-7/alarm", b"jam", qos=1)
    fitter.message(topic="factory/line-3/press-7/alarm")
    fitter.expect_nothing()
    refused(fitter, NO_WILDCARDS, "factory/#")
    factory.reload(text.replace("ticket 4711", "ticket 4712"))
    fitter.subscribe("factory/#", qos=1)


class Pumps:
    """The maker of the pumps: an authority of its own, beside the configuration."""

    def __init__(self, folder):
        self.folder = folder
        self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                     "-nodes", "-subj", "/CN=Pumps CA", "-days", 2, "-keyout", folder / "ca.key",
                     "-out", folder / "pumps-ca.pem")

    def openssl(self, *words):
        subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)

    def certify(self, name, unit):
        paths = [self.folder / f"{name}.{kind}" for kind in ("crt", "key", "csr")]
        self.openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                     "-subj", f"/O=Pumps Ltd/OU={unit}/CN={name}", "-keyout", paths[1],
                     "-out", paths[2])
        self.openssl("x509", "-req", "-in", paths[2], "-CA", self.folder / "pumps-ca.pem", "-CAkey",
                     self.folder / "ca.key", "-CAcreateserial", "-days", 1, "-out", paths[0])
        return paths[:2]


def test_pumps_are_machines_of_line_9(factory, join):
    """With the listener that the comment at the end of the example offers."""
    text = factory.broker.config_file.read_text()
    pumps, port = Pumps(factory.broker.config_file.parent), free_port()
    offered = re.search(r"(?ms)^# listener \"pumps\" \{.*?^# \}", text).group()
    offered = re.sub(r"(?m)^# ", "", offered).replace("8884", str(port))
    factory.reload(text + offered + "\n")

    def come(name, unit, reason=0):
        context = factory.context()
        context.load_cert_chain(*pumps.certify(name, unit))
        return RawClient(factory.broker.host, port, tls=context).open(name, reason=reason)

    one = come("p1", "industrial")
    one.subscribe("factory/line-9/p1/order")
    one.publish("factory/line-9/p1/state", b"up", qos=1)
    not_sent(one, "factory/line-3/p1/state")
    one.close()
    come("p2", "garden", reason=NOT_AUTHORIZED).close()
    factory.reload(text)


# -- a product fleet --------------------------------------------------------------------------


@pytest.fixture(**ON_SHARDS)
def products(request):
    with Example(example("fleet"), request.param) as at:
        for name, role, tenant in [("boiler-17", "product", "acme"), ("boiler-18", "product", "zeta"),
                                   ("app-acme", "customer", "acme"),
                                   ("app-zeta", "customer", "zeta")]:
            at.add_placed(name, role, tenant=tenant)
        at.add_placed("cloud", "cloud")
        at.add_placed("helper", "support-acme")
        yield at


@BOTH
def test_a_customer_sees_its_own_devices(products, join, version):
    boiler, acme, zeta = (join(products, n, version) for n in ("boiler-17", "app-acme", "app-zeta"))
    cloud, helper = join(products, "cloud", version), join(products, "helper", version)
    for one in (acme, zeta):
        one.subscribe("devices/+/state", "devices/+/telemetry/#", qos=1)
    cloud.subscribe("$tenant/+/devices/+/state", "$tenant/+/devices/+/telemetry/#", qos=1)
    helper.subscribe("$tenant/acme/devices/#", qos=1)
    boiler.publish("devices/boiler-17/state", b"on", qos=1)
    boiler.publish("devices/boiler-17/telemetry/water", b"60", qos=1)
    for topic in ("devices/boiler-17/state", "devices/boiler-17/telemetry/water"):
        acme.message(topic=topic)
        cloud.message(topic=f"$tenant/acme/{topic}")
        helper.message(topic=f"$tenant/acme/{topic}")
    other = join(products, "boiler-18", version)
    other.publish("devices/boiler-18/state", b"off", qos=1)
    zeta.message(topic="devices/boiler-18/state", payload=b"off")
    cloud.message(topic="$tenant/zeta/devices/boiler-18/state")
    for one in (acme, zeta, helper, cloud):
        one.expect_nothing()


@BOTH
def test_nobody_names_a_topic_of_another_tenant(products, join, version):
    boiler, acme, zeta = (join(products, n, version) for n in ("boiler-17", "app-acme", "app-zeta"))
    boiler.subscribe("devices/boiler-17/command", qos=1)
    refused(zeta, NOT_AUTHORIZED, "$tenant/acme/devices/boiler-17/state",
            "$tenant/acme/devices/+/state", "$tenant/#")
    refused(zeta, NO_WILDCARDS, "#", "+/devices/#")
    not_sent(zeta, "$tenant/acme/devices/boiler-17/command")
    zeta.publish("devices/boiler-17/command", b"in the space of zeta", qos=1)
    not_sent(boiler, "devices/boiler-18/state")
    not_sent(boiler, "$tenant/zeta/devices/boiler-17/state")
    acme.publish("devices/boiler-17/command", b"warmer", qos=1)
    boiler.message(topic="devices/boiler-17/command", payload=b"warmer")
    boiler.expect_nothing()


@BOTH
def test_what_is_retained_stays_with_its_tenant(products, join, version):
    boiler, zeta, acme = (join(products, n, version) for n in ("boiler-17", "app-zeta", "app-acme"))
    boiler.publish("devices/boiler-17/state", b"kept", qos=1, retain=True)
    zeta.subscribe("devices/+/state", "devices/boiler-17/state")
    zeta.expect_nothing()
    acme.subscribe("devices/+/state")
    assert acme.message(payload=b"kept").retain
    boiler.publish("devices/boiler-17/state", b"", qos=1, retain=True)


@BOTH
def test_firmware_comes_from_the_cloud_alone(products, join, version):
    boiler, acme, cloud = (join(products, n, version) for n in ("boiler-17", "app-acme", "cloud"))
    boiler.subscribe("devices/boiler-17/firmware", "devices/boiler-17/command", qos=1)
    not_sent(acme, "devices/boiler-17/firmware")
    not_sent(cloud, "$tenant/acme/devices/boiler-17/command")
    not_sent(cloud, "devices/boiler-17/firmware")
    cloud.publish("$tenant/acme/devices/boiler-17/firmware", b"x" * 60000, qos=1)
    boiler.message(topic="devices/boiler-17/firmware", payload=b"x" * 60000)
    boiler.expect_nothing()
    not_sent(cloud, "$tenant/acme/devices/boiler-17/firmware", b"x" * 65537)
    not_sent(boiler, "devices/boiler-17/state", b"x" * 8193)
    refused(cloud, NO_WILDCARDS, "#")
    refused(cloud, NOT_AUTHORIZED, "$tenant/#", "$tenant/+/devices/+/command")


@BOTH
def test_support_sees_one_customer(products, join, version):
    helper = join(products, "helper", version)
    refused(helper, NO_WILDCARDS, "$tenant/zeta/devices/#", "$tenant/+/devices/#", "#")
    refused(helper, NOT_AUTHORIZED, "$tenant/zeta/devices/boiler-18/state")
    not_sent(helper, "$tenant/acme/devices/boiler-17/command")


def test_a_customer_shares_the_load_of_its_own_devices(products, join):
    boiler, acme, zeta = (join(products, n) for n in ("boiler-17", "app-acme", "app-zeta"))
    for one in (acme, zeta):
        one.subscribe("$share/all/devices/+/state", qos=1)
    boiler.publish("devices/boiler-17/state", b"on", qos=1)
    acme.message(topic="devices/boiler-17/state", payload=b"on")
    zeta.expect_nothing()
