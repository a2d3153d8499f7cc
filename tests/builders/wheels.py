"""Small wheels and source distributions, the same bytes for the same arguments."""

import base64
import gzip
import hashlib
import io
import re
import tarfile
import zipfile
from collections.abc import Mapping, Sequence

Content = bytes | str
TIME = (1980, 1, 1, 0, 0, 0)


def wheel_name(name: str, version: str, tag: str = "py3-none-any") -> str:
    """The file name of a wheel (binary distribution format, "File name convention")."""
    return f"{escaped(name)}-{version}-{tag}.whl"


def escaped(name: str) -> str:
    """A project's name as it stands in file names."""
    return re.sub(r"[-_.]+", "_", name).lower()


def make_wheel(
    name: str,
    version: str,
    files: Mapping[str, Content] | None = None,
    requires_dist: Sequence[str] = (),
    tag: str = "py3-none-any",
    entry_points: Mapping[str, Mapping[str, str]] | None = None,
    scripts: Mapping[str, Content] | None = None,
    data: Mapping[str, Content] | None = None,
    requires_python: str = "",
    extras: Sequence[str] = (),
) -> bytes:
    """A valid wheel. `files` defaults to one module; `scripts` go below `.data/scripts/`, `data` below `.data/`.

    `entry_points` maps groups to names to objects, `data` a path such as `data/share/x` or `headers/x.h` to content.
    """
    stem = f"{escaped(name)}-{version}"
    content = dict(files if files is not None else {f"{escaped(name)}.py": f"VERSION = {version!r}\n"})
    content |= {f"{stem}.data/scripts/{script}": text for script, text in (scripts or {}).items()}
    content |= {f"{stem}.data/{path}": text for path, text in (data or {}).items()}
    content[f"{stem}.dist-info/METADATA"] = render_metadata(name, version, requires_dist, requires_python, extras)
    content[f"{stem}.dist-info/WHEEL"] = render_wheel_file(tag)
    if entry_points:
        content[f"{stem}.dist-info/entry_points.txt"] = render_entry_points(entry_points)
    return render_wheel(stem, content)


def render_wheel(stem: str, content: Mapping[str, Content]) -> bytes:
    """A zip of `content` in order of paths, with its RECORD last."""
    buffer = io.BytesIO()
    record = []
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, value in sorted(content.items()):
            body = as_bytes(value)
            mode = 0o755 if ".data/scripts/" in path else 0o644
            write_member(archive, path, body, mode)
            digest = base64.urlsafe_b64encode(hashlib.sha256(body).digest()).rstrip(b"=").decode()
            record.append(f"{path},sha256={digest},{len(body)}\n")
        write_member(archive, f"{stem}.dist-info/RECORD", "".join([*record, f"{stem}.dist-info/RECORD,,\n"]).encode())
    return buffer.getvalue()


def write_member(archive: zipfile.ZipFile, path: str, body: bytes, mode: int = 0o644) -> None:
    """Add one regular file with a fixed time."""
    member = zipfile.ZipInfo(path, TIME)
    member.external_attr = (0o100000 | mode) << 16
    member.compress_type = zipfile.ZIP_DEFLATED
    archive.writestr(member, body)


def render_metadata(
    name: str,
    version: str,
    requires_dist: Sequence[str] = (),
    requires_python: str = "",
    extras: Sequence[str] = (),
) -> str:
    """Core metadata 2.1."""
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
    lines += [f"Requires-Python: {requires_python}"] if requires_python else []
    lines += [f"Provides-Extra: {extra}" for extra in extras]
    lines += [f"Requires-Dist: {need}" for need in requires_dist]
    return "\n".join(lines) + "\n"


def render_wheel_file(tag: str) -> str:
    """The WHEEL file, each compressed tag spelt out; a build number before the tag is dropped."""
    *_, pythons, abis, platforms = tag.split("-")
    tags = [f"{p}-{a}-{m}" for p in pythons.split(".") for a in abis.split(".") for m in platforms.split(".")]
    pure = "true" if platforms == "any" else "false"
    head = ["Wheel-Version: 1.0", "Generator: tests", f"Root-Is-Purelib: {pure}"]
    return "\n".join([*head, *(f"Tag: {one}" for one in tags)]) + "\n"


def render_entry_points(groups: Mapping[str, Mapping[str, str]]) -> str:
    """`entry_points.txt` (entry points specification)."""
    blocks = (
        f"[{group}]\n" + "".join(f"{name} = {target}\n" for name, target in sorted(entries.items()))
        for group, entries in sorted(groups.items())
    )
    return "\n".join(blocks)


def make_sdist(name: str, version: str, files: Mapping[str, Content]) -> bytes:
    """A `.tar.gz` of `files` and a PKG-INFO below `name-version/`."""
    stem = f"{escaped(name)}-{version}"
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path, value in sorted({"PKG-INFO": render_metadata(name, version), **files}.items()):
            body = as_bytes(value)
            member = tarfile.TarInfo(f"{stem}/{path}")
            member.size = len(body)
            archive.addfile(member, io.BytesIO(body))
    return gzip.compress(buffer.getvalue(), mtime=0)


def as_bytes(value: Content) -> bytes:
    """Text as UTF-8."""
    return value.encode() if isinstance(value, str) else value
