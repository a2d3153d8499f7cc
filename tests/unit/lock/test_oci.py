import json
from typing import Any

import pytest
from builders.oci import TYPES, make_image, make_index

from reprobuild.ground.errors import InputError
from reprobuild.lock.oci import MAX_BASE_LAYERS, Reference, parse_reference
from reprobuild.lock.oci_documents import (
    INDEXES,
    MANIFESTS,
    choose_manifest,
    kind_of,
    parse_configuration,
    parse_manifest,
)

HEX = "ab" * 32


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("docker://registry.example/python:3.11", Reference("registry.example", "python", "3.11", "")),
        ("docker://localhost/a:b", Reference("localhost", "a", "b", "")),
        ("docker://host:5000/a/b-c/d__e.f:T_1.x-y", Reference("host:5000", "a/b-c/d__e.f", "T_1.x-y", "")),
        (f"docker://127.0.0.1:5000/a@sha256:{HEX}", Reference("127.0.0.1:5000", "a", "", HEX)),
        (f"docker://[::1]:5000/a:b@sha256:{HEX}", Reference("[::1]:5000", "a", "b", HEX)),
    ],
)
def test_an_image_is_named_as_engines_name_it(text: str, found: Reference) -> None:
    assert parse_reference(text) == found


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("docker://python:3.11", "names no registry"),
        ("docker://python", "names no registry"),
        ("docker://library/python:3.11", "names no registry"),
        ("docker:///python:3.11", "names no registry"),
        ("docker://", "names no registry"),
        ("docker://registry.example/python", "neither a tag nor a digest"),
        ("docker://registry.example/Python:3", "not the name of an image"),
        ("docker://registry.example/python:", "not the name of an image"),
        ("docker://registry.example/a//b:1", "not the name of an image"),
        ("docker://registry.example/../b:1", "not the name of an image"),
        ("docker://registry.example/a:1?x=y", "not the name of an image"),
        ("docker://registry.example/a@sha256:12", "not the name of an image"),
        (f"docker://registry.example/a@sha512:{HEX}", "not the name of an image"),
        ("docker://registry.example/a:" + "x" * 129, "not the name of an image"),
        ("docker://registry.example/" + "a/" * 200 + "b:1", "not the name of an image"),
        ("docker://registry.example/a:1\n", "not the name of an image"),
    ],
)
def test_a_name_that_is_none_says_what_is_wrong_with_an_example(text: str, said: str) -> None:
    with pytest.raises(InputError, match=said) as caught:
        parse_reference(text)
    assert "docker://registry.example/" in caught.value.hint


def test_a_password_in_a_name_is_refused_and_not_repeated() -> None:
    with pytest.raises(InputError, match="a user or a password") as caught:
        parse_reference("docker://me:secret@registry.example/python:3.11")
    assert "secret" not in str(caught.value)
    assert "docker login" in caught.value.hint


@pytest.mark.parametrize("family", ["oci", "docker"])
def test_both_families_are_known_by_their_media_types(family: str) -> None:
    kinds = TYPES[family]
    image = make_image([b""], family=family)  # type: ignore[arg-type]
    index = make_index({"linux/amd64": image}, family)  # type: ignore[arg-type]

    assert kind_of(image.manifest, kinds["manifest"], "x") == "manifest"
    assert kind_of(index, kinds["index"], "x") == "index"
    assert kinds["manifest"] in MANIFESTS
    assert kinds["index"] in INDEXES


@pytest.mark.parametrize(
    ("value", "sent_as", "said"),
    [
        ({"schemaVersion": 1, "fsLayers": []}, "application/vnd.docker.distribution.manifest.v1+prettyjws", "schema 1"),
        ({"schemaVersion": 1}, "", "schema 1"),
        ({"mediaType": MANIFESTS[0]}, INDEXES[0], "calls itself"),
        ({"mediaType": MANIFESTS[0]}, "text/html", "calls itself"),
        ({"mediaType": "application/json"}, "application/json", "not an image"),
        ({}, "text/html", "text/html: not an image"),
        ([], "", "no media type: not an image"),
        ("x", MANIFESTS[0] + "x", "not an image"),
        ({"mediaType": 7}, "", "not an image"),
    ],
    ids=range(9),
)
def test_what_is_no_manifest_is_refused_by_name(value: Any, sent_as: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        kind_of(json.dumps(value).encode(), sent_as, "host/name:tag")


@pytest.mark.parametrize("data", [b"", b"<html>", b'{"a": 1, "a": 2}', b"[" * 5000, b"\xff"], ids=range(5))
def test_nonsense_is_one_line(data: bytes) -> None:
    with pytest.raises(InputError, match=r"^host/name:tag: ") as caught:
        kind_of(data, MANIFESTS[0], "host/name:tag")
    assert "\n" not in str(caught.value)


def test_of_an_index_the_image_for_this_platform_is_taken() -> None:
    images = {name: make_image([name.encode()]) for name in ("linux/arm64", "linux/amd64", "unknown/unknown")}
    index = json.loads(make_index(images))

    assert f"sha256:{choose_manifest(json.dumps(index).encode(), 'x')}" == index["manifests"][1]["digest"]


def test_an_index_without_this_platform_says_what_it_has() -> None:
    images = {name: make_image([b""]) for name in ("linux/arm64", "windows/amd64", "unknown/unknown")}

    with pytest.raises(InputError, match="no image for linux/amd64; there is linux/arm64, windows/amd64"):
        choose_manifest(make_index(images), "x")
    with pytest.raises(InputError, match="nothing that says what it is for"):
        choose_manifest(make_index({}), "x")


def manifest(**changes: Any) -> bytes:
    return json.dumps({**json.loads(make_image([b"one", b"two"]).manifest), **changes}).encode()


def blob(**changes: Any) -> dict[str, Any]:
    return {"mediaType": TYPES["oci"]["gzip"], "digest": f"sha256:{HEX}", "size": 1, **changes}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"layers": []}, "layers: "),
        ({"layers": "x"}, "layers: "),
        ({"layers": [blob(size=-1)]}, "layers.0.size: "),
        ({"layers": [blob(size="1")]}, "layers.0.size: "),
        ({"layers": [blob(size=1 << 50)]}, "layers.0.size: "),
        ({"layers": [blob(digest="sha256:../../x")]}, "layers.0.digest: "),
        ({"layers": [blob(digest="sha512:" + HEX * 2)]}, "layers.0.digest: "),
        ({"layers": [blob(mediaType="application/x")]}, "a layer of type application/x"),
        ({"layers": [blob(mediaType="application/vnd.docker.image.rootfs.foreign.diff.tar.gzip")]}, "a layer of type"),
        ({"layers": [blob()] * (MAX_BASE_LAYERS + 1)}, f"{MAX_BASE_LAYERS + 1} layers"),
        ({"config": None}, "config: "),
        ({"config": blob(size=5 << 20)}, "a configuration of 5242880 bytes"),
    ],
    ids=range(12),
)
def test_a_manifest_of_another_kind_is_refused_by_name(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=r"^host/name:tag: ") as caught:
        parse_manifest(manifest(**changes), "host/name:tag")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_fields_that_nobody_knows_are_left_alone() -> None:
    assert len(parse_manifest(manifest(annotations={"a": "b"}, subject=None), "x").layers) == 2


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"architecture": "arm64", "os": "linux"}, "an image for linux/arm64, not for linux/amd64"),
        ({"architecture": "amd64", "os": "windows"}, "an image for windows/amd64"),
        ({"os": "linux"}, "architecture: "),
        ({"architecture": "amd64", "os": "linux", "config": {"Env": ["=x"]}}, "Env: '=x': no variable"),
        ({"architecture": "amd64", "os": "linux", "config": {"Env": ["a=b\0c"]}}, "no variable"),
        ({"architecture": "amd64", "os": "linux", "config": {"Env": "a=b"}}, "config.Env: "),
    ],
    ids=range(6),
)
def test_a_configuration_that_is_not_ours_is_refused(config: Any, said: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_configuration(json.dumps(config).encode(), "x")
    assert said in str(caught.value)


def test_the_variables_of_an_image_are_taken() -> None:
    config = {"architecture": "amd64", "os": "linux", "config": {"Env": ["A=1=2", "B="], "Entrypoint": None}}

    assert parse_configuration(json.dumps(config).encode(), "x") == {"A": "1=2", "B": ""}
    assert parse_configuration(b'{"architecture": "amd64", "os": "linux", "config": null}', "x") == {}
