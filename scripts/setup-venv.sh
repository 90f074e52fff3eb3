# shellcheck shell=bash
# Sourced by demo.sh and test.sh. `set_up_venv EXTRA...` leaves $VENV_PYTHON, a Python of .venv that has this package
# (editable) and these extras, or ends the script with 1 and the reason. When nothing is missing it installs nothing.

ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
VENV="$ROOT/.venv"
VENV_PYTHON="$VENV/bin/python"

say() { printf '%s\n' "[setup] $*" >&2; }
die() { say "$*"; exit 1; }

is_recent() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

# Prints the first Python >= 3.11: $PYTHON if given, then python3, then the numbered names.
find_python() {
    local name
    if [ -n "${PYTHON:-}" ]; then
        is_recent "$PYTHON" || die "PYTHON=$PYTHON is not a working Python >= 3.11"
        echo "$PYTHON"
        return
    fi
    for name in python3 python3.13 python3.12 python3.11; do
        if is_recent "$name"; then
            echo "$name"
            return
        fi
    done
    die "Python >= 3.11 is needed, and $(python3 --version 2>&1 || echo 'no python3') is what is here;" \
        "install one (Debian/Ubuntu: apt install python3.11 python3.11-venv) or name it: PYTHON=/path/to/python3.11 bash $0"
}

# Exits 0 when the stamp tells of this checkout's setup.py, this Python and these extras, and every package is there.
# `write` in place of `check` makes that stamp. The stamp is written last, so a half-made .venv has none.
stamp() {
    "$VENV_PYTHON" -I - "$ROOT" "$@" <<'PY'
import hashlib
import json
import re
import sys
from importlib import metadata
from pathlib import Path

root, action, *extras = sys.argv[1:]
path = Path(root, ".venv", "setup-stamp.json")
told = [Path(root, "setup.py").read_text("utf-8"), Path(root, "scripts", "setup-venv.sh").read_text("utf-8"), root, sys.version]
key = hashlib.sha256("\0".join(told).encode()).hexdigest()
try:
    old = json.loads(path.read_text("utf-8"))
except (OSError, ValueError):
    old = {}
had = old.get("extras", []) if old.get("key") == key else []
if action == "write":
    path.write_text(json.dumps({"key": key, "extras": sorted({*had, *extras})}) + "\n", "utf-8")
    sys.exit()
if old.get("key") != key or not {*extras} <= {*had}:
    sys.exit(1)
try:
    for requirement in metadata.requires("macbert-zh") or []:
        name = re.match(r"[\w.-]+", requirement)[0]
        extra = re.search(r"extra == .(\w+)", requirement)
        if not extra or extra[1] in extras:
            metadata.version(name)
except metadata.PackageNotFoundError as missing:
    sys.exit(f"[setup] {missing.name} is gone from .venv")
PY
}

has_gpu() {
    compgen -G '/dev/nvidia[0-9]*' >/dev/null || { command -v nvidia-smi >/dev/null && nvidia-smi -L >/dev/null 2>&1; }
}

# Ends with a clear line when the disk of the checkout has less than this many GiB free.
need_disk() {
    local free_kib
    free_kib="$(df -Pk "$ROOT" | awk 'NR == 2 { print $4 }')"
    [ "$free_kib" -ge $(($1 * 1024 * 1024)) ] ||
        die "$1 GiB free are needed for the packages, and $ROOT has $((free_kib / 1024)) MiB; free some and run this again"
}

pip_install() {
    local quiet=(--quiet)
    [ -t 1 ] && quiet=()
    "$VENV_PYTHON" -m pip install --disable-pip-version-check "${quiet[@]}" "$@" && return
    need_disk 1
    die "pip failed (see above); mend the cause and run this again: what is installed already is kept"
}

# PyPI's torch for Linux carries CUDA: the environment takes 6.7 GB with it and 2.3 GB with a CPU build. So without a
# GPU take the newest CPU build that pip finds in its configured indexes and folders: its local version is +cpu, and a
# plain `pip install torch` would pass it over for a newer version without it.
install_torch() {
    local range build has_torch
    range="$(sed -n 's/^ *"\(torch[>=][^"]*\)".*/\1/p' "$ROOT/setup.py")"
    [ -n "$range" ] || die "setup.py names no torch"
    has_torch='from importlib.metadata import version; from packaging.requirements import Requirement; import sys
needed = Requirement(sys.argv[1]); sys.exit(not needed.specifier.contains(version(needed.name)))'
    "$VENV_PYTHON" -c "$has_torch" "$range" 2>/dev/null && return
    if has_gpu; then
        say "an NVIDIA GPU is here: taking the default build of torch"
        need_disk 10
    else
        for build in $("$VENV_PYTHON" -m pip index versions torch 2>/dev/null |
            sed -n 's/^Available versions: //p' | tr -d ' ' | tr ',' '\n' | grep '+cpu$'); do
            # The newest may lie outside setup.py's range.
            "$VENV_PYTHON" -m pip install --quiet --dry-run --no-deps "torch==$build" "$range" 2>/dev/null || continue
            say "no GPU: installing torch $build"
            pip_install "torch==$build"
            return
        done
        say "no GPU, but pip finds no CPU build of torch: taking the default one, several GB larger. To avoid that:" \
            "PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu bash $0"
        need_disk 10
    fi
    pip_install "$range"
}

make_venv() {
    local python
    if [ -e "$VENV" ] && is_recent "$VENV_PYTHON"; then
        "$VENV_PYTHON" -m pip --version >/dev/null 2>&1 || "$VENV_PYTHON" -m ensurepip >/dev/null 2>&1
        "$VENV_PYTHON" -m pip --version >/dev/null 2>&1 && return
    fi
    python="$(find_python)" || exit 1
    "$python" -c 'import ensurepip, venv' 2>/dev/null ||
        die "$("$python" --version) lacks the venv module; Debian/Ubuntu: apt install python3-venv (or python3.11-venv)"
    need_disk 4
    [ -e "$VENV" ] && say "$VENV does not work: making it anew"
    "$python" -m venv --clear "$VENV" || die "could not make $VENV (see above)"
}

set_up_venv() {
    local extras
    extras="$(IFS=, && echo "$*")"
    # Two of these scripts at once would install over each other: the second waits. The script itself is the lock.
    exec 9<"${BASH_SOURCE[0]}"
    if command -v flock >/dev/null; then flock 9; fi
    if ! { is_recent "$VENV_PYTHON" && stamp check "$@"; }; then
        make_venv
        say "installing into $VENV; the first time takes some minutes"
        install_torch
        pip_install --editable "${ROOT}[$extras]"
        stamp write "$@" || die "could not write into $VENV"
        say "done"
    fi
    exec 9<&-
}
