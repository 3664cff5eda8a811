"""The folder an audit leaves: locked, whole files, nothing overwritten."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sovaudit.errors import OutputError, UsageError
from sovaudit.output import OutputFolder, write_whole


def test_a_new_folder_is_made_and_left_clean(tmp_path: Path) -> None:
    with OutputFolder(tmp_path / "a/b") as folder:
        folder.write("one", b"data")
    assert [path.name for path in (tmp_path / "a/b").iterdir()] == ["one"]


def test_two_audits_never_share_a_folder(tmp_path: Path) -> None:
    with OutputFolder(tmp_path / "out"), pytest.raises(UsageError, match="another audit"):
        OutputFolder(tmp_path / "out", resume=True)


def test_a_finished_audit_is_not_resumed(tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text("{}")
    with pytest.raises(UsageError, match="finished"):
        OutputFolder(tmp_path, resume=True)


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    place = tmp_path / "file"
    place.write_bytes(b"old")
    (tmp_path / f".file.{os.getpid()}").mkdir()
    with pytest.raises((OutputError, OSError)):
        write_whole(place, b"new")
    assert place.read_bytes() == b"old"


def test_a_folder_in_the_way_is_an_output_error(tmp_path: Path) -> None:
    (tmp_path / "report.json").mkdir()
    with OutputFolder(tmp_path / "out") as folder, pytest.raises(OutputError):
        (folder.path / "report.json").mkdir()
        folder.write("report.json", b"{}")
    assert not list((tmp_path / "out").glob(".report*"))
