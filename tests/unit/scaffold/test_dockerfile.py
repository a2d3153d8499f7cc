from reprobuild.scaffold.dockerfile import read_dockerfile


def test_the_last_stage_is_traced_to_its_image() -> None:
    read = read_dockerfile(
        "Dockerfile",
        "# syntax=docker/dockerfile:1\nARG TAG=3.11\nFROM --platform=linux/amd64 python:${TAG:-3.9}-slim AS base\n"
        "FROM node:20 AS web\nFROM base AS final\n",
    )

    assert (read.base, read.base_line) == ("python:3.11-slim", 3)


def test_an_image_that_an_argument_names_without_a_default_is_not_known() -> None:
    assert read_dockerfile("Dockerfile", "ARG BASE\nFROM $BASE\n").base == ""


def test_packages_are_told_from_options_versions_and_tools_of_building() -> None:
    read = read_dockerfile(
        "Dockerfile",
        "FROM x\nRUN apt-get update && apt-get install -y --no-install-recommends \\\n"
        "    libsndfile1=1.2.* \\\n    # between\n    ffmpeg build-essential python3-pip $EXTRA && rm -rf /x\n"
        "RUN apt install -y libgl1-mesa-glx; pip install apt-get\n",
    )

    assert read.debian == (("ffmpeg", 2), ("libgl1", 6), ("libsndfile1", 2))
    assert read.left_out == ("build-essential", "python3-pip")


def test_the_script_that_it_starts_is_found_in_both_forms() -> None:
    for started in ('["python", "-u", "src/train.py", "--epochs", "3"]', "python -u ./src/train.py --epochs 3"):
        assert read_dockerfile("Dockerfile", f"FROM x\nCMD {started}\n").script == "src/train.py"
    assert read_dockerfile("Dockerfile", 'FROM x\nENTRYPOINT ["bash"]\nCMD [1, {}]\n').script == ""
