"""scripts/setup-browser.sh with stand-ins for apt-get and Playwright: what is tried, in which order, what is said."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"


def set_up(folder: Path, system: str, *, apt: str = "exit 1", playwright: str = "exit 1", has: str = "") -> list[str]:
    """Run `set_up_browser` where only the stand-ins can be found; return what was called and said."""
    (folder / "os-release").write_text(f"ID={system}\n", encoding="utf-8")
    bin_folder = folder / "bin"
    bin_folder.mkdir()
    stands = {
        "apt-get": f'echo "apt-get $*" >> {folder}/calls\ncase "$*" in *update*) ;; *) {apt};; esac',
        "python": f'[ "$1" = -c ] && exit 1\necho "python $*" >> {folder}/calls\n{playwright}',
        "id": "echo 0",
    }
    if has:
        stands[has] = "exit 0"
    for name, text in stands.items():
        (bin_folder / name).write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
        (bin_folder / name).chmod(0o755)
    for name in ("bash", "sh", "env", "timeout", "grep", "printf", "true", "dirname", "pwd"):
        found = next(Path(place, name) for place in ("/bin", "/usr/bin") if Path(place, name).exists())
        (bin_folder / name).symlink_to(found)
    command = f"""
        say() {{ printf '%s\\n' "$*" >&2; }}
        VENV_PYTHON={bin_folder}/python
        source "{SCRIPTS}/setup-browser.sh"
        set_up_browser
    """
    environment = {"PATH": str(bin_folder), "OS_RELEASE": str(folder / "os-release"), "HOME": os.environ["HOME"]}
    done = subprocess.run(
        [str(bin_folder / "bash"), "-euo", "pipefail", "-c", command], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    calls = folder / "calls"
    return [*(calls.read_text("utf-8").splitlines() if calls.exists() else []), *done.stderr.splitlines()]


@pytest.mark.parametrize("name", ["chromium", "chromium-headless-shell", "google-chrome"])
def test_a_browser_that_is_there_is_taken_and_nothing_is_installed(tmp_path: Path, name: str) -> None:
    assert set_up(tmp_path, "debian", has=name) == []


def test_on_debian_the_shell_comes_before_the_whole_browser(tmp_path: Path) -> None:
    done = set_up(tmp_path, "debian", apt='case "$*" in *headless-shell) exit 1;; esac')
    assert [line.split()[-1] for line in done[:3]] == ["update", "chromium-headless-shell", "chromium"]
    assert not any("python" in line or "skipped" in line for line in done)


def test_elsewhere_playwright_brings_its_own(tmp_path: Path) -> None:
    done = set_up(tmp_path, "ubuntu", playwright="exit 0")
    assert done[0] == "python -m playwright install --only-shell chromium"
    assert not any("apt-get" in line or "skipped" in line for line in done)


def test_where_none_can_be_had_the_tests_go_on_and_it_is_said(tmp_path: Path) -> None:
    done = set_up(tmp_path, "debian")
    assert sum("apt-get" in line for line in done) == 3
    assert "browser tests will be skipped" in done[-1]
