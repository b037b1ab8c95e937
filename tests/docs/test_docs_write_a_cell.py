"""The package of the page on writing a cell is one that pip can build, whatever else lies beside its file."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

from running import ROOT, build_wheel

PAGE = (ROOT / "docs" / "cells" / "write-a-cell.md").read_text(encoding="utf-8")


def test_the_package_can_be_built_with_other_files_beside_it(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    for kind, name in (("python", "zoo_ctrnn.py"), ("toml", "pyproject.toml")):
        (block,) = re.findall(rf"^```{kind}\n(# {re.escape(name)}\n.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
        (project / name).write_text(block)
    for beside in ("irregular.yaml", "train.py", "test_ctrnn.py"):
        (project / beside).write_text("")
    with zipfile.ZipFile(build_wheel(project, tmp_path)) as wheel:
        files = wheel.namelist()
        points = wheel.read("zoo_ctrnn-0.1.0.dist-info/entry_points.txt").decode()
    assert [file for file in files if "dist-info" not in file] == ["zoo_ctrnn.py"]
    assert "ctrnn = zoo_ctrnn" in points
    assert "pip install -e ." in PAGE
