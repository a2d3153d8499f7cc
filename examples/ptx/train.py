"""Fits weights to targets on a GPU with nothing but its driver: a kernel in PTX, loaded through libcuda by ctypes.

https://docs.nvidia.com/cuda/cuda-driver-api/ and https://docs.nvidia.com/cuda/parallel-thread-execution/
"""

import array
import ctypes
import json
import os
import random
from pathlib import Path

N, THREADS = 1 << 16, 256
# weight += -rate * (weight - target): one subtraction and one fused multiplication, each rounded as IEEE 754 says.
STEP = b"""
.version 6.3
.target sm_75
.address_size 64
.visible .entry step(.param .u64 weights, .param .u64 targets, .param .f32 rate, .param .u32 count)
{
    .reg .pred %p<2>;
    .reg .f32 %f<6>;
    .reg .b32 %r<6>;
    .reg .b64 %rd<8>;
    ld.param.u64 %rd1, [weights];
    ld.param.u64 %rd2, [targets];
    ld.param.f32 %f1, [rate];
    ld.param.u32 %r1, [count];
    mov.u32 %r2, %ntid.x;
    mov.u32 %r3, %ctaid.x;
    mov.u32 %r4, %tid.x;
    mad.lo.s32 %r5, %r3, %r2, %r4;
    setp.ge.u32 %p1, %r5, %r1;
    @%p1 bra DONE;
    cvta.to.global.u64 %rd3, %rd1;
    cvta.to.global.u64 %rd4, %rd2;
    mul.wide.u32 %rd5, %r5, 4;
    add.s64 %rd6, %rd3, %rd5;
    add.s64 %rd7, %rd4, %rd5;
    ld.global.f32 %f2, [%rd6];
    ld.global.f32 %f3, [%rd7];
    sub.rn.f32 %f4, %f2, %f3;
    fma.rn.f32 %f5, %f1, %f4, %f2;
    st.global.f32 [%rd6], %f5;
DONE:
    ret;
}
"""
cuda = ctypes.CDLL("libcuda.so.1")


def call(name, *arguments):
    status = getattr(cuda, name)(*arguments)
    if status:
        raise SystemExit(f"{name}: CUDA error {status}")


def made(name, kind, *arguments):
    value = kind()
    call(name, ctypes.byref(value), *arguments)
    return value


def main():
    hyperparameters = json.loads(Path(os.environ["REPROBUILD_PARAMS"]).read_text())
    targets = array.array("f", (random.gauss(0, 1) for _ in range(N)))
    weights = array.array("f", bytes(4 * N))
    call("cuInit", 0)
    device = made("cuDeviceGet", ctypes.c_int, 0)
    made("cuCtxCreate_v2", ctypes.c_void_p, 0, device)
    module = made("cuModuleLoadData", ctypes.c_void_p, STEP)
    step = made("cuModuleGetFunction", ctypes.c_void_p, module, b"step")
    memory = [made("cuMemAlloc_v2", ctypes.c_uint64, ctypes.c_size_t(4 * N)) for _ in range(2)]
    for place, values in zip(memory, (weights, targets), strict=True):
        call("cuMemcpyHtoD_v2", place, ctypes.c_void_p(values.buffer_info()[0]), ctypes.c_size_t(4 * N))
    given = [*memory, ctypes.c_float(-hyperparameters["rate"]), ctypes.c_uint(N)]
    pointers = (ctypes.c_void_p * 4)(*(ctypes.addressof(value) for value in given))
    for _ in range(hyperparameters["steps"]):
        call("cuLaunchKernel", step, N // THREADS, 1, 1, THREADS, 1, 1, 0, None, pointers, None)
    call("cuCtxSynchronize")
    call("cuMemcpyDtoH_v2", ctypes.c_void_p(weights.buffer_info()[0]), memory[0], ctypes.c_size_t(4 * N))
    loss = sum((weight - target) ** 2 for weight, target in zip(weights, targets, strict=True)) / N
    Path("out").mkdir(exist_ok=True)
    Path("out/weights.bin").write_bytes(weights.tobytes())
    Path("out/metrics.json").write_text(json.dumps({"loss": loss}))
    print(f"loss {loss:.3e} after {hyperparameters['steps']} steps on {N} weights")


main()
