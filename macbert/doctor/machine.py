"""Processor, memory and graphics card, and the place where files will be written."""

from __future__ import annotations

import locale
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from macbert.doctor.findings import Finding

GB = 1e9


def machine_findings() -> Iterator[Finding]:
    """Yield what the machine has that matters for speed."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    yield Finding(
        "machine", "python", "sound", f"{platform.python_version()}, {platform.system()} {platform.machine()}"
    )
    try:
        import torch
    except Exception as error:  # a broken library fails in many ways, and each is a finding
        found = f"torch cannot be imported: {str(error).splitlines()[0][:120]}"
        yield Finding("machine", "torch", "fault", found, "install torch again: pip install --force-reinstall torch")
        return
    from macbert.pretraining.devices import has_fast_bf16

    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    capability = torch.backends.cpu.get_cpu_capability()
    yield Finding("machine", "processor", "sound", f"{cores} cores{load}, {capability}, torch {torch.__version__}")
    if memory := available_memory():
        total, free = memory
        found = f"{free / GB:.1f} of {total / GB:.1f} GB free"
        if free >= 2 * GB:
            yield Finding("machine", "memory", "sound", found)
        else:
            fix = "close other programs, or use small batches and few workers"
            yield Finding("machine", "memory", "note", found, fix)
    if torch.cuda.is_available():
        for number in range(torch.cuda.device_count()):
            card = torch.cuda.get_device_properties(number)
            found = f"{card.name}, {card.total_memory / GB:.0f} GB, compute {card.major}.{card.minor}"
            yield Finding("machine", f"GPU {number}", "sound", found)
    elif shutil.which("nvidia-smi") or Path("/proc/driver/nvidia/version").exists():
        build = torch.version.cuda or "no CUDA"
        fix = "install a torch build for your driver (pytorch.org/get-started)"
        yield Finding("machine", "GPU", "note", f"a driver is there, but torch (built for {build}) sees no card", fix)
    else:
        yield Finding("machine", "GPU", "sound", "none: everything runs on the processor")
    if has_fast_bf16():
        yield Finding("machine", "bf16", "sound", "in hardware: pretraining takes it by itself")
    else:
        yield Finding("machine", "bf16", "note", "not in hardware: pretraining runs in float32, about half as fast")


def available_memory() -> tuple[int, int] | None:
    """Return the bytes of memory, all and available, or None where the system does not say."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    sizes = {name: int(rest.split()[0]) * 1024 for name, _, rest in (line.partition(":") for line in lines)}
    return sizes["MemTotal"], sizes.get("MemAvailable", sizes["MemFree"])


def place_findings(folder: str, min_free_gb: float) -> Iterator[Finding]:
    """Yield whether text can be printed and named in Chinese, and whether files can be written."""
    encodings = {
        "file names": sys.getfilesystemencoding(),
        "text files": locale.getpreferredencoding(False),
        "terminal": getattr(sys.stdout, "encoding", None) or "utf-8",
    }
    wrong = {name: value for name, value in encodings.items() if value.lower().replace("-", "") not in ("utf8",)}
    if wrong:
        found = ", ".join(f"{name} in {value}" for name, value in wrong.items())
        yield Finding("place", "locale", "fault", found, "export LC_ALL=C.UTF-8 (or PYTHONUTF8=1)")
    else:
        yield Finding("place", "locale", "sound", "UTF-8")
    yield _writing("folder", Path(folder).resolve(), "choose another folder, or mend its rights")
    yield _writing("temporary files", Path(tempfile.gettempdir()), "set TMPDIR to a folder that you may write")
    free = shutil.disk_usage(folder).free / GB
    if free < min_free_gb:
        found = f"{free:.1f} GB free, less than {min_free_gb:g}"
        yield Finding("place", "disk", "fault", found, "free some space, or choose a folder on another disk")
    else:
        yield Finding("place", "disk", "sound", f"{free:.1f} GB free")
    told = {name: os.environ[name] for name in ("HF_ENDPOINT", "HF_HOME", "HF_HUB_OFFLINE") if name in os.environ}
    yield Finding("place", "hub", "sound", ", ".join(f"{k}={v}" for k, v in told.items()) or "huggingface.co")


def _writing(name: str, folder: Path, fix: str) -> Finding:
    """Write a file with a Chinese name and read it again: rights alone do not say what a disk takes."""
    try:
        with tempfile.TemporaryDirectory(prefix="macbert-doctor-", dir=folder) as inside:
            path = Path(inside, "检查.txt")
            path.write_text("使用语言模型", encoding="utf-8")
            if path.read_text(encoding="utf-8") != "使用语言模型":
                return Finding("place", name, "fault", f"{folder} gives back other bytes than were written", fix)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        return Finding("place", name, "fault", f"{folder} cannot be written: {reason}", fix)
    return Finding("place", name, "sound", f"{folder} can be written")
