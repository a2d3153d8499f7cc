"""The Python and the C library of a base that nobody described, found by their names in it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import ValidationError

from reprobuild.ground.errors import InputError
from reprobuild.image.view import View
from reprobuild.lock.base import PythonOf

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
LINKS = "/opt/reprobuild/bin"
"""Where an image has `python` and `python3` when its base has them nowhere, or others."""
_NAME = re.compile(r"python3\.(\d{1,2})")
_LIBRARIES = ("lib/x86_64-linux-gnu", "lib64", "usr/lib/x86_64-linux-gnu", "usr/lib64", "lib", "usr/lib")
_DEBIAN = ("/etc/debian_version", "/var/lib/dpkg", "/usr/lib/python3/dist-packages")
"""Any of them says that /usr is Debian's or a descendant's, whose Python looks for wheels in `dist-packages`."""
HINT = 'name one: [image] python = "/usr/bin/python3.11"'


@dataclass(frozen=True)
class Found:
    """An interpreter and its exact version."""

    python: PythonOf
    version: str


def find_python(view: View, environment: Mapping[str, str], named: str, subject: str) -> Found | None:
    """The Python that `named` or else the image's own PATH leads to; None where PATH leads to none."""
    executable = named or _on_path(view, environment)
    if not executable:
        return None
    real = view.find(executable)
    found = _NAME.fullmatch(real.rpartition("/")[2])
    if not found or not view.is_file(real):
        raise InputError(f"{subject}: {executable}: not a Python 3 by its name", hint=HINT)
    minor = found[1]
    python = _describe(view, executable, real, f"python3.{minor}", subject)
    return Found(python, _version(view, environment, real, minor, subject))


def _on_path(view: View, environment: Mapping[str, str]) -> str:
    for folder in environment.get("PATH", PATH).split(":"):
        for name in ("python3", "python", *_versioned(view, folder)):
            if folder.startswith("/") and _NAME.fullmatch(view.find(f"{folder}/{name}").rpartition("/")[2]):
                return f"{folder.rstrip('/')}/{name}"
    return ""


def _versioned(view: View, folder: str) -> list[str]:
    found = [name for name in view.names(folder) if _NAME.fullmatch(name)]
    return sorted(found, key=lambda name: -int(name.removeprefix("python3.")))


def _describe(view: View, executable: str, real: str, name: str, subject: str) -> PythonOf:
    """Where wheels go: the interpreter's own site folder, or Debian's for what its packages do not bring."""
    folder = executable.rpartition("/")[0]
    prefix = folder.rpartition("/")[0]
    own = view.find(f"{prefix}/pyvenv.cfg")  # a virtual environment has a site of its own (PEP 405)
    home = "" if own else "/" + real.rpartition("/")[0].rpartition("/")[0]
    place = prefix if own else home.rstrip("/")
    scripts = f"{place}/bin"
    library = "lib" if own or view.is_file(f"{place}/lib/{name}/os.py") else "lib64"
    if not own and not view.is_file(f"{place}/{library}/{name}/os.py"):
        raise InputError(f"{subject}: {executable}: it has no standard library in {place}/lib/{name}", hint=HINT)
    site = f"{place}/{library}/{name}/site-packages"
    if not own and place == "/usr" and any(map(view.kind, _DEBIAN)):
        site, scripts = f"/usr/local/lib/{name}/dist-packages", "/usr/local/bin"
    chosen = f"{folder}/{executable.rpartition('/')[2]}" if own else f"/{real}"
    try:
        return PythonOf(package=name, executable=chosen, site=site, scripts=scripts)
    except ValidationError as error:
        raise InputError(f"{subject}: {chosen}: not a path that reprobuild takes", hint=HINT) from error


def _version(view: View, environment: Mapping[str, str], real: str, minor: str, subject: str) -> str:
    """From the interpreter's own bytes, or its library's; else what the official images' variable says."""
    folder = real.rpartition("/")[0].rpartition("/")[0]
    libraries = [
        f"{folder}/{place}/{name}"
        for place in ("lib", "lib64", "lib/x86_64-linux-gnu")
        for name in view.names(f"{folder}/{place}")
        if name.startswith(f"libpython3.{minor}.so")
    ]
    said = [view.text(path) for path in (real, *libraries)]
    said.append(environment.get("PYTHON_VERSION", ""))
    for version in said:
        if re.fullmatch(rf"3\.{minor}\.\d{{1,3}}", version):
            return version
    raise InputError(
        f"{subject}: /{real}: its exact version is told by nothing in it",
        hint=f"name another interpreter, or set PYTHON_VERSION in the base: {HINT}",
    )


def lead_path(environment: Mapping[str, str], python: PythonOf, view: View) -> dict[str, str]:
    """The variables with a PATH on which `python` and `python3` are the interpreter that wheels are installed for.

    Where the base's own PATH leads elsewhere, `LINKS` comes first, and the image has links there.
    """
    path = environment.get("PATH", PATH)
    own = python.executable.rpartition("/")[0]
    for first in ("", f"{own}:"):
        if _leads(first + path, python, view):
            return {**environment, "PATH": first + path}
    return {**environment, "PATH": f"{LINKS}:{path}"}


def _leads(path: str, python: PythonOf, view: View) -> bool:
    for name in ("python", "python3"):
        found = (view.find(f"{folder}/{name}") for folder in path.split(":") if folder.startswith("/"))
        if next((place for place in found if place), "") != view.find(python.executable):
            return False
    return True


def find_glibc(view: View) -> str:
    """The version of the C library (`2.36`); empty where there is none, or another one."""
    for folder in _LIBRARIES:
        path = f"{folder}/libc.so.6"
        if version := view.text(path):
            return version
        if found := re.fullmatch(r"libc-(2\.\d{1,3})\.so", view.find(path).rpartition("/")[2]):
            return found[1]
    return ""
