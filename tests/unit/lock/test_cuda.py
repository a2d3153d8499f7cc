from typing import Any

import pytest
from builders.images import image_base, image_lock
from builders.nvidia import cuda_of

from reprobuild.ground.errors import InputError
from reprobuild.lock import cuda
from reprobuild.lock.artifact import Artifact
from reprobuild.lock.cuda import Cuda, cuda_release, find_cuda, find_mixture, release_of, settle_base
from reprobuild.lock.index import LockIndex


def artifact(name: str, version: str, kind: Any = "wheel") -> Artifact:
    return Artifact(
        kind=kind, name=name, version=version, filename=f"{name}.whl", size=1, sha256="0" * 64, source="pip"
    )


def of_conda(name: str, version: str) -> Artifact:
    changes = {"kind": "conda", "source": "conda-forge", "path": f"linux-64/{name}-{version}-0.conda"}
    return Artifact(**{**artifact(name, version).model_dump(), "filename": f"{name}-{version}-0.conda", **changes})


CUDA12 = artifact("nvidia-cuda-runtime-cu12", "12.9.79")
CUDA13 = artifact("nvidia-cuda-runtime", "13.0.96")


def test_a_runtime_says_which_release_and_which_driver() -> None:
    assert find_cuda([artifact("numpy", "2.0"), CUDA12]) == Cuda(
        version="12.9", driver="525.60.13", toolkit_driver="575.51.03"
    )
    assert find_cuda([CUDA13]) == Cuda(version="13.0", driver="580", toolkit_driver="580.65.06")


def test_condas_runtime_says_the_same() -> None:
    found = find_cuda([of_conda("cuda-cudart", "12.9.79"), of_conda("cuda-version", "13.0")])

    assert found == find_cuda([CUDA12])
    assert find_cuda([of_conda("cudatoolkit", "11.8.0")]) == Cuda(
        version="11.8", driver="450.80.02", toolkit_driver="520.61.05"
    )


def test_of_two_runtimes_the_newer_one_decides() -> None:
    found = find_cuda([artifact("nvidia-cuda-runtime-cu11", "11.8.89"), CUDA13, CUDA12])

    assert found
    assert found.version == "13.0"


def test_minor_versions_are_numbers() -> None:
    found = find_cuda([artifact("nvidia-cuda-runtime-cu12", "12.9.1"), artifact("nvidia-cuda-runtime", "12.10.1")])

    assert found
    assert found.version == "12.10"


@pytest.mark.parametrize(
    "other",
    [
        artifact("numpy", "12.9.1"),
        artifact("nvidia-cuda-runtime-cu13", "0.0.1"),
        artifact("nvidia-cuda-runtime", "0.0.1.dev5"),
        artifact("nvidia-cuda-runtime-headers", "12.9.79"),
        artifact("nvidia-cuda-runtime-cu12", "12.9999"),
        artifact("nvidia-cuda-runtime-cu12", "12.9", "deb"),
    ],
)
def test_what_is_no_runtime_says_nothing(other: Artifact) -> None:
    assert cuda_release(other) == ""
    assert find_cuda([other]) is None


def test_a_release_that_the_table_does_not_know_is_told_without_its_drivers() -> None:
    newer = find_cuda([artifact("nvidia-cuda-runtime", "13.97.1")])
    newest = find_cuda([artifact("nvidia-cuda-runtime", "97.1.3")])

    assert newer == Cuda(version="13.97", driver="580", toolkit_driver=None)
    assert newest == Cuda(version="97.1", driver=None, toolkit_driver=None)


def test_the_table_is_whole_and_in_order() -> None:
    table = cuda._drivers()
    releases = sorted(table["toolkit"], key=cuda._numbers)
    drivers = [cuda._numbers(table["toolkit"][release]) for release in releases]

    assert drivers == sorted(drivers)
    for release in releases:
        least = table["least"][release.partition(".")[0]]
        assert cuda._numbers(table["toolkit"][release]) >= cuda._numbers(least)
        Cuda(version=release, driver=least, toolkit_driver=table["toolkit"][release])


def test_a_second_cuda_in_an_image_is_told() -> None:
    base = image_base(cuda=cuda_of(13))

    assert find_mixture(base, [CUDA13, CUDA12]) == (
        "the project brings CUDA 12.9 beside the base's 13: a base of CUDA 12 would hold it once",
    )
    assert find_mixture(base, [CUDA13]) == ()
    assert find_mixture(image_base(), [CUDA13, CUDA12]) == ()


def test_the_lock_holds_the_release_of_its_base_in_a_variable() -> None:
    base = image_base(cuda=cuda_of(12))

    settled = settle_base(base, [CUDA13, CUDA12])

    assert settled.environment == base.environment | {"CUDA_VERSION": "12.9"}
    assert settle_base(image_base(), [CUDA12]) == image_base()


def test_a_base_whose_requirements_bring_no_runtime_is_told() -> None:
    with pytest.raises(InputError, match="test: no wheel of the CUDA 12 runtime among the locked ones") as caught:
        release_of(image_base(cuda=cuda_of(12)), [CUDA13])
    assert "nvidia-cuda-runtime" in caught.value.hint


def test_the_lock_survives_its_file_and_older_locks_have_no_cuda() -> None:
    index = image_lock([CUDA12], image_base(cuda=cuda_of(12))).model_copy(update={"cuda": find_cuda([CUDA12])})

    assert LockIndex.from_bytes(index.to_bytes(), "lock") == index
    assert LockIndex.from_bytes(image_lock([]).to_bytes().replace(b',"cuda":null', b""), "lock").cuda is None


@pytest.mark.parametrize(
    "changes", [{"version": "12"}, {"version": "12.9\n"}, {"driver": "525;rm"}, {"driver": ""}, {"driver": "1" * 99}]
)
def test_cuda_in_a_strangers_lock_is_read_strictly(changes: dict[str, str]) -> None:
    whole = {"version": "12.9", "driver": "525.60.13", "toolkit_driver": None}

    with pytest.raises(ValueError, match=next(iter(changes))):
        Cuda(**{**whole, **changes})  # type: ignore[arg-type]
