#!/usr/bin/env bash
# The site of docs/ in both languages, into site/; a warning is an error. Nothing is fetched from a network.
#   bash scripts/docs/build.sh [--output DIR]     then open site/index.html (searching needs a server: see what it prints)
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../setup-venv.sh"
set_up_venv docs
exec "$VENV_PYTHON" "$ROOT/scripts/docs/build_site.py" "$@"
