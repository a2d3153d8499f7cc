/* Answers as libnvidia-ml.so.1 from the variable FAKE_NVML: `key=value;key=value`, where keys of a device begin with
 * its number and a dot. A value `!15` makes the question fail with NVML's error 15; a key that is missing is not
 * supported (3). Only the questions that reprobuild asks are here; their types are those of nvml.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct { unsigned long long total, free, used; } Memory;
typedef struct { unsigned multiprocessors, other[7]; unsigned long long megabytes; } Attributes;

static int text(const char *key, char *out, unsigned size) {
    const char *at = getenv("FAKE_NVML");
    size_t length = strlen(key);
    for (; at; at = strchr(at, ';') ? strchr(at, ';') + 1 : NULL) {
        if (strncmp(at, key, length) || at[length] != '=') continue;
        at += length + 1;
        if (*at == '!') return atoi(at + 1);
        size_t end = strcspn(at, ";");
        if (end >= size) return 7;
        memcpy(out, at, end);
        out[end] = 0;
        return 0;
    }
    return 3;
}

static int number(const char *key, long long *out) {
    char value[64];
    int status = text(key, value, sizeof value);
    if (!status) *out = (long long)strtoull(value, NULL, 10);
    return status;
}

static int of(void *device, const char *key, long long *out) {
    char whole[64];
    snprintf(whole, sizeof whole, "%ld.%s", (long)device - 1, key);
    return number(whole, out);
}

static int text_of(void *device, const char *key, char *out, unsigned size) {
    char whole[64];
    snprintf(whole, sizeof whole, "%ld.%s", (long)device - 1, key);
    return text(whole, out, size);
}

#define UNSIGNED(out, expression) long long value = 0; int status = (expression); if (!status) *(out) = value; return status

int nvmlInitWithFlags(unsigned flags) { long long value; int status = number("init", &value); return status == 3 ? 0 : status; }
int nvmlShutdown(void) { long long value; int status = number("shutdown", &value); return status == 3 ? 0 : status; }
const char *nvmlErrorString(int error) { return "an error of the fake"; }
int nvmlSystemGetDriverVersion(char *out, unsigned size) { return text("driver", out, size); }
int nvmlSystemGetCudaDriverVersion_v2(int *out) { UNSIGNED(out, number("cuda", &value)); }
int nvmlDeviceGetCount_v2(unsigned *out) { UNSIGNED(out, number("count", &value)); }
int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **out) {
    long long value;
    *out = (void *)(long)(index + 1);
    int status = of(*out, "handle", &value);
    return status == 3 ? 0 : status;
}
int nvmlDeviceGetName(void *device, char *out, unsigned size) { return text_of(device, "name", out, size); }
int nvmlDeviceGetUUID(void *device, char *out, unsigned size) { return text_of(device, "uuid", out, size); }
int nvmlDeviceGetSerial(void *device, char *out, unsigned size) { return text_of(device, "serial", out, size); }
int nvmlDeviceGetNumGpuCores(void *device, unsigned *out) { UNSIGNED(out, of(device, "cores", &value)); }
int nvmlDeviceGetPowerUsage(void *device, unsigned *out) { UNSIGNED(out, of(device, "power", &value)); }
int nvmlDeviceGetClockInfo(void *device, int kind, unsigned *out) { UNSIGNED(out, of(device, kind == 1 ? "sm" : "mem", &value)); }
int nvmlDeviceGetTemperature(void *device, int sensor, unsigned *out) { UNSIGNED(out, of(device, "heat", &value)); }
int nvmlDeviceGetCudaComputeCapability(void *device, int *major, int *minor) {
    long long value = 0;
    int status = of(device, "capability", &value);
    *major = value / 10;
    *minor = value % 10;
    return status;
}
int nvmlDeviceGetMemoryInfo(void *device, Memory *out) { UNSIGNED(&out->total, of(device, "memory", &value)); }
int nvmlDeviceGetEccMode(void *device, int *now, int *later) { UNSIGNED(now, of(device, "ecc", &value)); }
int nvmlDeviceGetMigMode(void *device, unsigned *now, unsigned *later) { UNSIGNED(now, of(device, "mig", &value)); }
int nvmlDeviceGetMaxMigDeviceCount(void *device, unsigned *out) { UNSIGNED(out, of(device, "parts", &value)); }
int nvmlDeviceGetMigDeviceHandleByIndex(void *device, unsigned index, void **out) {
    long long value;
    *out = (void *)(100 * (long)device + index + 1);
    return of(*out, "multiprocessors", &value) ? 6 : 0;
}
int nvmlDeviceGetAttributes_v2(void *device, Attributes *out) {
    long long value = 0;
    int status = of(device, "multiprocessors", &value);
    out->multiprocessors = value;
    if (!status) status = of(device, "megabytes", &value);
    out->megabytes = value;
    return status;
}
int nvmlDeviceGetP2PStatus(void *one, void *other, int kind, int *out) { UNSIGNED(out, of(other, "nvlink", &value)); }
int nvmlDeviceGetTopologyCommonAncestor(void *one, void *other, int *out) { UNSIGNED(out, of(other, "way", &value)); }
