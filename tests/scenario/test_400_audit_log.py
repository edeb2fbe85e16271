# SPDX-License-Identifier: Apache-2.0
"""Promise A5: each decision about security is a record; the records are chained and signed, and what
is done to them is named. Neither a crash nor a flood leaves a gap that is not a record."""

import contextlib
import itertools
import json
import os
import shutil
import signal
import subprocess
import threading
import time

import pytest

from support import wire
from support.audit import FOUND, AuditLog
from support.broker import FOREIGN, TACIT, Broker
from support.client import Closed, RawClient
from support.patience import patience
from support.ports import free_port
from support.secure import House

pytestmark = pytest.mark.skipif(FOREIGN or not TACIT.exists(), reason="about tacitd and tacit")

CONFIG = """
listener "mqtts" {{ client-certificates = optional passwords = on }}
listener "plain" {{ address = "127.0.0.1" port = {plain} tls = off passwords = scram }}
role "guest" {{ publish = {{ "home/%{{device}}/#" }} }}
role "device" {{
  publish   = {{ "devices/%{{device}}/#" }}
  subscribe = {{ "devices/%{{device}}/set" }}
}}
role "panel" {{
  publish   = {{ "devices/+/set" }}
  subscribe = {{ "devices/+/state" }}
  wildcards {{
    prefix = "devices/"  depth = 2  most-topics = 1000
    expires = never  owner = "test"  reason = "watches all"
  }}
}}
role "admin" {{ publish = {{ "a" }} }}
"""
OPEN = """
listener "mqtt" { address = "127.0.0.1" tls = off anonymous-role = "any" }
role "any" { publish = { "a/#" } subscribe = { "a/#" } }
"""
SECRET, PAYLOAD = "Correct-Horse 7", b"payload-of-nobody-else"


class Home(House):
    def __init__(self, shards):
        self.plain = free_port()
        super().__init__(CONFIG.format(plain=self.plain), shards)
        self.audit = AuditLog(self.state)

    def admin(self, *words, **more):
        return self.tacit(*words, "--state", self.state, **more)

    def enter(self, name, client_id=None, version=5, reason=0, **more):
        client = self.connect(name, version, **more)
        client.open(client_id or name, reason=reason)
        return client


@pytest.fixture(scope="module", params=[1, 3], ids=lambda n: f"shards{n}")
def home(request):
    with Home(request.param) as one:
        yield one


@pytest.fixture
def device(home):
    device.count = getattr(device, "count", 0) + 1
    name = f"lamp-{device.count}"
    home.add(name, "device")
    return name


# ---- each decision is a record -------------------------------------------------------------------


def test_connects_and_refusals_have_records(home, device):
    client = home.enter(device)
    client.subscribe((f"devices/{device}/set", 0))
    client.subscribe(("devices/other/set", 0), reasons=[0x87])
    client.publish("devices/other/state", PAYLOAD, 1, reason=(0x87,))
    record = home.audit.wait("connected", device=device)
    assert record["role"] == "device" and record["transport"] == "tls"
    assert record["address"].startswith("127.0.0.1:") and record["listener"] == "mqtts"
    assert home.audit.wait("subscribe-refused", device=device)["topic"] == "devices/other/set"
    assert home.audit.wait("publish-refused", device=device)["topic"] == "devices/other/state"
    home.enter(device).leave()
    home.audit.wait("taken-over", device=device)
    client.close()
    refused = home.connect(device)
    refused.send(wire.connect(5, "somebody-else", True))
    assert refused.expect(wire.CONNACK).reason >= 0x80
    record = home.audit.wait("refused", certificate=device)
    assert record["reason"] == "0x85" and "client identifier" in record["why"]
    refused.close()


def test_what_is_wrong_before_connect_has_a_record(home):
    plain = RawClient("127.0.0.1", home.broker.port, 5)
    plain.send(b"GET / HTTP/1.0\r\n\r\n")
    plain.expect_closed()
    assert "listener" in home.audit.wait("handshake-failed")
    strange = RawClient("127.0.0.1", home.plain, 5)
    strange.send(b"\xf0\x00")
    strange.expect_closed()
    deadline = time.monotonic() + patience(10)
    while not (home.audit.records("protocol-error")
               or len(home.audit.records("handshake-failed")) > 1):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_the_use_of_a_wildcard_has_a_record(home):
    home.add("panel-1", "panel")
    client = home.enter("panel-1")
    client.subscribe(("devices/+/state", 0))
    record = home.audit.wait("grant-used", device="panel-1")
    assert record["topic"] == "devices/+/state" and record["grant_owner"] == "test"
    client.close()


def test_passwords_have_records_and_are_in_none(home):
    home.admin("passwd", "anna", "--role", "guest", "--config", home.broker.config_file,
               given=SECRET + "\n")
    home.audit.wait("administration", command="tacit passwd", names="anna")

    def log_in(password, port, tls):
        one = RawClient("127.0.0.1", port, 5, tls=tls)
        one.send(wire.connect(5, "anna", username="anna", password=password.encode()))
        answer = one.expect(wire.CONNACK)
        one.close()
        return answer.reason

    deadline = time.monotonic() + patience(5)
    while log_in(SECRET, home.broker.port, home.context()) != 0:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    home.audit.wait("connected", client="anna")
    assert log_in("Wrong-Horse 8", home.broker.port, home.context()) == 0x86
    assert home.audit.wait("password-wrong", account="anna")["address"] == "127.0.0.1"
    home.audit.wait("refused", reason="0x86")
    assert log_in(SECRET, home.plain, None) != 0
    assert home.audit.wait("password-burnt")["account"] == "anna"
    for secret in (SECRET.encode(), b"Wrong-Horse", PAYLOAD):
        assert secret not in home.audit.text()


def test_a_clone_has_records(home, device):
    first = home.connect(device, source="127.0.0.1")
    first.open(device)
    answering = threading.Event()

    def answer():
        while not answering.is_set():
            try:
                packet = first.receive(0.05)
                if packet.kind == wire.PUBREL:
                    first.send(wire.ack(5, wire.PUBCOMP, packet.packet_id, 0x92))
            except TimeoutError:
                continue
            except (Closed, OSError, ValueError):
                return

    thread = threading.Thread(target=answer)
    thread.start()
    second = home.connect(device, source="127.0.0.2")
    second.send(wire.connect(5, device, True))
    second.expect(wire.CONNACK)
    assert home.audit.wait("clone", device=device)["address"].startswith("127.0.0.2:")
    answering.set()
    thread.join()
    third = home.connect(device, source="127.0.0.3")
    third.send(wire.connect(5, device, True))
    home.audit.wait("held", device=device)
    for one in (first, second, third):
        one.close()
    home.admin("device", "release", device)
    home.audit.wait("administration", command="tacit device release", names=device)


def test_administration_has_records(home):
    home.add("lamp-x", "device")
    with home.changing():
        home.admin("grant", "add", "--device", "lamp-x", "--publish", "more/x", "--expires", "1d",
                   "--owner", "me", "--reason", "a test")
    record = home.audit.wait("administration", command="tacit grant add", device="lamp-x")
    assert record["publish"] == "more/x" and record["reason"] == "a test"
    assert record["uid"] == str(os.getuid())
    home.audit.wait("policy-changed")
    record = home.audit.wait("administration", command="tacit device add", names="lamp-x")
    assert record["role"] == "device"
    home.admin("revoke", "lamp-x", "--reason", "key-compromise")
    assert home.audit.wait("administration", command="tacit revoke")["reason"] == "key-compromise"
    before = len(home.audit.records("administration"))
    home.admin("device", "show", "lamp-x")
    home.admin("device", "set", "nobody", "--role", "device", code=None)
    assert len(home.audit.records("administration")) == before


def test_a_reload_has_records(home):
    before = home.audit.wait("started")["digest"]
    good = home.broker.config
    home.broker.config = good + 'role "new" { publish = { "new" } }\n'
    home.broker.command()
    home.broker.reload()
    record = home.audit.wait("configuration-read")
    assert record["digest_before"] == before and record["digest"] != before
    home.broker.config = good + "nonsense\n"
    home.broker.command()
    home.broker.reload()
    assert home.audit.wait("configuration-refused")["digest"] == record["digest"]
    home.broker.config = good
    home.broker.command()
    home.broker.reload()
    assert home.audit.wait("configuration-read", 2)["digest"] == before


def test_enrolment_has_records(home, tmp_path):
    config, port = home.broker.config, free_port()
    home.broker.config = config + f'enrolment {{ address = "127.0.0.1" port = {port} }}\n'
    home.broker.restart()
    made = json.loads(home.admin("device", "add", "sensor-1", "--role", "device", "--token-only",
                                 "--json", "--config", home.broker.config_file).stdout)
    words = made["command"].split()
    assert words[:2] == ["tacit", "enroll"]
    home.tacit(*words[1:])
    home.audit.wait("enrolled", device="sensor-1")
    again = subprocess.run([str(TACIT), *words[1:]], capture_output=True, timeout=patience(20),
                           env={**home.environment, "HOME": str(tmp_path),
                                "XDG_CONFIG_HOME": str(tmp_path)}, check=False)
    assert again.returncode != 0
    home.audit.wait("enrolment-refused", device="sensor-1")
    assert made["token"].encode() not in home.audit.text()
    home.broker.config = config
    home.broker.restart()


def test_start_and_stop_have_records(home):
    count = len(home.audit.records("started"))
    home.broker.stop()
    assert home.audit.records()[-2]["kind"] == "stopped"
    assert home.audit.records()[-1]["kind"] == "checkpoint"
    home.broker.start()
    home.audit.wait("started", count + 1)


def test_all_of_it_is_whole(home):
    said = home.audit.verify()
    assert said["whole"] and said["first"] == 1
    numbers = [record["seq"] for record in home.audit.records()]
    assert numbers == list(range(1, len(numbers) + 1))


# ---- crashes, floods, rotation -------------------------------------------------------------------


@pytest.fixture
def plain():
    """plain(limits, audit): a broker that anybody may use."""
    brokers = []

    def new(audit="", **limits):
        broker = Broker(config=OPEN + audit,
                        limits={name.replace("_", "-"): value for name, value in limits.items()})
        brokers.append(broker)
        broker.start()
        broker.audit = AuditLog(broker.state)
        return broker

    yield new
    for one in brokers:
        one.kill()
        one.folder.cleanup()


def says(broker, text):
    deadline = time.monotonic() + patience(10)
    while text not in broker.log():
        assert time.monotonic() < deadline, broker.log()[-2000:]
        time.sleep(0.02)


def knock(broker, count, prefix="k"):
    """Clients that come, try what they may not, and are gone."""
    for i in range(count):
        client = RawClient(broker.host, broker.port, 5)
        client.open(f"{prefix}{i}")
        client.publish("b/x", b"1", 1, reason=(0x87,))
        client.close()


@pytest.mark.parametrize("after", [1, 7, 40])
def test_a_crash_leaves_a_whole_log(plain, after):
    broker = plain(audit_checkpoint_records=10)
    ends = threading.Event()

    def burst(name):
        for i in itertools.count():
            if ends.is_set():
                return
            try:
                knock(broker, 1, f"{name}-{i}-")
            except (Closed, OSError, TimeoutError, AssertionError):
                return

    threads = [threading.Thread(target=burst, args=(name,)) for name in "abc"]
    for thread in threads:
        thread.start()
    broker.audit.wait("publish-refused", after)
    broker.kill()
    ends.set()
    for thread in threads:
        thread.join()
    before = broker.audit.verify()
    assert before["last"] > after
    broker.start()
    broker.audit.wait("started", 2)
    said = broker.audit.verify("--checkpoint", before["checkpoint"])
    assert said["whole"] and said["last"] > before["last"]
    broker.stop()


def test_a_flood_is_counted_in_the_chain(plain):
    broker = plain(audit_per_s=100)
    for i in range(120):
        client = RawClient(broker.host, broker.port, 5)
        client.send(b"\xf0\x00")
        client.expect_closed()
    kind = broker.audit.wait("left-out")["of"]
    deadline = time.monotonic() + patience(10)
    while True:
        counted = sum(int(r["count"]) for r in broker.audit.records("left-out", of=kind))
        if counted + len(broker.audit.records(kind)) == 120:
            break
        assert time.monotonic() < deadline, (counted, len(broker.audit.records(kind)))
        time.sleep(0.05)
    assert broker.audit.verify()["whole"]
    broker.stop()


def test_what_is_quiet_is_signed_after_its_time(plain):
    broker = plain(audit_checkpoint_s=1)
    knock(broker, 1)
    broker.audit.wait("publish-refused")
    deadline = time.monotonic() + patience(10)
    while broker.audit.records()[-1]["kind"] != "checkpoint":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    said = broker.audit.verify()
    assert said["signed"] == said["last"]
    broker.stop()


def test_rotation_keeps_the_chain(plain):
    broker = plain(audit_file_bytes=65536, audit_files=3)
    while True:
        knock(broker, 50)
        if broker.audit.files()[-1].name > "audit-0000000000000004.log":
            break
    broker.stop()
    said = broker.audit.verify()
    assert said["whole"] and said["files"] == 3 and said["first"] > 1
    broker.audit.files()[0].unlink()
    said = broker.audit.verify(code=FOUND)
    assert "at the front" in said["troubles"][0]["text"]


def test_the_tools_read_beside_a_broker_that_rotates(plain):
    """Files go while they are looked at: none of the tools takes that for damage, or for an end."""
    broker = plain(audit_file_bytes=65536, audit_files=2, audit_per_s=1000000)
    broker.audit.wait("started")
    ends = threading.Event()

    def burst(name):
        for i in itertools.count():
            if ends.is_set():
                return
            knock(broker, 1, f"{name}-{i}-" + "x" * 200)

    threads = [threading.Thread(target=burst, args=(name,)) for name in "ab"]
    follower = subprocess.Popen(broker.audit.command("follow", "--json"), stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True)
    seen = []
    reading = threading.Thread(target=lambda: seen.extend(follower.stdout))
    for thread in [*threads, reading]:
        thread.start()
    deadline = time.monotonic() + patience(60)
    try:
        while broker.audit.files()[-1].name < "audit-0000000000000018.log" or len(seen) < 50:
            assert time.monotonic() < deadline
            assert broker.audit.verify()["whole"]
            broker.audit.show()
        assert follower.poll() is None
    finally:
        ends.set()
        for thread in threads:
            thread.join()
        follower.terminate()
        reading.join()
    assert follower.wait() == 0 and follower.stderr.read() == ""
    numbers = [json.loads(line)["seq"] for line in seen]
    assert numbers == sorted(set(numbers))
    broker.stop()


def test_tools_and_tacitd_write_together(home, device):
    ends = threading.Event()
    before = len(home.audit.records("administration"))

    def burst():
        while not ends.is_set():
            home.enter(device).close()

    thread = threading.Thread(target=burst)
    thread.start()
    try:
        for i in range(20):
            home.admin("device", "set", device, "--site", f"s{i}")
    finally:
        ends.set()
        thread.join()
    assert len(home.audit.records("administration")) == before + 20
    assert home.audit.verify()["whole"]


# ---- what is done to it is named -----------------------------------------------------------------


@pytest.fixture
def stopped(plain):
    broker = plain(audit_checkpoint_records=10)
    knock(broker, 20)
    broker.stop()
    return broker.audit


def lines(audit):
    return audit.files()[0].read_bytes().splitlines(keepends=True)


def put(audit, what):
    audit.files()[0].write_bytes(b"".join(what))


@pytest.mark.parametrize("at", [0, 1, 11, 12, 30, -2, -1])
def test_each_change_is_named_with_its_place(stopped, at):
    good = lines(stopped)
    at %= len(good)
    place = good[at].index(b'"kind":"') + 9
    bad = good[at][:place] + bytes([good[at][place] ^ 1]) + good[at][place + 1:]
    put(stopped, [*good[:at], bad, *good[at + 1:]])
    said = stopped.verify(code=FOUND)
    assert [(t["what"], t["line"], t["sequence"]) for t in said["troubles"]] == [
        ("changed", at + 1, at + 1)]
    assert said["troubles"][0]["file"] == stopped.files()[0].name
    if at + 1 < len(good):
        put(stopped, good[:at] + good[at + 1:])
        assert stopped.verify(code=FOUND)["wrong"] > 0
        put(stopped, [*good[:at], good[at + 1], good[at], *good[at + 2:]])
        assert "moved" in [t["what"] for t in stopped.verify(code=FOUND)["troubles"]]
    put(stopped, [*good[:at + 1], *good[at:]])
    assert stopped.verify(code=FOUND)["wrong"] > 0
    put(stopped, good[:at])
    said = stopped.verify(code=FOUND)
    assert said["troubles"][-1]["what"] == "missing" and said["troubles"][-1]["sequence"] == at + 1
    put(stopped, [*good[:at], good[at][:-5]])
    assert stopped.verify(code=FOUND)["troubles"][-1]["sequence"] == at + 1
    put(stopped, good)
    assert stopped.verify()["whole"]


def test_the_end_is_missed_also_after_another_start(plain):
    broker = plain()
    knock(broker, 5)
    broker.stop()
    put(broker.audit, lines(broker.audit)[:-4])
    broker.start()
    broker.audit.wait("log", 2)
    broker.stop()
    said = broker.audit.verify(code=FOUND)
    assert {"restarted", "missing"} <= {t["what"] for t in said["troubles"]}
    assert "NOT WHOLE" in broker.log()


def test_the_head_is_missed(stopped):
    (stopped.folder / "head").unlink()
    assert stopped.verify(code=FOUND)["troubles"][0]["what"] == "head"


def test_an_old_copy_passes_only_where_nothing_newer_was_noted(plain, tmp_path):
    broker = plain()
    knock(broker, 3)
    broker.stop()
    shutil.copytree(broker.state, tmp_path / "old")
    old = AuditLog(tmp_path / "old")
    broker.start()
    knock(broker, 3)
    broker.stop()
    noted = broker.audit.verify()["checkpoint"]
    assert old.verify()["whole"]
    assert old.verify("--checkpoint", noted, code=FOUND)["troubles"][0]["what"] == "missing"
    note = tmp_path / "note"
    for text in (noted, (broker.audit.folder / "head").read_text()):
        note.write_text(text)
        assert old.verify("--since", note, code=FOUND)["troubles"][0]["what"] == "missing"
        assert broker.audit.verify("--since", note)["whole"]
    shutil.copy(old.folder / "key.pub", tmp_path / "kept.pub")
    assert broker.audit.verify("--public-key", tmp_path / "kept.pub")["whole"]


def test_a_log_of_another_key_is_named(stopped, tmp_path):
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", tmp_path / "k"],
                   check=True, capture_output=True)
    subprocess.run(["openssl", "pkey", "-in", tmp_path / "k", "-pubout", "-out", tmp_path / "p"],
                   check=True, capture_output=True)
    said = stopped.verify("--public-key", tmp_path / "p", code=FOUND)
    assert "foreign" in {t["what"] for t in said["troubles"]}


def test_the_documented_way_verifies_without_tacit(stopped, tmp_path):
    """docs/audit-log.md: sha256sum and openssl are enough."""
    script = r"""
    line=$(sed -n 5p "$1"); printf '%s' "${line%,\"hash\":*}" | sha256sum | cut -d' ' -f1
    """
    said = subprocess.run(["bash", "-c", script, "-", stopped.files()[0]], check=True, text=True,
                          capture_output=True).stdout.strip()
    assert said == json.loads(lines(stopped)[4])["hash"]
    first = json.loads(lines(stopped)[0])
    sign = next(json.loads(line) for line in lines(stopped) if b'"checkpoint"' in line)
    text = (f"tacit audit checkpoint 1\n{first['log']}\n{sign['seq'] - 1}\n{sign['prev']}\n"
            f"{sign['time']}\n")
    (tmp_path / "text").write_text(text)
    (tmp_path / "signature").write_bytes(bytes.fromhex(sign["signature"]))
    subprocess.run(["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", stopped.folder / "key.pub",
                    "-rawin", "-in", tmp_path / "text", "-sigfile", tmp_path / "signature"],
                   check=True, capture_output=True)


# ---- the tool ------------------------------------------------------------------------------------


def test_show_takes_out_what_is_asked_for(stopped):
    everything = stopped.show()
    assert len(everything) == stopped.verify()["records"]
    assert {r["kind"] for r in stopped.show("--kind", "publish-refused")} == {"publish-refused"}
    day = everything[0]["time"][:10]
    assert stopped.show("--since", day, "--until", everything[-1]["time"][:10]) == everything
    assert stopped.show("--until", "2020") == []
    assert stopped.show("--since", everything[5]["time"]) == [
        r for r in everything if r["time"] >= everything[5]["time"]]
    assert stopped.show("--device", "nobody") == []
    stopped.tool("show", "--since", "yesterday", code=2)
    assert "publish-refused" in stopped.tool("show")


def test_follow_goes_from_file_to_file_and_stops(plain):
    broker = plain(audit_file_bytes=65536, audit_files=4)
    knock(broker, 3)
    broker.audit.wait("publish-refused", 3)
    follower = subprocess.Popen(broker.audit.command("follow", "--json"), stdout=subprocess.PIPE,
                                text=True)
    try:
        first = json.loads(follower.stdout.readline())
        seen = [first["seq"]]
        knock(broker, 130)
        broker.audit.wait("file")
        knock(broker, 1, "last")
        for line in follower.stdout:
            record = json.loads(line)
            seen.append(record["seq"])
            if record["kind"] == "publish-refused" and record["client"] == "last0":
                break
        assert seen == list(range(seen[0], seen[0] + len(seen)))
        follower.send_signal(signal.SIGINT)
        assert follower.wait(patience(10)) == 0
    finally:
        follower.kill()
        follower.wait()
        follower.stdout.close()
    broker.stop()


def test_the_key_is_the_one_of_the_log(stopped):
    said = json.loads(stopped.tool("key", "--json"))
    assert said["sha256"] == stopped.records("log")[0]["key"]
    assert said["pem"] == (stopped.folder / "key.pub").read_text() == stopped.tool("key")


def test_without_a_log_there_is_nothing_to_verify(tmp_path):
    AuditLog(tmp_path).tool("verify", code=1)


# ---- the configuration ---------------------------------------------------------------------------


def test_it_can_be_off(plain):
    broker = plain("audit { log = off }\n")
    knock(broker, 1)
    broker.stop()
    assert not broker.audit.folder.exists()


def in_the_way(audit=""):
    """A broker whose audit log has no place."""
    broker = Broker(config=OPEN + audit)
    broker.state.mkdir(mode=0o700)
    (broker.state / "audit").write_text("in the way")
    broker.audit = AuditLog(broker.state)
    return broker


def test_where_it_is_required_there_is_no_start_without():
    broker = in_the_way("audit { log = required }\n")
    try:
        broker.command()
        done = subprocess.run(broker.command(), capture_output=True, text=True,
                              timeout=patience(20), check=False)
        assert done.returncode == 1 and "no audit log, no start" in done.stderr
    finally:
        broker.folder.cleanup()


def test_else_it_serves_and_goes_on_trying():
    """What is in the way of its folder takes a restart: tacitd makes none in the state folder while
    it runs. What is in the way in it does not."""
    broker = Broker(config=OPEN)
    (broker.state / "audit/lock").mkdir(parents=True)
    broker.state.chmod(0o700)
    broker.audit = AuditLog(broker.state)
    with broker:
        knock(broker, 2)
        assert "the audit log cannot be written" in broker.log()
        (broker.state / "audit/lock").rmdir()
        broker.audit.wait("publish-refused", 2)
        says(broker, "the audit log is written again")
        assert broker.audit.verify()["whole"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small file system")
def test_a_full_disk_is_counted_and_gone_on_from():
    broker = Broker(config=OPEN, limits={"audit-queue-bytes": 65536})
    broker.audit = AuditLog(broker.state)
    broker.audit.folder.mkdir(parents=True, mode=0o700)
    broker.state.chmod(0o700)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m,mode=700", "tmpfs",
                              str(broker.audit.folder)], capture_output=True, check=False)
    if mounted.returncode != 0:
        broker.folder.cleanup()
        pytest.skip("nothing can be mounted here")
    try:
        broker.start()
        broker.audit.wait("started")
        ballast = broker.audit.folder / "ballast"
        with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while file.write(bytes(4096)) == 4096:
                pass
        knock(broker, 300)
        says(broker, "the audit log cannot be written")
        ballast.unlink()
        broker.audit.wait("left-out")
        knock(broker, 1, "after")
        broker.audit.wait("connected", client="after0")
        counted = sum(int(r["count"]) for r in broker.audit.records("left-out"))
        assert counted + len(broker.audit.records("connected")) + len(
            broker.audit.records("publish-refused")) == 602
        assert broker.audit.verify()["whole"]
        broker.stop()
    finally:
        broker.kill()
        subprocess.run(["umount", "-l", str(broker.audit.folder)], check=False)
        broker.folder.cleanup()


def test_nobody_else_can_read_it(stopped):
    assert stopped.folder.stat().st_mode & 0o777 == 0o700
    for file in [*stopped.files(), stopped.folder / "head", stopped.state / "audit-key.pem"]:
        assert file.stat().st_mode & 0o777 == 0o600
