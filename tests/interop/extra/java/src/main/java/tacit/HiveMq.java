// SPDX-License-Identifier: Apache-2.0
package tacit;

import com.hivemq.client.mqtt.MqttClient;
import com.hivemq.client.mqtt.MqttClientSslConfig;
import com.hivemq.client.mqtt.MqttGlobalPublishFilter;
import com.hivemq.client.mqtt.datatypes.MqttQos;
import com.hivemq.client.mqtt.mqtt3.Mqtt3BlockingClient;
import com.hivemq.client.mqtt.mqtt5.Mqtt5BlockingClient;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;

/** Arguments: pub|sub 311|5 HOST PORT CA PKCS12 CLIENT-ID TOPIC QOS COUNT. */
public final class HiveMq {
    public static void main(String[] a) throws Exception {
        Stores stores = new Stores(a[4], a[5]);
        MqttClientSslConfig tls = MqttClientSslConfig.builder().keyManagerFactory(stores.keys)
                .trustManagerFactory(stores.trust).build();
        var builder = MqttClient.builder().serverHost(a[2]).serverPort(Integer.parseInt(a[3]))
                .identifier(a[6]).sslConfig(tls);
        MqttQos qos = MqttQos.fromCode(Integer.parseInt(a[8]));
        int count = Integer.parseInt(a[9]);
        if (a[1].equals("5")) {
            five(builder.useMqttVersion5().buildBlocking(), a[0], a[7], qos, count);
        } else {
            three(builder.useMqttVersion3().buildBlocking(), a[0], a[7], qos, count);
        }
        System.exit(0);
    }

    static void five(Mqtt5BlockingClient client, String act, String topic, MqttQos qos, int count) throws Exception {
        client.connect();
        if (act.equals("pub")) {
            for (int i = 0; i < count; i++) {
                client.publishWith().topic(topic).qos(qos).payload(bytes(i)).send();
            }
        } else {
            try (var publishes = client.publishes(MqttGlobalPublishFilter.ALL)) {
                client.subscribeWith().topicFilter(topic).qos(qos).send();
                System.out.println("ready");
                for (int i = 0; i < count; i++) {
                    print(publishes.receive(10, TimeUnit.SECONDS).orElseThrow().getPayloadAsBytes());
                }
            }
        }
        client.disconnect();
    }

    static void three(Mqtt3BlockingClient client, String act, String topic, MqttQos qos, int count) throws Exception {
        client.connect();
        if (act.equals("pub")) {
            for (int i = 0; i < count; i++) {
                client.publishWith().topic(topic).qos(qos).payload(bytes(i)).send();
            }
        } else {
            try (var publishes = client.publishes(MqttGlobalPublishFilter.ALL)) {
                client.subscribeWith().topicFilter(topic).qos(qos).send();
                System.out.println("ready");
                for (int i = 0; i < count; i++) {
                    print(publishes.receive(10, TimeUnit.SECONDS).orElseThrow().getPayloadAsBytes());
                }
            }
        }
        client.disconnect();
    }

    static byte[] bytes(int i) {
        return Integer.toString(i).getBytes(StandardCharsets.UTF_8);
    }

    static void print(byte[] payload) {
        System.out.println(new String(payload, StandardCharsets.UTF_8));
    }
}
