"""The peers of the corpus floor, each in an environment of its own, asked about the same texts in the same run."""

from __future__ import annotations

import json
import subprocess
import sys
import venv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

PACKAGES = {
    "datatrove": [
        "datatrove[processing]==0.10.1",
        "spacy>=3.8,<4",
        "jieba==0.42.1",
        "orjson>=3,<4",
        "datasketch==2.0.0",
    ],
    # aiohttp and ray are imported by it and not among its requirements.
    "data_juicer": ["py-data-juicer==1.6.1", "aiohttp>=3,<4", "ray>=2.49,<3"],
}
ENVIRONMENTS = {"datasketch": "datatrove"}


class Peers:
    """Runs jobs of ``peer_jobs.py`` with a peer's Python; environments are made on first use and kept in a folder."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def ask(self, job: str, texts: Sequence[str]) -> Any:
        """Return the job's answer, or a string that says why there is none."""
        if self._folder is None:
            return "not asked: give --peers FOLDER"
        name = next(name for name in (*PACKAGES, *ENVIRONMENTS) if job.startswith(name))
        try:
            python = self._environment(ENVIRONMENTS.get(name, name))
        except subprocess.CalledProcessError as error:
            return f"does not install here (pip ended with {error.returncode})"
        # -P: this folder has files with the names of modules that peers import.
        command = [str(python), "-P", str(Path(__file__).with_name("peer_jobs.py")), job]
        done = subprocess.run(command, input=json.dumps(texts), capture_output=True, text=True, check=False)
        if done.returncode:
            return f"fails: {done.stderr.strip().splitlines()[-1][:120]}"
        return json.loads(done.stdout)

    def _environment(self, name: str) -> Path:
        assert self._folder is not None
        place = self._folder / name
        python = place / "bin" / "python"
        if not (place / "ready").is_file():
            print(f"installing {name} into {place} ...", file=sys.stderr)
            venv.create(place, with_pip=True, clear=True)
            subprocess.run([python, "-m", "pip", "install", "--quiet", *PACKAGES[name]], check=True)
            (place / "ready").touch()
        return python
