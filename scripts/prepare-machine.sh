#!/usr/bin/env bash
# What the tests and the demo need beyond npm. As root on Debian the missing packages are installed; elsewhere this names
# what is missing and how to get it, and whoever called goes on and lists what it had to skip.
# usage: scripts/prepare-machine.sh PACKAGE...   (Debian package names)
set -u
need() { # package, a command that shows it is there
  case "$1" in
    postgresql) ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 ;;
    openssh-client) command -v ssh-keygen >/dev/null 2>&1 ;;
    python3-pip) command -v python3 >/dev/null 2>&1 && python3 -m pip --version >/dev/null 2>&1 ;;
    chromium | tmux | zsh | fish) command -v "$1" >/dev/null 2>&1 ;;
    *) dpkg -s "$1" >/dev/null 2>&1 ;;
  esac
}
missing=()
for package in "$@"; do need "$package" || missing+=("$package"); done
[ "${#missing[@]}" -eq 0 ] && exit 0
if [ "$(id -u)" = 0 ] && [ -f /etc/debian_version ] && command -v apt-get >/dev/null 2>&1; then
  echo "installing: ${missing[*]}" >&2
  export DEBIAN_FRONTEND=noninteractive
  log=$(mktemp)
  if { apt-get update -q && apt-get install -y -q --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then rm -f "$log"; exit 0; fi
  tail -n 5 "$log" >&2
fi
for package in "${missing[@]}"; do
  echo "missing: $package (Debian and Ubuntu: sudo apt-get install $package)" >&2
done
exit 0
