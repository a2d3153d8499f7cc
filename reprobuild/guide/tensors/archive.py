"""Zips from trainings: their directory is bounded before it is read (APPNOTE.TXT of PKWARE)."""

import zipfile
from typing import BinaryIO

from reprobuild.guide.tensors.model import UnreadableError
from reprobuild.verdict.ziplimits import check_directory_of


def open_zip(stream: BinaryIO) -> zipfile.ZipFile:
    """The zip; UnreadableError for two members of one name, or for packing other than deflate."""
    check_directory_of(stream)
    archive = zipfile.ZipFile(stream)
    infos = archive.infolist()
    if len({info.filename for info in infos}) != len(infos):
        raise UnreadableError("a zip with two members of one name")
    if any(info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for info in infos):
        raise UnreadableError("a zip that is compressed with something other than deflate")
    return archive
