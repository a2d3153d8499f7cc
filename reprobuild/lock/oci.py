"""A base that is an image of a registry: how it is named, and what the lock keeps of where its tag led."""

import re
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import StringConstraints

from reprobuild.ground.digests import Sha256
from reprobuild.ground.documents import Document
from reprobuild.ground.errors import InputError

SCHEME = "docker://"
PLATFORM: Literal["linux/amd64"] = "linux/amd64"
MAX_BASE_LAYERS = 80
"""Of a base: an image has at most 100, and wheels need some of them."""
EXAMPLE = 'base = "docker://registry.example/team/python:3.11"'
# Names, tags and digests as registries take them (OCI Distribution Specification 1.1, "Pulling manifests"); a name's
# first part is a registry only with a dot, a port or the word localhost in it, as every engine reads it.
_HOST = r"(?:localhost|\[[0-9a-fA-F:]{2,45}\]|[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+|[A-Za-z0-9-]+(?=:\d))(?::\d{1,5})?"
_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REFERENCE = re.compile(
    rf"{SCHEME}(?P<registry>{_HOST})/(?P<repository>{_PART}(?:/{_PART})*)"
    r"(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9._-]{0,127}))?(?:@sha256:(?P<digest>[0-9a-f]{64}))?"
)


@dataclass(frozen=True)
class Reference:
    """An image by registry, repository and tag or digest (hexadecimal; it wins)."""

    registry: str
    repository: str
    tag: str
    digest: str

    @property
    def name(self) -> str:
        """As people know it: `registry/repository:tag`."""
        return f"{self.registry}/{self.repository}" + (f":{self.tag}" if self.tag else f"@sha256:{self.digest[:12]}")


class Origin(Document):
    """Where a base came from: the reference as the project has it, and what it led to when it was locked."""

    reference: Annotated[str, StringConstraints(pattern=rf"^{SCHEME}[A-Za-z0-9._:/@\[\]-]+$", max_length=500)]
    platform: Literal["linux/amd64"] = PLATFORM
    index: Sha256 | None = None
    """Of the image index that the tag named; None where it named one manifest."""
    manifest: Sha256
    config: Sha256
    interpreter: str = ""
    """What `[image] python` said."""
    glibc: Annotated[str, StringConstraints(pattern=r"^(\d{1,3}\.\d{1,3})?$")] = ""
    """The version of its C library, for which wheels are chosen; empty where it has another one, or none."""

    def is_asked_by(self, reference: str, interpreter: str) -> bool:
        """True when a project that says so means this base."""
        return (self.reference, self.interpreter) == (reference, interpreter)


def is_reference(base: str) -> bool:
    """True for a base that is an image of a registry, rightly spelt or not."""
    return base.startswith(SCHEME)


def parse_reference(text: str) -> Reference:
    """The image that `[image] base` names; InputError says what is missing."""
    found = _REFERENCE.fullmatch(text)
    if found and len(found["repository"]) <= 255:
        if not (found["tag"] or found["digest"]):
            raise InputError(f"{text}: neither a tag nor a digest", hint=f"for example {EXAMPLE}")
        return Reference(found["registry"], found["repository"], found["tag"] or "", found["digest"] or "")
    if "@" in text.removeprefix(SCHEME).partition("/")[0]:
        raise InputError(f"{SCHEME}…: it holds a user or a password", hint="log in with docker login or podman login")
    first = text.removeprefix(SCHEME).partition("/")[0]
    if not re.fullmatch(_HOST, first):
        raise InputError(f"{text}: it names no registry", hint=f"put the registry's host first: {EXAMPLE}")
    raise InputError(f"{text}: not the name of an image", hint=f"for example {EXAMPLE}")
