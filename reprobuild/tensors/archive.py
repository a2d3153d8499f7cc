"""Zips from trainings: their directory is bounded before it is read (APPNOTE.TXT of PKWARE)."""

import zipfile
from typing import BinaryIO

from reprobuild.tensors.errors import MalformedError, UncomparableError
from reprobuild.tensors.ziplimits import check_directory_of


def open_zip(stream: BinaryIO) -> zipfile.ZipFile:
    """The zip; two members of one name, or packing other than deflate, are refused."""
    check_directory_of(stream)
    archive = zipfile.ZipFile(stream)
    infos = archive.infolist()
    if len({info.filename for info in infos}) != len(infos):
        raise MalformedError("a zip with two members of one name")
    if any(info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for info in infos):
        raise UncomparableError("a zip that is compressed with something other than deflate")
    return archive
