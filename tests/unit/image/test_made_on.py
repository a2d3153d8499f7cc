from builders.images import image_base

from reprobuild.image.made_on import make_rest_on
from reprobuild.image.note import Note
from reprobuild.image.spool import Spool
from reprobuild.image.view import View
from reprobuild.lock.oci_python import LINKS


def made(paths: dict[str, str], path: str) -> dict[str, str]:
    view = View([("layer", Note(paths=paths, sonames={}, texts={}, scripts={}))])
    with Spool("image") as spool:
        make_rest_on(image_base(environment={"PATH": path}), view, spool)
        return {name: entry.link or f"{entry.kind} {entry.mode:o}" for name, entry in spool.entries.items()}


def test_an_image_gets_the_places_that_a_run_mounts_where_it_lacks_them() -> None:
    found = made({"tmp": "dir", "data": "symlink:srv", "var/tmp/x": "file"}, "/usr/bin")

    assert found["work"] == "dir 755"
    assert found["root"] == "dir 700"
    assert not {"tmp", "data", "var/tmp"} & found.keys()
    assert not any(name.startswith("opt") for name in found)


def test_python_is_linked_where_the_path_was_given_a_place_for_it() -> None:
    found = made({}, f"{LINKS}:/usr/bin")

    assert found[f"{LINKS[1:]}/python"] == found[f"{LINKS[1:]}/python3"] == "/usr/bin/python3.11"


def test_nothing_of_the_images_own_caches_and_accounts_is_made() -> None:
    assert not {"etc/passwd", "etc/ld.so.cache", "var/lib/dpkg/status"} & made({}, "/usr/bin").keys()
