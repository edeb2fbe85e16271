# SPDX-License-Identifier: Apache-2.0
"""What must not alarm, at a live broker: things that happen to honest devices. One group event is
allowed, since there is one cause; nobody may be put into quarantine. All of it goes fast."""
import time

from live_trial import is_done
from support import wire

MINUTE = 60
AFTER_S = 3 * MINUTE  # the detector's, in which it is still looked at


def firmware(site):
    """One meter after the other: sixty pieces come down, it starts again, and its reports have grown."""
    control = site.connect("control").open("control")
    for device in site.fleet.of("meter"):
        for _ in range(60):
            control.send(wire.publish(5, f"plant/{device.name}/cmd", b"f" * 4096))
        site.rest(5 * site.fleet.pace)
        site.fleet.leave(device)
        device.swell = 1.1
        site.rest(5 * site.fleet.pace)
    control.close()


def restart(site):
    """The broker starts again, and all come back at once."""
    site.again()


def outage(site):
    """A third of the meters is cut off for a minute, and then delivers what it kept."""
    some = site.fleet.of("meter")[::3]
    for device in some:
        device.is_mute = True
    site.rest(MINUTE * site.fleet.pace)
    for device in some:
        site.fleet.send(device, b"".join(device.message() for _ in range(12)))
        device.is_mute = False


def newcomer(site):
    """A device of a role that is known, which nobody has seen."""
    device = site.add(f"meter-new-{time.monotonic_ns()}", "meter")
    site.fleet.try_enter(device)
    site.fleet.schedule(device)


def dashboard(site):
    """A panel is opened again, and asks for everything, as panels do."""
    for device in site.fleet.of("panel"):
        site.fleet.leave(device, says_goodbye=True)
        site.rest(5 * site.fleet.pace)


def alarm(site):
    """A real one: a sensor reports ten times as often for half a minute."""
    device = site.fleet.of("sensor")[0]
    device.tempo = 0.1
    site.rest(30 * site.fleet.pace)
    device.tempo = 1.0


def shift(site):
    """From now on the buttons of the other shift are pressed, half as often again."""
    for device in site.fleet.of("button"):
        device.tempo = 1 / 1.5


def clock(site):
    """Clocks are corrected, one after another: the next report comes up to half an interval late."""
    for device in site.fleet.of("meter"):
        device.is_mute = True
        site.rest(device.habit.interval_s / 2 * device.random.random() * site.fleet.pace)
        device.is_mute = False


EVENTS = {one.__name__: one for one in
          (firmware, restart, outage, newcomer, dashboard, alarm, shift, clock)}


def run(site, name):
    """The row of one: what was told while it happened and after it."""
    site.again()
    site.fleet.late_s = 0.0
    begin = len(site.records.all)
    EVENTS[name](site)
    site.rest(AFTER_S * site.fleet.pace)
    seen = site.records.all[begin:]
    told = [one for one in seen if one["kind"] in ("sense", "sense-source")]
    groups = [one for one in told if one["of"] == "group"]
    done = [one for one in seen if is_done(one)]
    row = {"event": name, "device_alarms": len(told) - len(groups), "group_events": min(1, len(groups)),
           "group_records": len(groups), "late_s": round(site.fleet.late_s / site.fleet.pace, 3),
           "throttled": sum(1 for one in done if one["action"] == "throttle"),
           "quarantined": sum(1 for one in done if one["action"] == "quarantine"),
           "texts": [f"{one.get('device', one.get('address', 'many'))}: "
                     f"{one.get('reason_1', one.get('feature'))}" for one in told][:5]}
    for device in site.fleet.devices.values():
        device.tempo = device.swell = 1.0
    return row | {"ok": row["quarantined"] == 0 and row["device_alarms"] == 0}
