from reprobuild.image.note import Note
from reprobuild.image.replaced import remove_replaced
from reprobuild.image.spool import Spool
from reprobuild.image.view import View

SITE = "usr/lib/python3.11/site-packages"
RECORD = """\
demo/__init__.py,sha256=x,1
"demo/a,b.py",,
demo/__pycache__/__init__.cpython-311.pyc,,
../../../bin/demo,,
/usr/share/demo.txt,,
../../../../../../../etc/passwd,,
demo_one-1.0.dist-info/RECORD,,
demo,,

nowhere.py,,
"""
PATHS = {
    **{f"{SITE}/{name}": "file" for name in ("demo/__init__.py", "demo/a,b.py", "demo/own.py", "other.py")},
    f"{SITE}/demo_one-1.0.dist-info/RECORD": "file",
    f"{SITE}/other-2.0.dist-info/RECORD": "file",
    "usr/bin/demo": "symlink:tool",
    "usr/share/demo.txt": "file",
    "lib": "symlink:usr/lib",
}


def removed(wheels: set[str], paths: dict[str, str] = PATHS, site: str = f"/{SITE}") -> tuple[list[str], list[str]]:
    texts = {f"{SITE}/demo_one-1.0.dist-info/RECORD": RECORD}
    view = View([("base", Note(paths=paths, sonames={}, texts=texts, scripts={}))])
    with Spool("replaced", whiteouts=True) as spool:
        names = remove_replaced(view, wheels, site, spool)
        return names, sorted(spool.entries)


def test_what_a_wheel_replaces_is_removed_file_by_file_as_recorded() -> None:
    names, paths = removed({"demo-one", "new"})

    assert names == ["demo_one-1.0"]
    assert paths == [
        "usr/bin/.wh.demo",
        f"{SITE}/.wh.demo_one-1.0.dist-info",
        f"{SITE}/demo/.wh.__init__.py",
        f"{SITE}/demo/.wh.a,b.py",
        "usr/share/.wh.demo.txt",
    ]


def test_a_file_that_two_replaced_packages_share_is_removed_once() -> None:
    names = ("one-1.0", "two-2.0")
    record = "shared/__init__.py,,\n"
    records = {f"{SITE}/{name}.dist-info/RECORD": record for name in names}
    paths = {**dict.fromkeys(records, "file"), f"{SITE}/shared/__init__.py": "file"}
    view = View([("base", Note(paths=paths, sonames={}, texts=records, scripts={}))])
    with Spool("replaced", whiteouts=True) as spool:
        assert remove_replaced(view, {"one", "two"}, f"/{SITE}", spool) == list(names)
        assert f"{SITE}/shared/.wh.__init__.py" in spool.entries


def test_a_site_behind_a_link_is_the_same_place() -> None:
    assert removed({"demo-one"}, site="/lib/python3.11/site-packages") == removed({"demo-one"})


def test_what_no_wheel_brings_stays() -> None:
    assert removed({"new"}) == ([], [])
    assert removed({"demo-one"}, {}) == ([], [])
