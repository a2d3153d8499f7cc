"""Layers of conda packages beside layers of wheels that hold the same files, in MB/s of what they unpack to."""

import hashlib
import io
import json
import statistics
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import zstandard

from reprobuild.image.frame import FACTS, Facts, make_frame
from reprobuild.lock.artifact import Artifact
from reprobuild.lock.base import Base
from reprobuild.lock.conda.target import with_conda

SITE = "lib/python3.11/site-packages"
LEVEL = 19
"""Of zstd, as conda-build packs by default."""


@dataclass
class Throughput:
    """MB/s of both, turn by turn."""

    conda: list[float] = field(default_factory=list)
    wheels: list[float] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"conda packages {statistics.median(self.conda):.0f} MB/s, "
            f"wheels with the same files {statistics.median(self.wheels):.0f} MB/s"
        )

    def figures(self) -> dict[str, object]:
        """Everything, for programs."""
        return {"conda": self.conda, "wheels": self.wheels}


def measure_layers(wheels: Sequence[tuple[Artifact, Path]], base: Base, repeat: int, folder: Path) -> Throughput:
    """Both kinds in turns, in one process; what is measured is one core."""
    folder.mkdir()
    conda = [repack(artifact, path, folder) for artifact, path in wheels]
    found = Throughput()
    for _ in range(repeat):
        found.conda.append(_speed(conda, with_conda(base, "3.11.2")))
        found.wheels.append(_speed(wheels, base))
    return found


def _speed(artifacts: Sequence[tuple[Artifact, Path]], base: Base) -> float:
    """Megabytes a second, of the bytes that come out before they are compressed."""
    with tempfile.TemporaryDirectory(prefix="benchmark-", dir="/tmp") as name:
        begin = time.perf_counter()
        for number, (artifact, path) in enumerate(artifacts):
            make_frame(artifact, path, base, Path(name) / str(number))
        seconds = time.perf_counter() - begin
        facts = [(Path(name) / str(number) / FACTS).read_bytes() for number in range(len(artifacts))]
    return sum(Facts.from_bytes(data, "facts").unpacked_size for data in facts) / seconds / 1e6


def repack(artifact: Artifact, wheel: Path, folder: Path) -> tuple[Artifact, Path]:
    """A wheel's files as a conda package, with a digest for each as conda-build writes it."""
    stem = f"{artifact.name}-{artifact.version}-0"
    pkg, paths = io.BytesIO(), []
    with zipfile.ZipFile(wheel) as archive, tarfile.open(fileobj=pkg, mode="w") as members:
        for item in archive.infolist():
            if not item.is_dir():
                body, path = archive.read(item), f"{SITE}/{item.filename}"
                member = tarfile.TarInfo(path)
                member.size = len(body)
                members.addfile(member, io.BytesIO(body))
                sha256 = hashlib.sha256(body).hexdigest()
                paths.append({"_path": path, "path_type": "hardlink", "sha256": sha256, "size_in_bytes": len(body)})
    index = {"name": artifact.name, "version": artifact.version, "build": "0", "build_number": 0}
    info = io.BytesIO()
    with tarfile.open(fileobj=info, mode="w") as members:
        for name, value in (("index.json", index), ("paths.json", {"paths": paths, "paths_version": 1})):
            member = tarfile.TarInfo(f"info/{name}")
            body = json.dumps(value).encode()
            member.size = len(body)
            members.addfile(member, io.BytesIO(body))
    target = folder / f"{stem}.conda"
    packer = zstandard.ZstdCompressor(level=LEVEL, threads=-1)
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("metadata.json", '{"conda_pkg_format_version": 2}')
        archive.writestr(f"pkg-{stem}.tar.zst", packer.compress(pkg.getvalue()))
        archive.writestr(f"info-{stem}.tar.zst", packer.compress(info.getvalue()))
    data = target.read_bytes()
    changes = {
        "kind": "conda",
        "filename": target.name,
        "path": f"linux-64/{target.name}",
        "source": "benchmark",
        "size": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
    }
    return artifact.model_copy(update=changes), target
