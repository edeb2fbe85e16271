# SPDX-License-Identifier: Apache-2.0
"""A subscriber or publisher with paho Python; arguments as in paho_c.c."""

import sys

import paho.mqtt.client as mqtt


def main(act, version, host, port, authority, certificate, key, name, topic, qos, count):
    five = version == "5"
    client = mqtt.Client(client_id=name, protocol=mqtt.MQTTv5 if five else mqtt.MQTTv311)
    client.tls_set(authority, certificate, key)
    left, failed = int(count), []

    def on_connect(_client, _data, _flags, code, *_):
        if int(getattr(code, "value", code)):
            failed.append(f"CONNACK {code}")
            client.disconnect()
        elif act == "sub":
            client.subscribe(topic, int(qos))

    def on_subscribe(_client, _data, _mid, codes, *_):
        if int(getattr(codes[0], "value", codes[0])) >= 0x80:
            failed.append(f"SUBACK {codes}")
            client.disconnect()
        print("ready", flush=True)

    def on_message(_client, _data, message):
        nonlocal left
        print(message.payload.decode(), flush=True)
        left -= 1
        if not left:
            client.disconnect()

    client.on_connect, client.on_subscribe, client.on_message = on_connect, on_subscribe, on_message
    client.connect(host, int(port), 30)
    if act == "sub":
        client.loop_forever()
    else:
        client.loop_start()
        for i in range(left):
            client.publish(topic, str(i), int(qos)).wait_for_publish(10)
        client.disconnect()
        client.loop_stop()
    if failed:
        sys.exit(", ".join(failed))


main(*sys.argv[1:])
