#!/usr/bin/env bash
# A base for `make image BASE=localhost/debian:trixie-slim` where no registry of images is reached. Needs root and
# debootstrap; Debian's archive is checked by its key.
set -euo pipefail

name=${1:-localhost/debian:trixie-slim}
engine=${ENGINE:-podman}
for each in debootstrap "$engine"; do
    command -v "$each" >/dev/null || { echo "make_base.sh needs $each: install it" >&2; exit 1; }
done

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
chmod 755 "$folder"
debootstrap --variant=minbase trixie "$folder" ${MIRROR:+"$MIRROR"} >&2

# As the slim images do: later layers could hide this, but not give back its room.
mkdir -p "$folder/etc/dpkg/dpkg.cfg.d"
printf 'path-exclude /usr/share/%s/*\n' doc info locale man >"$folder/etc/dpkg/dpkg.cfg.d/slim"
rm -rf "$folder"/{dev,tmp,var/cache/apt,var/lib/apt/lists,var/log}/* "$folder"/usr/share/{doc,info,locale,man}/* \
    "$folder"/etc/{hostname,resolv.conf}
tar -C "$folder" --numeric-owner -c . | "$engine" import - "$name"
