#!/usr/bin/env bash
# All that must hold, as CI runs it, from nothing but python3 >= 3.11: lint, format, types, tests (and docstring examples).
#   bash scripts/test.sh [--all] [pytest arguments]     --all: the slow proofs too
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/setup-venv.sh"
source "$ROOT/scripts/setup-browser.sh"
extras=(demo dev docs test)
[ "${1:-}" != "--all" ] || extras+=(deepspeed)
set_up_venv "${extras[@]}"
set_up_browser
export HF_HUB_OFFLINE=1 LC_ALL=C.UTF-8 # no hub; messages follow the locale, and the tests read the English ones
cd "$ROOT"

marker=(-m "not slow")
if [ "${1:-}" = "--all" ]; then
    marker=()
    shift
fi

failed=()
check() {
    printf '\n== %s\n' "$1"
    "$VENV_PYTHON" -m "${@:2}" || failed+=("$1")
}
check "ruff check" ruff check .
check "ruff format" ruff format --check .
check "mypy" mypy
check "pytest" pytest "${marker[@]}" "$@" # -ra in pyproject.toml: every skip with its reason

if [ ${#failed[@]} -gt 0 ]; then
    printf '\nfailed: %s\n' "${failed[*]}" >&2
    exit 1
fi
