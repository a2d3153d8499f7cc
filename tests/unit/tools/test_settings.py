import os
import pwd
from pathlib import Path

from reprobuild.tools.settings import read_settings


def test_without_home_the_store_is_in_the_folder_that_the_system_knows() -> None:
    known = Path(pwd.getpwuid(os.getuid()).pw_dir)

    assert read_settings({}).store == known / ".local/share/reprobuild"
    assert read_settings({"HOME": ""}) == read_settings({})


def test_home_and_its_variables_win(tmp_path: Path) -> None:
    assert read_settings({"HOME": str(tmp_path)}).store == tmp_path / ".local/share/reprobuild"
    assert read_settings({"HOME": str(tmp_path), "XDG_DATA_HOME": "/data"}).store == Path("/data/reprobuild")
    assert read_settings({"HOME": str(tmp_path), "REPROBUILD_STORE": "/big"}).store == Path("/big")
