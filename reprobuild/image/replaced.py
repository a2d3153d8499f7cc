"""What a base that is an image has in another version than the locked wheels: removed before they come, as pip would.

Two versions in one folder would be a mixture of files, of which Python tells one version or the other.
"""

import csv
import posixpath
import re
from collections.abc import Collection, Iterator

from packaging.utils import canonicalize_name

from reprobuild.ground.errors import InputError
from reprobuild.image.spool import Spool
from reprobuild.image.view import View
from reprobuild.image.whiteouts import PREFIX

_FOLDER = re.compile(r"(?P<name>.+?)-[^-]+\.dist-info")


def remove_replaced(view: View, wheels: Collection[str], site: str, spool: Spool) -> list[str]:
    """Put whiteouts into `spool` for what is installed in `site` under the name of a wheel; the names come back.

    Which files a distribution has, its RECORD says (PEP 376).
    """
    names, gone = [], set[str]()
    place = view.find(site)
    for folder in view.names(site):
        found = _FOLDER.fullmatch(folder)
        if found and canonicalize_name(found["name"]) in wheels:
            names.append(folder.removesuffix(".dist-info"))
            gone |= {*_recorded(view, place, folder), f"{place}/{folder}"}  # a file may be recorded by several
    for path in sorted(gone):
        parent, _, name = path.rpartition("/")
        spool.add_bytes(f"{parent}/{PREFIX}{name}", b"")
    return names


def _recorded(view: View, place: str, folder: str) -> Iterator[str]:
    """The files of a distribution that are there, each behind all links, but those in its own folder."""
    try:
        rows = list(csv.reader(view.text(f"{place}/{folder}/RECORD").splitlines()))
    except csv.Error as error:
        raise InputError(f"/{place}/{folder}/RECORD: {error}", hint="take a base without that package") from error
    for row in rows:
        path = posixpath.normpath(posixpath.join(f"/{place}", row[0] if row else "")).strip("/")
        parent, _, name = path.rpartition("/")
        real = f"{view.find(parent)}/{name}"
        if parent and view.kind(real) not in ("", "dir") and not real.startswith(f"{place}/{folder}/"):
            yield real
