"""What is made for an image whose base is an image: its caches, accounts and databases are that base's own."""

from reprobuild.ground.tar import Entry
from reprobuild.image.made import FOLDERS, HISTORY
from reprobuild.image.spool import Spool
from reprobuild.image.view import View
from reprobuild.lock.base import Base
from reprobuild.lock.oci_python import LINKS


def make_rest_on(base: Base, view: View, spool: Spool) -> None:
    """Put into `spool` what the image lacks: places to mount at, and links to its Python."""
    for folder, mode in FOLDERS.items():
        if not view.kind(folder):
            spool.add(Entry(folder, "dir", mode))
    if view.kind(HISTORY.rpartition("/")[0]) == "dir" and not view.kind(HISTORY):
        spool.add_bytes(HISTORY, b"")
    if LINKS in base.environment.get("PATH", "").split(":"):
        for name in ("python", "python3"):
            spool.add(Entry(f"{LINKS.lstrip('/')}/{name}", "symlink", 0o777, link=base.python.executable))
