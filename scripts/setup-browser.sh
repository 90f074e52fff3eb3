# shellcheck shell=bash
# Sourced by test.sh after setup-venv.sh. `set_up_browser` finds a Chromium for the studio's tests or installs one: from
# Debian where we are root (or sudo asks nothing), else Playwright's own into ~/.cache. Where neither can be had it says
# so; the tests that need a browser then name that as their reason to be skipped.

# The names that tests/studio/conftest.py looks for.
has_browser() {
    local name
    for name in chromium-headless-shell chromium google-chrome google-chrome-stable; do
        command -v "$name" >/dev/null && return
    done
    "$VENV_PYTHON" -c 'import sys; from pathlib import Path; from playwright.sync_api import sync_playwright
with sync_playwright() as playwright: sys.exit(not Path(playwright.chromium.executable_path).exists())' 2>/dev/null
}

# Ubuntu's package of that name is a snap, which does not run in a container.
is_debian() { grep -qsx 'ID=debian' "${OS_RELEASE:-/etc/os-release}" && command -v apt-get >/dev/null; }

install_debian_chromium() {
    local root=()
    [ "$(id -u)" = 0 ] || root=(sudo -n)
    [ ${#root[@]} = 0 ] || "${root[@]}" true 2>/dev/null || return 1
    local package install=("${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=120)
    timeout 120 "${install[@]}" update >/dev/null 2>&1 || true
    # The shell without windows is a package of its own in newer releases, and half as large.
    for package in chromium-headless-shell chromium; do
        timeout 600 "${install[@]}" install -y --no-install-recommends "$package" >/dev/null 2>&1 && return
    done
    return 1
}

set_up_browser() {
    has_browser && return
    say "installing a Chromium for the studio's tests"
    if is_debian && install_debian_chromium; then return; fi
    timeout 600 "$VENV_PYTHON" -m playwright install --only-shell chromium >/dev/null 2>&1 && return
    say "no Chromium could be installed: the studio's browser tests will be skipped." \
        "Install chromium yourself (Debian: apt install chromium) to run them"
}
