/* SPDX-License-Identifier: Apache-2.0 */
/* A subscriber or publisher with paho C, for tests/interop. Arguments: pub|sub 311|5 HOST PORT
 * CA CERTIFICATE KEY CLIENT-ID TOPIC QOS COUNT. A subscriber prints "ready" and then each
 * payload; a publisher sends the numbers from 0. */
#include <MQTTClient.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int subscribe(MQTTClient client, const char *topic, int qos, bool five, int count)
{
    int code = five ? MQTTClient_subscribe5(client, topic, qos, NULL, NULL).reasonCode
                    : MQTTClient_subscribe(client, topic, qos);
    if (code != qos && code != MQTTCLIENT_SUCCESS)
        return code;
    puts("ready");
    fflush(stdout);
    for (int i = 0; i < count; i++) {
        MQTTClient_message *message = NULL;
        char *name = NULL;
        int len = 0;
        code = MQTTClient_receive(client, &name, &len, &message, 10000);
        if (message == NULL)
            return 1;
        printf("%.*s\n", message->payloadlen, (const char *)message->payload);
        fflush(stdout);
        MQTTClient_freeMessage(&message);
        MQTTClient_free(name);
    }
    return 0;
}

static int publish(MQTTClient client, const char *topic, int qos, bool five, int count)
{
    for (int i = 0; i < count; i++) {
        MQTTClient_message message = MQTTClient_message_initializer;
        MQTTClient_deliveryToken token = 0;
        char text[16];
        message.payloadlen = snprintf(text, sizeof(text), "%d", i);
        message.payload = text;
        message.qos = qos;
        int code = five ? MQTTClient_publishMessage5(client, topic, &message, &token).reasonCode
                        : MQTTClient_publishMessage(client, topic, &message, &token);
        if (code != MQTTCLIENT_SUCCESS)
            return code;
        code = qos == 0 ? 0 : MQTTClient_waitForCompletion(client, token, 10000);
        if (code != MQTTCLIENT_SUCCESS)
            return code;
    }
    return 0;
}

static int connect_with(MQTTClient client, bool five, char **files)
{
    MQTTClient_SSLOptions tls = MQTTClient_SSLOptions_initializer;
    tls.trustStore = files[0];
    tls.keyStore = files[1];
    tls.privateKey = files[2];
    tls.enableServerCertAuth = 1;
    tls.verify = 1;
    if (!five) {
        MQTTClient_connectOptions options = MQTTClient_connectOptions_initializer;
        options.ssl = &tls;
        options.MQTTVersion = MQTTVERSION_3_1_1;
        options.cleansession = 1;
        return MQTTClient_connect(client, &options);
    }
    MQTTClient_connectOptions options = MQTTClient_connectOptions_initializer5;
    options.ssl = &tls;
    options.MQTTVersion = MQTTVERSION_5;
    options.cleanstart = 1;
    MQTTResponse response = MQTTClient_connect5(client, &options, NULL, NULL);
    int code = (int)response.reasonCode;
    MQTTResponse_free(response);
    return code;
}

int main(int argc, char **argv)
{
    if (argc != 12)
        return 2;
    bool five = strcmp(argv[2], "5") == 0;
    char uri[128];
    snprintf(uri, sizeof(uri), "ssl://%s:%s", argv[3], argv[4]);
    MQTTClient client = NULL;
    MQTTClient_createOptions create = MQTTClient_createOptions_initializer;
    create.MQTTVersion = five ? MQTTVERSION_5 : MQTTVERSION_3_1_1;
    int code = MQTTClient_createWithOptions(&client, uri, argv[8], MQTTCLIENT_PERSISTENCE_NONE,
                                            NULL, &create);
    if (code == MQTTCLIENT_SUCCESS)
        code = connect_with(client, five, &argv[5]);
    if (code == MQTTCLIENT_SUCCESS) {
        int (*act)(MQTTClient, const char *, int, bool, int) =
            strcmp(argv[1], "sub") == 0 ? subscribe : publish;
        code = act(client, argv[9], atoi(argv[10]), five, atoi(argv[11]));
        if (five)
            MQTTClient_disconnect5(client, 1000, MQTTREASONCODE_SUCCESS, NULL);
        else
            MQTTClient_disconnect(client, 1000);
    }
    if (code != MQTTCLIENT_SUCCESS)
        fprintf(stderr, "paho C: code %d\n", code);
    MQTTClient_destroy(&client);
    return code == MQTTCLIENT_SUCCESS ? 0 : 1;
}
