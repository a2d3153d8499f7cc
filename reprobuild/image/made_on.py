"""What is made for an image whose base is an image: its caches, accounts and databases are that base's own."""

from reprobuild.ground.tar import Entry
from reprobuild.image.made import FOLDERS
from reprobuild.image.spool import Spool
from reprobuild.image.view import View
from reprobuild.lock.base import Base
from reprobuild.lock.oci_python import LINKS


def make_rest_on(base: Base, view: View, spool: Spool) -> None:
    """Put into `spool` what the image lacks: places to mount at, and links to its Python."""
    for folder, mode in FOLDERS.items():
        if not view.kind(folder):
            spool.add(Entry(folder, "dir", mode))
    if base.environment.get("PATH", "").startswith(f"{LINKS}:"):
        for name in ("python", "python3"):
            spool.add(Entry(f"{LINKS.lstrip('/')}/{name}", "symlink", 0o777, link=base.python.executable))
