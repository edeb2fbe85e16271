# SPDX-License-Identifier: Apache-2.0
"""Promise A5: records are forwarded to the journal or to syslog, also those of tools. A receiver that
is slow, full, away or started again holds nobody up, breaks no chain, and misses nothing; what had to
make room before it could be forwarded is counted, in a record and on standard error."""

import json
import re
import time

import pytest

from support.audit import AuditLog
from support.broker import FOREIGN, TACIT, Broker
from support.client import RawClient
from support.patience import patience
from support.receivers import Journal, RealJournal, Syslog
from support.secure import House

pytestmark = pytest.mark.skipif(FOREIGN or not TACIT.exists(), reason="about tacitd and tacit")

OPEN = """
audit {{ forward = {forward}  forward-socket = "{path}" }}
listener "mqtt" {{ address = "127.0.0.1" tls = off anonymous-role = "any" }}
role "any" {{ publish = {{ "a/#" }} subscribe = {{ "a/#" }} }}
"""
HOUSE = """
audit {{ forward = journal  forward-socket = "{path}" }}
role "device" {{ publish = {{ "a/#" }} }}
"""


class Sender:
    """A broker that forwards to a path, and its log."""

    def __init__(self, path, forward="journal", limits=None):
        self.broker = Broker(config=OPEN.format(path=path, forward=forward), limits=limits)
        self.audit, self.knocks = AuditLog(self.broker.state), 0

    def __enter__(self):
        self.broker.start()
        return self

    def __exit__(self, kind, *rest):
        try:
            self.broker.__exit__(kind, *rest)
        finally:
            self.broker.kill()

    def knock(self, count, name="k"):
        """So many connects, each with a publish that is refused; answered as on any day, and in the
        log when this returns."""
        for i in range(count):
            client = RawClient("127.0.0.1", self.broker.port, 5)
            client.open(f"{name}{self.knocks + i}")
            client.publish("b", b"x", 1, reason=(0x87,))
            client.leave()
        self.knocks += count
        self.audit.wait("publish-refused", client=f"{name}{self.knocks - 1}")

    def last(self):
        return self.audit.records()[-1]["seq"]

    def says(self, pattern, seconds=20.0):
        deadline = time.monotonic() + patience(seconds)
        while not re.search(pattern, self.broker.log()):
            assert time.monotonic() < deadline, f"no {pattern!r}:\n{self.broker.log()[-3000:]}"
            time.sleep(0.02)


@pytest.fixture
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("f")


def everything(sender, receiver):
    """All records that are in the log now have come, in order, once each, as they are there."""
    last = sender.last()
    receiver.until(lambda: receiver.records and receiver.records[-1]["seq"] >= last)
    assert receiver.numbers() == list(range(1, receiver.records[-1]["seq"] + 1))
    theirs = {record["seq"]: record for record in receiver.records}
    assert all(theirs[record["seq"]] == record for record in sender.audit.records()
               if record["seq"] in theirs)


def test_the_journal_has_each_record_with_its_fields(folder):
    with Journal(folder / "socket") as journal, Sender(journal.path) as sender:
        sender.knock(3)
        client = RawClient("127.0.0.1", sender.broker.port, 5)
        client.open("k")
        client.publish("b\nTACIT_AUDIT_SEQ=9", b"x", 1, reason=(0x87,))
        sender.audit.wait("publish-refused", 4)
        everything(sender, journal)
        for record, fields in zip(journal.records, map(dict, journal.fields)):
            assert fields["SYSLOG_IDENTIFIER"] == b"tacitd" and fields["PRIORITY"] == b"5"
            assert fields["SYSLOG_FACILITY"] == b"10" and fields["TACIT_AUDIT"] == b"1"
            assert fields["TACIT_AUDIT_SEQ"] == str(record["seq"]).encode()
            assert fields["TACIT_AUDIT_KIND"] == record["kind"].encode()
            own = {name for name in record if name not in ("seq", "time", "kind", "prev", "hash")}
            assert {f"TACIT_{name.upper()}" for name in own} <= set(fields)
        topics = [dict(fields)["TACIT_TOPIC"] for fields in journal.fields
                  if dict(fields)["TACIT_AUDIT_KIND"] == b"publish-refused"]
        assert topics == [b"b", b"b", b"b", b"b\nTACIT_AUDIT_SEQ=9"]


def test_records_of_tools_are_forwarded(folder):
    with Journal(folder / "socket") as journal, House(HOUSE.format(path=journal.path)) as house:
        house.add("lamp", "device")
        audit = AuditLog(house.state)
        assert audit.records("administration", command="tacit device add")
        journal.until(lambda: any(r["kind"] == "administration" for r in journal.records))
        journal.until(lambda: journal.numbers()[-1] >= audit.records()[-1]["seq"])
        assert journal.numbers() == list(range(1, journal.numbers()[-1] + 1))


@pytest.mark.parametrize("kind, stand_in", [("journal", Journal), ("syslog", Syslog)])
def test_a_receiver_that_comes_and_goes_misses_nothing(folder, kind, stand_in):
    receiver = stand_in(folder / "socket")
    with Sender(receiver.path, kind) as sender:
        sender.knock(5, "before")
        sender.says(r"[0-9]+ records of the audit log were not forwarded to \S+/socket since the "
                    r"beginning \(No such file")
        with receiver:
            everything(sender, receiver)
            sender.says(r"the audit log is forwarded to \S+/socket again, up to record [0-9]+")
        sender.knock(5, "between")
        with receiver:
            everything(sender, receiver)
            sender.knock(5, "after")
            everything(sender, receiver)
        assert sender.audit.verify()["whole"]
        assert not sender.audit.records("not-forwarded")


def test_a_receiver_that_takes_nothing_holds_nobody_up(folder):
    with Journal(folder / "socket") as journal, Sender(journal.path) as sender:
        sender.knock(150)
        sender.says(r"were not forwarded to \S+ since \d{4}-\S+Z \(Resource temporarily unavailable\)")
        assert sender.audit.verify()["whole"]
        # Slowly, then all of it.
        for _ in range(20):
            journal.take(1)
        everything(sender, journal)


def test_a_restart_goes_on_where_the_last_ended(folder):
    journal = Journal(folder / "socket")
    with Sender(journal.path) as sender:
        with journal:
            sender.knock(3, "first")
            everything(sender, journal)
        sender.knock(3, "second")
        began = time.monotonic()
        sender.broker.stop()
        assert time.monotonic() < began + patience(3)
        assert re.search(r"records of the audit log were not forwarded to .* they follow",
                         sender.broker.log())
        sender.broker.start()
        with journal:
            everything(sender, journal)
            # Nothing comes twice either, nor after a stop at which all was taken.
            sender.broker.stop()
            sender.broker.start()
            everything(sender, journal)


def test_after_a_crash_nothing_is_missing(folder):
    with Journal(folder / "socket") as journal, Sender(journal.path) as sender:
        sender.knock(10)
        sender.broker.crash()
        last = sender.last()
        journal.until(lambda: journal.records and journal.records[-1]["seq"] >= last)
        assert set(journal.numbers()) == set(range(1, max(journal.numbers()) + 1))


def test_what_made_room_before_is_counted(folder):
    journal = Journal(folder / "socket")
    limits = {"audit-file-bytes": 65536, "audit-files": 2}
    with Sender(journal.path, limits=limits) as sender:
        with journal:
            sender.knock(1)
            everything(sender, journal)
            seen = journal.numbers()[-1]
        # A file has some 200. The one that was being read is read to its end, though it is removed, so
        # the one behind it has to be gone, too.
        while sender.audit.records()[0]["seq"] <= seen + 400:
            sender.knock(20)
        with journal:
            journal.until(lambda: sender.audit.records("not-forwarded"))
            record, last = sender.audit.wait("not-forwarded"), sender.last()
            journal.until(lambda: journal.records[-1]["seq"] >= last)
        there = set(journal.numbers())
        missing = [number for number in range(1, last) if number not in there]
        assert missing == list(range(int(record["first"]), int(record["last"]) + 1))
        assert int(record["count"]) == len(missing) > 0
        assert record["to"] == str(journal.path) and record["since"] < record["until"]
        sender.says(rf"{record['count']} records of the audit log, {record['first']} to "
                    rf"{record['last']}, were not forwarded to")
        assert sender.audit.verify()["whole"]


def test_the_receiver_can_be_changed_while_it_runs(folder):
    with Journal(folder / "one") as one, Sender(one.path) as sender:
        sender.knock(2)
        everything(sender, one)
        with Syslog(folder / "two") as two:
            config = sender.broker.config_file
            config.write_text(config.read_text().replace(str(one.path), str(two.path))
                              .replace("forward = journal", "forward = syslog"))
            sender.broker.reload()
            sender.audit.wait("configuration-read")
            # That record may have been the last one for the old receiver, or the first for the new one.
            while not two.take():
                sender.knock(1, "again")
            one.take()
            assert one.numbers() + two.numbers() == list(range(1, two.numbers()[-1] + 1))


@pytest.mark.skipif(not RealJournal.is_possible(), reason="needs root and systemd-journald")
def test_the_real_journal_takes_each_record(folder):
    journal = RealJournal()
    try:
        if not journal.start():
            pytest.skip("systemd-journald does not come up here")
        with Sender(journal.path) as sender:
            sender.knock(3, "one")
            in_the_journal(sender, journal)
            journal.stop()
            sender.knock(3, "two")
            assert journal.start()
            sender.knock(3, "three")
            in_the_journal(sender, journal)
            found = journal.records("TACIT_AUDIT_KIND=publish-refused", "TACIT_TOPIC=b")
            assert len(found) == 9
            assert all(entry["SYSLOG_FACILITY"] == "10" and entry["SYSLOG_IDENTIFIER"] == "tacitd"
                       and entry["_PID"] == str(sender.broker.process.pid) for entry in found)
    finally:
        journal.remove()


def in_the_journal(sender, journal):
    """Each record that is in the log, by its own line, once."""
    wanted = {record["seq"]: record for record in sender.audit.records()}
    deadline = time.monotonic() + patience(20.0)
    while True:
        found = [json.loads(entry["MESSAGE"]) for entry in journal.records()]
        numbers = sorted(record["seq"] for record in found)
        if numbers and numbers[-1] >= max(wanted):
            break
        assert time.monotonic() < deadline, (numbers, sender.broker.log()[-2000:])
        time.sleep(0.1)
    assert numbers == list(range(1, numbers[-1] + 1))
    assert all(wanted[record["seq"]] == record for record in found if record["seq"] in wanted)
