/* SPDX-License-Identifier: Apache-2.0 */
/* An order for what was learned, that anybody may have made, its seal right. Promises asserted: what
 * is accepted lies within the bytes, has a name that is one, and is written as it was read; models in
 * it are looked at to their end, or refused. */
#include "base/invariant.h"
#include "core/sensing_models.h"
#include "core/sensing_order.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check(struct mqtt_span bytes, const struct sensing_order *order)
{
    uint8_t *again = NULL;
    size_t len = 0;

    MQTT_INVARIANT(order->name.len <= SENSING_ORDER_NAME_BYTES);
    MQTT_INVARIANT(order->name.len == 0 || memchr(order->name.data, 0, order->name.len) == NULL);
    MQTT_INVARIANT(order->name.len + order->models.len < bytes.len);
    MQTT_INVARIANT(sensing_order_encode(order, &again, &len) == 0);
    MQTT_INVARIANT(span_equal(bytes, (struct mqtt_span){ again, len }));
    free(again);
    if (order->models.len == 0)
        return;
    int status = sensing_models_check(order->models);
    MQTT_INVARIANT(status == 0 || status == -EINVAL || status == -EPROTO || status == -EBADMSG);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct sensing_order order;
    uint8_t *bytes = malloc(len + SENSING_PART_SEAL_BYTES);
    uint64_t seal = sensing_part_seal((struct mqtt_span){ data, len });
    struct mqtt_span whole = { bytes, len + SENSING_PART_SEAL_BYTES };

    MQTT_INVARIANT(bytes != NULL);
    if (len > 0)
        memcpy(bytes, data, len);
    memcpy(bytes + len, &seal, sizeof(seal));
    if (sensing_order_decode(whole, &order) == 0)
        check(whole, &order);
    whole.len--;
    MQTT_INVARIANT(sensing_order_decode(whole, &order) == -EBADMSG);
    free(bytes);
    return 0;
}
