#!/bin/sh
# Make .venv: find a Python, install the pinned packages once, again only when the pins change.
# usage: setup.sh run|dev|cluster|mutants      (PYTHON=... chooses the interpreter; VENV=... the folder)
set -eu
cd "$(dirname "$0")/.."
what=${1:-run}
venv=${VENV:-.venv}
refuse() { echo "lendportal: $*" >&2; exit 2; }

new_enough() { "$1" -c 'import sys; raise SystemExit(sys.version_info[:2] < (3, 11))' >/dev/null 2>&1; }
find_python() {
    if [ -n "${PYTHON:-}" ]; then
        new_enough "$PYTHON" || refuse "PYTHON=$PYTHON is not Python 3.11 or newer"
        echo "$PYTHON"; return
    fi
    for name in python3.13 python3.12 python3.11 python3 python; do
        if new_enough "$name"; then echo "$name"; return; fi
    done
    found=$(python3 --version 2>/dev/null || echo none)
    refuse "needs Python 3.11 or newer (found: $found); on Debian: apt-get install python3 python3-venv"
}

case "$what" in
    run) pins=requirements.txt ;;
    dev) pins=requirements-dev.txt ;;
    cluster) pins=requirements-cluster.txt ;;
    mutants) pins=requirements-mutants.txt ;;
    *) refuse "usage: setup.sh run|dev|cluster|mutants" ;;
esac

sum() { cksum "$@" | cksum | cut -d' ' -f1; }
mark_run=$(sum requirements.txt)
mark_dev=$(sum requirements-dev.txt)
mark_own=$(sum "$pins") # of an environment that stands apart
works() { "$venv/bin/python" -c 'import sys' >/dev/null 2>&1; }
done_with() { [ "$(cat "$venv/.installed-$1" 2>/dev/null)" = "$2" ]; }

if works; then
    # everything of `run` is in `dev` too
    if done_with dev "$mark_dev" && [ "$what" = dev ]; then exit 0; fi
    case "$what" in cluster|mutants) if done_with "$what" "$mark_own"; then exit 0; fi ;; esac
    if [ "$what" = run ] && { done_with run "$mark_run" || { done_with dev "$mark_dev" && done_with run-pins "$mark_run"; }; }; then exit 0; fi
fi

free=$(df -Pk . | awk 'NR == 2 { print $4 }')
[ "$free" -ge 1200000 ] || refuse "the disk has $((free / 1024)) MB free; 1200 MB are needed to set up"

python=$(find_python)
began=$(date +%s)
uv=$(command -v uv 2>/dev/null || true)
if [ -n "$uv" ] && ! "$uv" --version >/dev/null 2>&1; then uv=""; fi

if ! works; then
    echo "  setting up $venv with $("$python" --version)"
    rm -rf "$venv"
    if [ -n "$uv" ]; then
        "$uv" venv --quiet --python "$("$python" -c 'import sys; print(sys.executable)')" "$venv" || refuse "uv could not make $venv"
    elif ! "$python" -c 'import venv, ensurepip' >/dev/null 2>&1 || ! "$python" -m venv "$venv" >/dev/null 2>&1; then
        rm -rf "$venv"
        version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
        refuse "this Python cannot make environments; on Debian or Ubuntu: apt-get install python3-venv (or python$version-venv)"
    fi
fi

echo "  installing $(grep -c '^[a-zA-Z0-9].*==' "$pins") packages from $pins (half a minute or so)"
log="$venv/install.log"
: >"$log"
pip_install() {
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-input --progress-bar off --no-compile \
        --require-hashes --only-binary :all: --no-deps -r "$1" >>"$log" 2>&1
}
uv_install() {
    # pip's own settings hold for uv too: a mirror, a certificate
    index=${PIP_INDEX_URL:-$("$venv/bin/python" -m pip config get global.index-url 2>/dev/null || true)}
    [ -z "$index" ] || export UV_DEFAULT_INDEX="${UV_DEFAULT_INDEX:-$index}"
    [ -z "${PIP_CERT:-}" ] || export SSL_CERT_FILE="${SSL_CERT_FILE:-$PIP_CERT}"
    "$1" pip install --quiet --python "$venv/bin/python" --require-hashes --only-binary :all: -r "$pins" >>"$log" 2>&1
}
if [ -z "$uv" ] && [ ! -x "$venv/bin/uv" ]; then pip_install requirements-setup.txt || true; fi
if [ -z "$uv" ] && [ -x "$venv/bin/uv" ]; then uv="$venv/bin/uv"; fi
if [ -z "$uv" ] || ! uv_install "$uv"; then
    "$venv/bin/python" -m pip --version >/dev/null 2>&1 || "$venv/bin/python" -m ensurepip >>"$log" 2>&1 || true
    pip_install "$pins" || refuse "packages were not installed: $(grep -iE 'error|no space' "$log" | tail -n 1) [$log]"
fi

if [ "$what" = cluster ] || [ "$what" = mutants ]; then
    echo "$mark_own" >"$venv/.installed-$what"
elif [ "$what" = dev ]; then
    echo "$mark_dev" >"$venv/.installed-dev"
    echo "$mark_run" >"$venv/.installed-run-pins"
else
    rm -f "$venv/.installed-dev"
fi
[ "$what" = cluster ] || [ "$what" = mutants ] || echo "$mark_run" >"$venv/.installed-run"
echo "  installed in $(($(date +%s) - began)) s"
