/* Answers as libcuda.so.1: memory is the process's own, and every kernel is the step of examples/ptx. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int cuInit(unsigned flags) { return 0; }
int cuDeviceGet(int *device, int number) { *device = number; return 0; }
int cuCtxCreate_v2(void **context, unsigned flags, int device) { *context = (void *)1; return 0; }
int cuModuleLoadData(void **module, const char *text) { *module = (void *)2; return strstr(text, ".entry step(") ? 0 : 218; }
int cuModuleGetFunction(void **function, void *module, const char *name) { *function = (void *)3; return strcmp(name, "step") ? 500 : 0; }
int cuMemAlloc_v2(uint64_t *place, size_t size) { *place = (uint64_t)malloc(size); return 0; }
int cuMemcpyHtoD_v2(uint64_t place, const void *from, size_t size) { memcpy((void *)place, from, size); return 0; }
int cuMemcpyDtoH_v2(void *to, uint64_t place, size_t size) { memcpy(to, (void *)place, size); return 0; }
int cuCtxSynchronize(void) { return 0; }
int cuLaunchKernel(void *function, unsigned x, unsigned y, unsigned z, unsigned threads, unsigned ty, unsigned tz,
                   unsigned shared, void *stream, void **given, void **extra) {
    float *weights = *(float **)given[0], *targets = *(float **)given[1], rate = *(float *)given[2];
    unsigned count = *(unsigned *)given[3];
    for (unsigned i = 0; i < x * threads && i < count; i++) weights[i] = fmaf(rate, weights[i] - targets[i], weights[i]);
    return 0;
}
