// SPDX-License-Identifier: Apache-2.0
package tacit;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** Arguments as in HiveMq. */
public final class Paho {
    public static void main(String[] a) throws Exception {
        String uri = "ssl://" + a[2] + ":" + a[3];
        int qos = Integer.parseInt(a[8]);
        int count = Integer.parseInt(a[9]);
        var factory = new Stores(a[4], a[5]).context().getSocketFactory();
        CountDownLatch left = new CountDownLatch(count);
        if (a[1].equals("5")) {
            var client = new org.eclipse.paho.mqttv5.client.MqttClient(uri, a[6],
                    new org.eclipse.paho.mqttv5.client.persist.MemoryPersistence());
            var options = new org.eclipse.paho.mqttv5.client.MqttConnectionOptions();
            options.setSocketFactory(factory);
            client.connect(options);
            if (a[0].equals("pub")) {
                for (int i = 0; i < count; i++) {
                    client.publish(a[7], HiveMq.bytes(i), qos, false);
                }
            } else {
                var wanted = new org.eclipse.paho.mqttv5.common.MqttSubscription(a[7], qos);
                client.setCallback(new Listener(left));
                client.subscribe(new org.eclipse.paho.mqttv5.common.MqttSubscription[] {wanted});
                end(left);
            }
            client.disconnect();
        } else {
            var client = new org.eclipse.paho.client.mqttv3.MqttClient(uri, a[6],
                    new org.eclipse.paho.client.mqttv3.persist.MemoryPersistence());
            var options = new org.eclipse.paho.client.mqttv3.MqttConnectOptions();
            options.setSocketFactory(factory);
            options.setMqttVersion(4);
            client.connect(options);
            if (a[0].equals("pub")) {
                for (int i = 0; i < count; i++) {
                    client.publish(a[7], HiveMq.bytes(i), qos, false);
                }
            } else {
                client.subscribe(a[7], qos, (topic, message) -> {
                    HiveMq.print(message.getPayload());
                    left.countDown();
                });
                end(left);
            }
            client.disconnect();
        }
        System.exit(0);
    }

    static void end(CountDownLatch left) throws InterruptedException {
        System.out.println("ready");
        if (!left.await(20, TimeUnit.SECONDS)) {
            throw new IllegalStateException(left.getCount() + " messages are missing");
        }
    }

    /** The 5.0 client has no listener per subscription that works without properties. */
    record Listener(CountDownLatch left) implements org.eclipse.paho.mqttv5.client.MqttCallback {
        @Override
        public void messageArrived(String topic, org.eclipse.paho.mqttv5.common.MqttMessage message) {
            HiveMq.print(message.getPayload());
            left.countDown();
        }

        @Override
        public void disconnected(org.eclipse.paho.mqttv5.client.MqttDisconnectResponse response) { }

        @Override
        public void mqttErrorOccurred(org.eclipse.paho.mqttv5.common.MqttException exception) {
            System.err.println(exception);
        }

        @Override
        public void deliveryComplete(org.eclipse.paho.mqttv5.client.IMqttToken token) { }

        @Override
        public void connectComplete(boolean reconnect, String uri) { }

        @Override
        public void authPacketArrived(int code, org.eclipse.paho.mqttv5.common.packet.MqttProperties properties) { }
    }
}
