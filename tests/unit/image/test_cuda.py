import posixpath
from collections.abc import Mapping

import pytest
from builders.images import image_base
from builders.nvidia import blas_files, blas_name, cuda_of, runtime_files, runtime_name

from reprobuild.ground.digests import sha256_bytes
from reprobuild.ground.errors import InputError
from reprobuild.image.cuda import is_of, toolkit_note
from reprobuild.image.ldcache import render_cache
from reprobuild.image.made import libraries, make_rest
from reprobuild.image.note import Note
from reprobuild.image.spool import Spool
from reprobuild.lock.artifact import Artifact

SITE = "usr/local/lib/python3.11/dist-packages"
VERSIONS = {runtime_name(12): "12.9.79", runtime_name(13): "13.0.96"}


def artifact(name: str) -> Artifact:
    version = VERSIONS.get(name, "1.0")
    sha256 = sha256_bytes(name.encode())
    return Artifact(kind="wheel", name=name, version=version, filename=name, size=1, sha256=sha256, source="pip")


def by_digest(notes: Mapping[str, Note]) -> dict[str, Note]:
    return {artifact(name).sha256: seen for name, seen in notes.items()}


def note(*files: str) -> Note:
    """As if each library in it had its file name for a SONAME."""
    paths = [f"{SITE}/{file}" for file in files]
    return Note(
        paths=dict.fromkeys(paths, "file"),
        sonames={path: path.rpartition("/")[2] for path in paths if ".so" in path},
        texts={},
        scripts={},
    )


def toolkit(major: int, **wheels: Note) -> Note:
    """The toolkit of a base with that CUDA; names of wheels with `_` for `-`."""
    notes = {name.replace("_", "-"): seen for name, seen in wheels.items()}
    notes = {runtime_name(major): note(*runtime_files(major)), blas_name(major): note(*blas_files(major)), **notes}
    made = toolkit_note(image_base(cuda=cuda_of(major)), [artifact(name) for name in notes], by_digest(notes))
    assert made
    return made


def test_the_wheels_of_cuda_12_are_one_toolkit() -> None:
    root, place = "usr/local/cuda-12.9", f"symlink:/{SITE}/nvidia"

    assert toolkit(12).paths == {
        "usr/local/cuda": "symlink:cuda-12.9",
        f"{root}/include/cooperative_groups/scan.h": f"{place}/cuda_runtime/include/cooperative_groups/scan.h",
        f"{root}/include/cublas.h": f"{place}/cublas/include/cublas.h",
        f"{root}/include/cuda_runtime.h": f"{place}/cuda_runtime/include/cuda_runtime.h",
        f"{root}/lib64/libcublas.so.12": f"{place}/cublas/lib/libcublas.so.12",
        f"{root}/lib64/libcublasLt.so.12": f"{place}/cublas/lib/libcublasLt.so.12",
        f"{root}/lib64/libcudart.so.12": f"{place}/cuda_runtime/lib/libcudart.so.12",
        f"{root}/lib64/libcudart_static.a": f"{place}/cuda_runtime/lib/libcudart_static.a",
    }


def test_the_wheels_of_cuda_13_which_share_a_folder_are_one_toolkit() -> None:
    made = toolkit(13, nvidia_cudnn_cu13=note("nvidia/cudnn/lib/libcudnn.so.9"))

    assert made.paths["usr/local/cuda"] == "symlink:cuda-13.0"
    assert made.paths["usr/local/cuda-13.0/lib64/libcublas.so.13"].endswith("/nvidia/cu13/lib/libcublas.so.13")
    assert made.paths["usr/local/cuda-13.0/lib64/libcudnn.so.9"].endswith("/nvidia/cudnn/lib/libcudnn.so.9")
    assert made.texts == {"etc/ld.so.conf.d/cuda-13-0.conf": "/usr/local/cuda-13.0/lib64\n"}


def test_the_toolkit_links_to_wherever_wheels_are_installed() -> None:
    site = "/opt/conda/lib/python3.12/site-packages"
    base = image_base(cuda=cuda_of(13))
    base = base.model_copy(update={"python": base.python.model_copy(update={"site": site})})
    library = f"{site[1:]}/nvidia/cu13/lib/libcudart.so.13"
    seen = Note(paths={library: "file"}, sonames={library: "libcudart.so.13"}, texts={}, scripts={})

    made = toolkit_note(base, [artifact(runtime_name(13))], by_digest({runtime_name(13): seen}))

    assert made
    assert made.paths["usr/local/cuda-13.0/lib64/libcudart.so.13"] == f"symlink:/{library}"
    assert made.sonames == {"usr/local/cuda-13.0/lib64/libcudart.so.13": "libcudart.so.13"}


def test_programs_and_the_compilers_own_folder_are_there_when_a_wheel_brings_them() -> None:
    made = toolkit(13, nvidia_nvvm=note("nvidia/cu13/bin/nvcc", "nvidia/cu13/nvvm/libdevice/libdevice.10.bc"))

    assert "usr/local/cuda-13.0/bin/nvcc" in made.paths
    assert "usr/local/cuda-13.0/nvvm/libdevice/libdevice.10.bc" in made.paths


def test_another_cuda_in_the_project_stays_out_of_the_toolkit() -> None:
    older = {"nvidia_cuda_runtime_cu12": note(*runtime_files(12)), "nvidia_cudnn_cu12": note("nvidia/cudnn/lib/x.so.9")}
    newer = {"nvidia_cublas": note(*blas_files(13)), "nvidia_cuda_runtime": note(*runtime_files(13))}

    assert toolkit(13, **older).paths == toolkit(13).paths
    assert toolkit(12, **newer).paths == toolkit(12).paths


def test_only_nvidias_wheels_make_the_toolkit() -> None:
    assert toolkit(12, evil=note("nvidia/cublas/lib/libcublas.so.0")).paths == toolkit(12).paths
    assert not is_of(artifact("evil"), 12)
    assert is_of(artifact("nvidia-nvtx"), 12)
    assert is_of(artifact("nvidia-nccl-cu12"), 12)
    assert not is_of(artifact("nvidia-nccl-cu11"), 12)


def test_of_two_wheels_with_one_library_the_first_by_name_wins() -> None:
    twice = {"nvidia_zzz": note("nvidia/zzz/lib/libcudart.so.12"), "nvidia_aaa": note("nvidia/aaa/lib/libx.so.1")}
    made = toolkit(12, **twice, nvidia_bbb=note("nvidia/bbb/lib/libx.so.1"))

    assert made.paths["usr/local/cuda-12.9/lib64/libcudart.so.12"].endswith("/cuda_runtime/lib/libcudart.so.12")
    assert made.paths["usr/local/cuda-12.9/lib64/libx.so.1"].endswith("/aaa/lib/libx.so.1")


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("nvidia/cublas/include/cuda_runtime.h/x.h", "cannot both be below /usr/local/cuda-12.9"),
        ("../../../cuda/lib64/libx.so", "an artifact holds what the toolkit is to be"),
        ("../../../cuda-12.9/lib64/libx.so", "an artifact holds what the toolkit is to be"),
        ("../../../cuda", "an artifact holds what the toolkit is to be"),
    ],
)
def test_a_file_in_the_place_of_a_folder_of_the_toolkit_is_refused(path: str, said: str) -> None:
    seen = note(path)
    paths = {posixpath.normpath(name): kind for name, kind in seen.paths.items()}

    with pytest.raises(InputError, match=said) as caught:
        toolkit(12, nvidia_odd=seen.model_copy(update={"paths": paths}))
    assert str(caught.value).startswith("test: /usr/local/")


def test_the_linkers_cache_names_the_libraries_of_the_toolkit() -> None:
    made = toolkit(12)
    wheel = note(*runtime_files(12))
    texts = {"etc/ld.so.conf": "include /etc/ld.so.conf.d/*.conf\n", **made.texts}

    found = list(libraries([wheel, made], texts, wheel.paths | made.paths))

    names = ("libcublas.so.12", "libcublasLt.so.12", "libcudart.so.12")
    assert found == [(name, f"/usr/local/cuda-12.9/lib64/{name}") for name in names]
    with Spool("image") as spool:
        make_rest(image_base(), [wheel], spool, made)
        assert spool.read("etc/ld.so.cache") == render_cache(found)
        assert spool.entries["usr/local/cuda"].link == "cuda-12.9"
        assert spool.read("etc/ld.so.conf.d/cuda-12-9.conf") == b"/usr/local/cuda-12.9/lib64\n"


def test_the_toolkit_does_not_depend_on_the_order_of_artifacts() -> None:
    notes = {runtime_name(12): note(*runtime_files(12)), blas_name(12): note(*blas_files(12))}
    backwards = dict(reversed(list(notes.items())))
    base = image_base(cuda=cuda_of(12))

    one, other = (toolkit_note(base, list(map(artifact, order)), by_digest(order)) for order in (notes, backwards))

    assert one
    assert other
    assert one.model_dump_json() == other.model_dump_json()


def test_a_base_without_cuda_has_no_toolkit() -> None:
    assert toolkit_note(image_base(), [artifact(runtime_name(12))], {}) is None


def test_a_strangers_lock_without_the_runtime_is_refused() -> None:
    with pytest.raises(InputError, match="no wheel of the CUDA 12 runtime"):
        toolkit_note(image_base(cuda=cuda_of(12)), [artifact(runtime_name(13))], {})
