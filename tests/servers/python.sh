#!/bin/sh
# Make a virtual environment: python.sh PYTHON DIRECTORY. Says what is missing; as root on Debian, installs it.
set -eu
if ! "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2> /dev/null; then
    echo "smtpq_exporter needs Python 3.11 or newer, and $1 is not. Try: make PYTHON=python3.11 (Debian: apt install python3)" >&2
    exit 1
fi
if ! "$1" -c 'import ensurepip, venv' 2> /dev/null; then
    if [ "$(id -u)" = 0 ] && command -v apt-get > /dev/null; then
        echo "installing python3-venv"
        { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends python3-venv; } > /dev/null
    else
        echo "$1 cannot make virtual environments. Debian: apt install python3-venv" >&2
        exit 1
    fi
fi
"$1" -m venv "$2"
