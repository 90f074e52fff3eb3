"""The curves of a log as a picture and as a page."""

from __future__ import annotations

import json
import re
from pathlib import Path

from macbert.pretraining.plot import plot_loss


def write_log(folder: Path, name: str = "log.jsonl") -> None:
    entries = [
        {"step": 10, "mlm_loss": 4.0, "sop_loss": None, "tokens": 1000},
        {"step": 20, "mlm_loss": 3.0, "sop_loss": 0.5, "tokens": 2000, "note": "</script><b>"},
        {"step": 20, "eval_mlm_accuracy": 0.25, "eval_sop_accuracy": None},
    ]
    (folder / name).write_text("".join(json.dumps(entry) + "\n" for entry in entries))


def test_every_point_of_the_log_is_in_the_page(tmp_path: Path) -> None:
    write_log(tmp_path)
    assert plot_loss(tmp_path).read_bytes().startswith(b"\x89PNG")
    page = (tmp_path / "loss.html").read_text(encoding="utf-8")
    tips = re.findall(r"<title>(step [^<]*)</title>", page)
    assert tips == ["step 10: 4", "step 20: 3", "step 20: 0.5", "step 20: 0.25"]
    assert "<td>tokens</td><td>2,000</td>" in page
    # What a log says is text, never markup.
    assert page.count("</script>") == 1
    assert "http" not in page


def test_a_log_without_steps_gives_an_empty_page(tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").write_text("")
    plot_loss(tmp_path)
    assert "<svg" not in (tmp_path / "loss.html").read_text(encoding="utf-8")
