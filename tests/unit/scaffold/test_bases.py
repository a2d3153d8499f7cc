import pytest
from builders.samples import folder_of

from reprobuild.lock.bases import shipped_bases
from reprobuild.scaffold.bases import BASES, CUDA, choose_base
from reprobuild.scaffold.choice import choose
from reprobuild.scaffold.survey import survey


def chosen(files: dict[str, str | bytes], *features: str) -> tuple[str, str]:
    seen = survey(folder_of(files))
    base, remarks = choose_base(seen, choose(seen, None, features))
    return base, "\n".join(remarks)


def test_every_base_that_may_be_chosen_is_shipped() -> None:
    shipped = {item.name for item in shipped_bases().iterdir()}

    assert {f"{base}.toml" for base in (*BASES.values(), *CUDA.values())} <= shipped


@pytest.mark.parametrize(
    ("files", "base", "remark"),
    [
        ({}, "debian12-python311", ""),
        ({"Dockerfile": "FROM python:3.11-slim\n"}, "debian12-python311", ""),
        ({"Dockerfile": "FROM python:3.13\n"}, "debian13-python313", ""),
        ({"Dockerfile": "ARG V=3.13\nFROM python:$V-slim AS a\nFROM a\n"}, "debian13-python313", ""),
        ({"Dockerfile": "FROM python:3.8\n"}, "debian12-python311", "Dockerfile:1 asks for Python 3.8; the bases have"),
        ({"Dockerfile": "FROM ubuntu:22.04\n"}, "debian12-python311", 'base = "docker://REGISTRY/ubuntu:22.04", REG'),
        ({"Dockerfile": "FROM reg.example/a/b:1\n"}, "debian12-python311", 'base = "docker://reg.example/a/b:1"'),
        ({"Dockerfile": "FROM scratch\n"}, "debian12-python311", ""),
        ({"Dockerfile": "FROM nvidia/cuda:12.4.1-runtime\n"}, "cuda12-debian12-python311", ""),
        ({"Dockerfile": "FROM nvidia/cuda:13.0.0-base\n"}, "cuda13-debian12-python311", ""),
        ({"Dockerfile": "FROM nvidia/cuda:11.8.0-base\n"}, "cuda12-debian12-python311", "asks for CUDA 11"),
        ({"Dockerfile": "FROM pytorch/pytorch:2.4.0-cuda12.1-cudnn9-runtime"}, "cuda12-debian12-python311", ""),
        ({".python-version": "3.13.1\n"}, "debian13-python313", ""),
        ({"pyproject.toml": '[project]\nrequires-python = ">=3.12"\n'}, "debian13-python313", ""),
        ({"pyproject.toml": '[tool.poetry.dependencies]\npython = "^3.10"\n'}, "debian12-python311", ""),
        (
            {"pyproject.toml": '[tool.poetry.dependencies]\npython = "~3.9"\n'},
            "debian12-python311",
            "asks for Python ~3.9",
        ),
        ({"environment.yml": "dependencies:\n- python=3.12\n"}, "debian12-python311", ""),  # conda brings its own
    ],
)
def test_the_base_follows_what_the_folder_asks_for(files: dict[str, str | bytes], base: str, remark: str) -> None:
    found, remarks = chosen(files)

    assert found == base
    assert remark in remarks
    assert bool(remark) == bool(remarks)


def test_a_feature_chooses_cuda_and_says_when_its_python_is_another() -> None:
    assert chosen({}, "cuda") == ("cuda12-debian12-python311", "")
    assert chosen({".python-version": "3.13"}, "cuda") == (
        "cuda12-debian12-python311",
        ".python-version:1 asks for Python 3.13; this base has 3.11",
    )
