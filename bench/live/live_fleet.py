# SPDX-License-Identifier: Apache-2.0
"""Honest devices of a live broker, each with a certificate and a connection of its own: they report
as their role does, and come back when they are cut off. A replay changes what one of them does.

All times of a role are the detector's seconds, of which a window has five; `pace` is how many seconds
of the wall one of them takes."""
import contextlib
import heapq
import random
import selectors
import ssl
import threading
import time

from support import wire
from support.client import Closed

PING_S = 20.0        # of the wall
BACK_S = 1.0         # the detector's: after that it connects again
KEEP_ALIVE_S = 60
IDLE_S = 0.05


class Habit:
    """What the devices of a role do: an interval between reports with its spread (None: at random,
    as calls come in), how many bytes a report has and how much these vary."""

    def __init__(self, interval_s, spread, size, varies, filters=(), is_busy=True):
        self.interval_s, self.spread, self.size, self.varies = interval_s, spread, size, varies
        self.filters, self.is_busy = filters, is_busy


HABITS = {
    "sensor": Habit(1.0, 0.05, 60, 0, ("plant/{}/cmd",)),
    "meter": Habit(5.0, 0.05, 200, 20, ("plant/{}/cmd",)),
    "button": Habit(20.0, None, 80, 30),
    "panel": Habit(0, 0, 0, 0, ("plant/#",), is_busy=False),
}


class Device:
    """One of the fleet. What a replay may change is public; `extra` are bytes to be sent at once."""

    def __init__(self, name, role, seed):
        self.name, self.role, self.habit = name, role, HABITS[role]
        self.random = random.Random(f"{seed}-{name}")
        self.client, self.ended_s, self.pinged_s, self.sent = None, 0.0, 0.0, 0
        self.drops = 0       # how often its connection was lost
        self.tempo = 1.0     # of its interval
        self.share = 1.0     # of its reports that go out
        self.swell = 1.0     # of its size
        self.offset = 0.0    # added to the value
        self.is_away = False  # it does not come back by itself
        self.is_mute = False  # its line stays and nothing goes out
        self.reads = True
        self.value = 20 + 5 * self.random.random()

    def wait_s(self):
        """Until its next report, the detector's seconds."""
        interval = self.habit.interval_s * self.tempo
        if self.habit.spread is None:
            return self.random.expovariate(1 / interval)
        return interval * (1 + self.habit.spread * self.random.uniform(-1, 1))

    def report(self):
        self.value += self.random.uniform(-0.05, 0.05) + (22 - self.value) * 0.02
        self.sent += 1
        size = self.habit.size + self.random.randint(-self.habit.varies, self.habit.varies)
        text = f'{{"value":{self.value + self.offset:06.2f},"n":{self.sent % 1000:03d}'
        fill = int(size * self.swell) - len(text) - 10
        return f'{text},"pad":"{"x" * max(0, fill)}"}}'.encode()

    def message(self, topic="value", payload=None, retain=False):
        return wire.publish(5, f"plant/{self.name}/{topic}",
                            self.report() if payload is None else payload, retain=retain)


def released(client):
    """Takes the whole packets from what has come; packet identifiers of those that are PUBREL."""
    data, at, found = client.buffer, 0, []
    while at + 2 <= len(data):
        length, head = 0, 1
        while at + head < len(data):
            digit = data[at + head]
            length |= (digit & 0x7F) << 7 * (head - 1)
            head += 1
            if digit < 0x80:
                break
        if at + head + length > len(data) or data[at + head - 1] >= 0x80:
            break
        if data[at] >> 4 == wire.PUBREL:
            found.append(int.from_bytes(data[at + head:at + head + 2], "big"))
        at += head + length
    client.buffer = data[at:]
    return found


class Fleet:
    """Runs them on a thread of its own from start() to stop(). `connect(name)` gives a connection with
    that name's certificate; `lock` is held while one of them is touched."""

    def __init__(self, connect, seed):
        self.connect, self.seed = connect, seed
        self.devices, self.pace, self.lock = {}, 0.05, threading.RLock()
        self.selector = self.thread = None
        self.is_over, self.due = threading.Event(), []
        self.late_s = 0.0  # the most that a report has been, by the wall; who looks sets it back

    def add(self, name, role):
        self.devices[name] = Device(name, role, self.seed)
        return self.devices[name]

    def of(self, role):
        return [one for one in self.devices.values() if one.role == role]

    # -- connections --------------------------------------------------------------------------

    def enter(self, device, clean=True):
        """Connects and subscribes; OSError, Closed or AssertionError when it is not let in. Who is held
        is let in, and gets no answer to what it asks then."""
        client = self.connect(device.name)
        try:
            client.open(device.name, clean=clean, keepalive=KEEP_ALIVE_S)
            filters = [one.format(device.name) for one in device.habit.filters]
            if filters:
                client.send(wire.subscribe(5, 1, *((one, 0) for one in filters)))
        except BaseException:
            client.close()
            raise
        client.socket.setblocking(False)
        with self.lock:
            device.client, device.pinged_s = client, time.monotonic()
            if self.selector is not None:
                self.selector.register(client.socket, selectors.EVENT_READ, device)

    def try_enter(self, device):
        """As enter(); one that is not let in tries again later."""
        try:
            self.enter(device)
        except (OSError, Closed, AssertionError):
            device.ended_s = time.monotonic()

    def leave(self, device, says_goodbye=False):
        with self.lock:
            client, device.client = device.client, None
            device.ended_s = time.monotonic()
            if client is None:
                return
            if says_goodbye:
                self.put(client, wire.disconnect())
            if self.selector is not None:
                with contextlib.suppress(KeyError, ValueError):
                    self.selector.unregister(client.socket)
            client.close()

    def put(self, client, data):
        """All of it, or Closed. Others wait meanwhile, as on one machine they do."""
        client.socket.settimeout(5)
        try:
            client.socket.sendall(data)
        except (OSError, ValueError) as error:
            raise Closed(str(error)) from error
        finally:
            with contextlib.suppress(OSError):
                client.socket.setblocking(False)

    def send(self, device, data):
        """As the device; what it cannot send because it is cut off is lost: False."""
        with self.lock:
            if device.client is None:
                return False
            try:
                self.put(device.client, data)
            except Closed:
                device.drops += 1
                self.leave(device)
                return False
            return True

    def read(self, device):
        """What comes is looked at by nobody, but that a question is answered: is it alive?"""
        client = device.client
        try:
            while data := client.socket.recv(65536):
                client.buffer += data
                for packet_id in released(client):
                    self.send(device, wire.ack(5, wire.PUBCOMP, packet_id, 0x92))
        except (ssl.SSLWantReadError, BlockingIOError):
            return
        except (OSError, ValueError, AttributeError):
            pass
        device.drops += 1
        self.leave(device)

    # -- the thread ---------------------------------------------------------------------------

    def start(self):
        """Everybody who is not away comes in, and goes on."""
        self.selector, self.due, self.late_s = selectors.DefaultSelector(), [], 0.0
        self.is_over.clear()
        for device in self.devices.values():
            device.ended_s = 0.0  # until it was tried here, it does not come back by itself
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()
        for device in self.devices.values():
            if not device.is_away:
                self.try_enter(device)
            if device.habit.is_busy:
                self.schedule(device)

    def stop(self):
        if self.thread is None:
            return
        self.is_over.set()
        self.thread.join()
        self.thread = None
        for device in self.devices.values():
            self.leave(device)
        self.selector.close()
        self.selector = None

    def interval(self, device):
        return device.wait_s() * self.pace

    def schedule(self, device):
        """One that has come later reports from now on."""
        with self.lock:
            heapq.heappush(self.due, (time.monotonic() + self.interval(device), device.name))

    def run(self):
        last_look_s = 0.0
        while not self.is_over.is_set():
            now = time.monotonic()
            with self.lock:
                self.report_due(now)
                if now > last_look_s + IDLE_S:
                    last_look_s = now
                    self.look_after(now)
                ready = self.selector.select(0)
                for key, _ in ready:
                    if key.data.client is not None and key.data.reads:
                        self.read(key.data)
            wait = self.due[0][0] - time.monotonic() if self.due else IDLE_S
            time.sleep(min(max(wait, 0.001), 0.01))

    def report_due(self, now):
        while self.due and self.due[0][0] <= now:
            at, name = heapq.heappop(self.due)
            device = self.devices[name]
            self.late_s = max(self.late_s, now - at)
            # Whoever was held up does not make up for it.
            heapq.heappush(self.due, (max(at, now - 0.02) + self.interval(device), name))
            if device.client is None or device.is_mute or device.random.random() >= device.share:
                continue
            self.send(device, device.message())

    def look_after(self, now):
        for device in self.devices.values():
            if device.client is None:
                if not device.is_away and device.ended_s and now > device.ended_s + BACK_S * self.pace:
                    self.try_enter(device)
            elif now > device.pinged_s + PING_S:
                device.pinged_s = now
                self.send(device, wire.pingreq())
