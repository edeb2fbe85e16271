/* SPDX-License-Identifier: Apache-2.0 */
#include "keystore/tpm_library.h"

#include <dlfcn.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>

enum library {
    TPM_LIBRARY_LOADER,
    TPM_LIBRARY_MARSHAL,
    TPM_LIBRARY_ESYS,
    TPM_LIBRARY_COUNT,
};

static const char *const libraries[TPM_LIBRARY_COUNT] = {
    [TPM_LIBRARY_LOADER] = "libtss2-tctildr.so.0",
    [TPM_LIBRARY_MARSHAL] = "libtss2-mu.so.0",
    [TPM_LIBRARY_ESYS] = "libtss2-esys.so.0",
};

static const struct {
    enum library library;
    const char *name;
    size_t offset;
} functions[] = {
#define TPM_FUNCTION(library, function) \
    { library, #function, offsetof(struct tpm_library, function) },
#include "keystore/tpm_library.def"
#undef TPM_FUNCTION
};

static int load(void *handles[TPM_LIBRARY_COUNT], struct pki_fault *fault)
{
    for (size_t i = 0; i < TPM_LIBRARY_COUNT; i++) {
        handles[i] = dlopen(libraries[i], RTLD_NOW | RTLD_LOCAL);
        if (handles[i] == NULL)
            return pki_fail(fault, -ENODEV,
                            "%s is not installed; keys in a TPM need libtss2-esys and "
                            "libtss2-tctildr",
                            libraries[i]);
    }
    return 0;
}

int tpm_library_open(struct tpm_library *out, struct pki_fault *fault)
{
    void *handles[TPM_LIBRARY_COUNT];
    struct tpm_library library;
    int error = load(handles, fault);

    for (size_t i = 0; error == 0 && i < MQTT_ARRAY_LEN(functions); i++) {
        void *function = dlsym(handles[functions[i].library], functions[i].name);
        if (function == NULL)
            error = pki_fail(fault, -ENODEV, "%s has no %s", libraries[functions[i].library],
                             functions[i].name);
        /* POSIX promises that this is a function's address; ISO C has no cast for it. */
        memcpy((char *)&library + functions[i].offset, &function, sizeof(function));
    }
    if (error == 0)
        *out = library;
    return error;
}
