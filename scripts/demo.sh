#!/usr/bin/env bash
# The whole road on real Chinese text, from nothing but python3 >= 3.11: sets up .venv, then `macbert demo`.
#   bash scripts/demo.sh [--budget short|long] [--text TEXT ...] [--output DIR]     see also: bash scripts/demo.sh --help
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/setup-venv.sh"
set_up_venv demo
export HF_HUB_OFFLINE=1 # the demo's data comes with a package; nothing is fetched from a hub
# -P: files of the working folder (a tokenizer.py, say) must not stand in front of ours.
exec "$VENV_PYTHON" -P -m macbert demo "$@"
