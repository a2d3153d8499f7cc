"""The processor of this process as it tells of itself (CPUID): under emulation it is another than the machine's.

https://docs.amd.com/v/u/en-US/24594_3.37 (CPUID, appendices D and E). As a program it prints them as JSON.
"""

import os
import sys
from typing import Any, Callable, Dict, List

Registers = List[int]
Ask = Callable[[int, int], Registers]
"""Leaf and subleaf to EAX, EBX, ECX and EDX."""
EAX, EBX, ECX, EDX = range(4)
# void ask(leaf, subleaf, out): by the calling convention of System V, EBX is the caller's.
CODE = bytes.fromhex(
    "53"  # push rbx
    "4989d0"  # mov r8, rdx
    "89f8"  # mov eax, edi
    "89f1"  # mov ecx, esi
    "0fa2"  # cpuid
    "418900"  # mov [r8], eax
    "41895804"  # mov [r8+4], ebx
    "41894808"  # mov [r8+8], ecx
    "4189500c"  # mov [r8+12], edx
    "5b"  # pop rbx
    "c3"  # ret
)
# Leaf, subleaf, register, and the names of its bits from the lowest on, as /proc/cpuinfo has them (cpufeatures.h).
FEATURES = (
    (
        (0x1, 0, EDX),
        """
        fpu vme de pse tsc msr pae mce cx8 apic - sep mtrr pge mca cmov pat pse36 pn clflush - dts acpi mmx
        fxsr sse sse2 ss ht tm ia64 pbe
        """,
    ),
    (
        (0x1, 0, ECX),
        """
        pni pclmulqdq dtes64 monitor ds_cpl vmx smx est tm2 ssse3 cid sdbg fma cx16 xtpr pdcm - pcid dca
        sse4_1 sse4_2 x2apic movbe popcnt tsc_deadline_timer aes xsave - avx f16c rdrand hypervisor
        """,
    ),
    (
        (0x7, 0, EBX),
        """
        fsgsbase tsc_adjust sgx bmi1 hle avx2 - smep bmi2 erms invpcid rtm cqm - mpx rdt_a avx512f avx512dq
        rdseed adx smap avx512ifma - clflushopt clwb intel_pt avx512pf avx512er avx512cd sha_ni avx512bw
        avx512vl
        """,
    ),
    (
        (0x7, 0, ECX),
        """
        - avx512vbmi umip pku ospke waitpkg avx512_vbmi2 - gfni vaes vpclmulqdq avx512_vnni avx512_bitalg tme
        avx512_vpopcntdq - la57 - - - - - rdpid - bus_lock_detect cldemote - movdiri movdir64b enqcmd
        """,
    ),
    (
        (0x7, 0, EDX),
        """
        - - avx512_4vnniw avx512_4fmaps fsrm - - - avx512_vp2intersect - md_clear - - - serialize - tsxldtrk -
        pconfig arch_lbr ibt - amx_bf16 avx512_fp16 amx_tile amx_int8
        """,
    ),
    ((0x7, 1, EAX), "- - - - avx_vnni avx512_bf16 - - - - - - - - - - - - - - - amx_fp16 - avx_ifma"),
    (
        (0x7, 1, EDX),
        """
        - - - - avx_vnni_int8 avx_ne_convert - - amx_complex - avx_vnni_int16 - - - - - - - - avx10
        """,
    ),
    (
        (0x80000001, 0, EDX),
        """
        - - - - - - - - - - - syscall - - - - - - - mp nx - mmxext - - fxsr_opt pdpe1gb rdtscp - lm 3dnowext
        3dnow
        """,
    ),
    (
        (0x80000001, 0, ECX),
        """
        lahf_lm cmp_legacy svm extapic cr8_legacy abm sse4a misalignsse 3dnowprefetch osvw ibs xop skinit wdt
        - lwp fma4 tce - nodeid_msr - tbm topoext perfctr_core perfctr_nb - bpext ptsc perfctr_llc mwaitx
        """,
    ),
)


def read_cpu() -> Dict[str, Any]:
    """The facts of `describe`; {} on other architectures. OSError where no memory may be executed (W^X)."""
    if os.uname().machine != "x86_64" or sys.maxsize < 2**32:
        return {}
    import ctypes
    import mmap

    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
    memory = mmap.mmap(-1, mmap.PAGESIZE, flags=flags, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    memory.write(CODE)
    out = (ctypes.c_uint32 * 4)()
    place = ctypes.c_char.from_buffer(memory)
    function = ctypes.CFUNCTYPE(None, ctypes.c_uint32, ctypes.c_uint32, ctypes.c_void_p)(ctypes.addressof(place))

    def ask(leaf: int, subleaf: int) -> Registers:
        function(leaf, subleaf, ctypes.addressof(out))
        return list(out)

    try:
        return describe(ask)
    finally:
        del place  # which would keep the memory from being given back
        memory.close()


def describe(ask: Ask) -> Dict[str, Any]:
    """Maker, name, family, model and stepping as /proc/cpuinfo has them; sorted features; bytes of each cache.

    `hypervisor` is what a hypervisor or an emulator calls itself ("" on the bare machine).
    """
    highest, *maker = ask(0, 0)
    extended = ask(0x80000000, 0)[EAX]
    known = [key for key, _ in FEATURES if key[0] <= (extended if key[0] >= 0x80000000 else highest)]
    names = [leaf for leaf in (0x80000002, 0x80000003, 0x80000004) if leaf <= extended]
    features = sorted(_features(ask, known))
    return dict(
        _signature(ask(1, 0)[EAX]),
        vendor=_text([maker[0], maker[2], maker[1]]),
        name=_text([register for leaf in names for register in ask(leaf, 0)]),
        features=features,
        caches=_caches(ask, 0x8000001D if "topoext" in features else 4 if highest >= 4 else 0)
        or (_old_caches(ask) if extended >= 0x80000006 else {}),
        hypervisor=_text(ask(0x40000000, 0)[1:]) if "hypervisor" in features else "",
    )


def _text(registers: Registers) -> str:
    """Characters of registers up to a NUL, with single spaces."""
    raw = b"".join(register.to_bytes(4, "little") for register in registers)
    return " ".join(raw.partition(b"\0")[0].decode("ascii", "replace").split())


def _signature(value: int) -> Dict[str, str]:
    family, model = value >> 8 & 0xF, value >> 4 & 0xF
    if family in (6, 15):
        model += (value >> 16 & 0xF) << 4
    if family == 15:
        family += value >> 20 & 0xFF
    return {"family": str(family), "model": str(model), "stepping": str(value & 0xF)}


def _features(ask: Ask, known: List[Any]) -> List[str]:
    found = []
    for (leaf, subleaf, register), names in FEATURES:
        if (leaf, subleaf, register) in known and subleaf <= (ask(leaf, 0)[EAX] if leaf == 7 else 0):
            value = ask(leaf, subleaf)[register]
            found += [name for bit, name in enumerate(names.split()) if name != "-" and value >> bit & 1]
    return found


def _caches(ask: Ask, leaf: int) -> Dict[str, int]:
    """As the kernel names them; Intel's leaf 4 and AMD's 8000001D are alike."""
    found: Dict[str, int] = {}
    for subleaf in range(8 if leaf else 0):
        kind, shape, sets, _ = ask(leaf, subleaf)
        if kind & 0x1F == 0:
            break
        ways, parts, line = (shape >> 22) + 1, (shape >> 12 & 0x3FF) + 1, (shape & 0xFFF) + 1
        found["L%d%s" % (kind >> 5 & 7, {1: "d", 2: "i"}.get(kind & 0x1F, ""))] = ways * parts * line * (sets + 1)
    return found


def _old_caches(ask: Ask) -> Dict[str, int]:
    """As AMD's processors tell them that know of no topology."""
    (_, _, data, code), (_, _, second, third) = ask(0x80000005, 0), ask(0x80000006, 0)
    sizes = {"L1d": data >> 24 << 10, "L1i": code >> 24 << 10, "L2": second >> 16 << 10, "L3": third >> 18 << 19}
    return {name: size for name, size in sizes.items() if size}


if __name__ == "__main__":
    import json

    print(json.dumps(read_cpu(), sort_keys=True))
