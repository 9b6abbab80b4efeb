#!/usr/bin/env bash
# Build the Dockerfile and try the image, without a container engine and without its registries.
#
# buildah builds it on a base that debootstrap makes of this machine's own Debian release.
# The image then serves with its own entrypoint, command and user in a network namespace that
# leads nowhere, which also shows that nothing is fetched at start. The base is kept in
# build/image between runs; the image goes when this ends.
set -euo pipefail

# shellcheck source=/dev/null
SUITE=$(. /etc/os-release && echo "${VERSION_CODENAME:-unknown}")
readonly SUITE
readonly PACKAGES=ca-certificates,python3,python3-venv
readonly BASE="localhost/mdmsim-base:$SUITE"
readonly IMAGE=localhost/mdmsim:check
readonly USER_ID=10001
readonly READY_S=60
readonly STOP_S=5

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
readonly root
readonly work="$root/build/image"
readonly clients=${CLIENTS:-$root/build/tools}

say() { printf -- '-- %s\n' "$*"; }

die() {
  printf 'image: %s\n' "$*" >&2
  exit 1
}

# Nothing of the machine's own images is seen or touched: the storage is ours.
store() { buildah --root "$work/storage" --runroot "$work/run" --storage-driver vfs "$@"; }

require() {
  local tool
  ((EUID == 0)) || die "needs root (with Docker at hand: docker build -t mdmsim .)"
  [[ -x $clients/depsyncer ]] || die "needs nanodep: make image installs it"
  for tool in buildah debootstrap curl ip unshare; do
    command -v "$tool" >/dev/null || die "needs $tool (Debian: apt-get install buildah debootstrap curl iproute2)"
  done
}

# Make the base image from the mirror that this machine's apt uses.
make_base() {
  local mirror tree="$work/base" container
  if store inspect --type image "$BASE" >/dev/null 2>&1; then
    say "base $BASE: kept from an earlier run"
    return
  fi
  # shellcheck disable=SC2016 # a format of apt's, not of the shell
  mirror=$(apt-get indextargets --format '$(REPO_URI)' \
    'Created-By: Packages' "Codename: $SUITE" 'Component: main' | head -n 1)
  [[ -n $mirror ]] || die "apt knows no source of Debian $SUITE"
  say "base $BASE: debootstrap"
  rm -rf "$tree"
  debootstrap --variant=minbase --include="$PACKAGES" "$SUITE" "$tree" "$mirror" >"$work/base.log" 2>&1 ||
    { tail -n 20 "$work/base.log" >&2 && die "debootstrap failed"; }
  rm -rf "$tree"/var/cache/apt/* "$tree"/var/lib/apt/lists/* "$tree"/var/log/*
  container=$(store from scratch)
  store add --quiet "$container" "$tree" / >/dev/null
  store config --env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$container"
  store commit --quiet "$container" "$BASE" >/dev/null
  store rm "$container" >/dev/null
  rm -rf "$tree"
}

# Build the image, with what pip is told on this machine (by files or PIP_*) as the build's secrets.
build() {
  local told authorities
  told=$("${PYTHON:-python3}" -m pip config list | sed -nE "s/^[^.]+\.([a-z-]+)='(.*)'$/\1 = \2/p")
  authorities=$(sed -nE 's/^cert = //p' <<<"$told" | head -n 1)
  {
    echo '[global]'
    # Of a key that is told twice the first counts: pip lists the environment before its files.
    awk '$1 ~ /^((extra-)?index-url|trusted-host|proxy|(default-)?timeout)$/ && !seen[$1]++' <<<"$told"
    echo 'cert = /run/secrets/ca'
  } >"$work/pip.conf"
  say "building (log: ${work#"$root"/}/build.log)"
  store bud --isolation chroot --format docker --build-arg "BASE=$BASE" \
    --secret "id=pip,src=$work/pip.conf" \
    --secret "id=ca,src=${authorities:-/etc/ssl/certs/ca-certificates.crt}" \
    --tag "$IMAGE" "$root" >"$work/build.log" 2>&1 ||
    { tail -n 40 "$work/build.log" >&2 && die "the build failed"; }
}

# Print entrypoint and command of the image, a word a line.
words() {
  local config=.OCIv1.Config
  store inspect --type image --format \
    "{{range $config.Entrypoint}}{{println .}}{{end}}{{range $config.Cmd}}{{println .}}{{end}}" "$IMAGE"
}

# Run a command in the container, as the image's user and with its environment.
inside() { store run --isolation chroot "$container" -- "$@"; }

# Wait until the simulator that runs as job *$1* says that it is ready.
until_ready() {
  local deadline=$((SECONDS + READY_S))
  until inside mdmsim readyz >/dev/null 2>&1; do
    kill -0 "$1" 2>/dev/null || die "it ended before it was ready"
    ((SECONDS < deadline)) || die "not ready within $READY_S s"
  done
}

# Check that Apple's host *$1* answers *$2* (a pattern of statuses) to GET https://$1:$3$4, by our CA.
ask() {
  local host=$1 want=$2 port=$3 path=$4 status
  status=$(curl --silent --show-error --noproxy '*' --max-time 10 --cacert "$work/ca.pem" \
    --resolve "$host:$port:127.0.0.1" --output /dev/null --write-out '%{http_code}' \
    "https://$host:$port$path") || die "https://$host:$port$path: no answer"
  # shellcheck disable=SC2053 # a pattern it is
  [[ $status == $want ]] || die "https://$host:$port$path answered $status, not $want"
  say "https://$host:$port$path answered $status"
}

# Have nanodep's programs log in with the token of ready.json and fetch the demo world's devices.
sync_with_nanodep() {
  local home="$work/nanodep" api=http://127.0.0.1:9001/v1 key=check devices
  rm -rf "$home"
  mkdir -p "$home"
  export SSL_CERT_FILE="$work/ca.pem"
  "$clients/depserver" -api "$key" -listen 127.0.0.1:9001 -storage filekv -storage-dsn "$home" \
    >"$home/depserver.log" 2>&1 &
  until curl --silent --noproxy '*' --output /dev/null http://127.0.0.1:9001/version; do
    kill -0 $! 2>/dev/null || die "depserver ended: $(cat "$home/depserver.log")"
  done
  inside cat /data/ready.json | "${PYTHON:-python3}" -c 'import json, sys
print(json.dumps(json.load(sys.stdin)["organisations"][0]["dep_servers"][0]["token"]))' >"$home/token.json"
  curl --silent --show-error --fail --noproxy '*' --user "depserver:$key" --output /dev/null \
    --upload-file "$home/token.json" "$api/tokens/demo" || die "depserver refused the token"
  curl --silent --show-error --fail --noproxy '*' --user "depserver:$key" --output /dev/null --request PUT \
    --data '{"base_url": "https://127.0.0.1:443/"}' "$api/config/demo" || die "depserver refused the URL"
  "$clients/depsyncer" -duration 0 -debug-syncer -debug -storage filekv -storage-dsn "$home" demo \
    >"$home/depsyncer.log" 2>&1 || die "depsyncer failed: $(cat "$home/depsyncer.log")"
  devices=$(grep --count serial_number= "$home/depsyncer.log") || die "depsyncer got no devices"
  say "nanodep fetched $devices devices"
}

# Check that the volume for clients holds the CA's certificate only, and that /data is for us alone.
apart() {
  local mode found
  found=$(inside find /public -type f)
  [[ $found == /public/ca.pem ]] || die "/public holds: $found"
  inside cmp /public/ca.pem /data/ca.pem || die "/public has another CA"
  mode=$(inside stat --format %a /data)
  [[ $mode == 700 ]] || die "/data has mode $mode"
  [[ $(inside stat --format %a /public/ca.pem) == 644 ]] || die "others cannot read /public/ca.pem"
  say "clients can read /public/ca.pem, and nothing of /data"
}

# Check that nothing but /data and /public has changed since the file *$1* was made.
untouched() {
  local changed
  # Folders count too: a file that came and went leaves its trace there. What buildah itself mounts
  # and writes into a container that it runs is none of ours.
  changed=$(find "$(store mount "$container")" -xdev -newer "$1" \
    -not -path "$(store mount "$container")" -not -path '*/data' -not -path '*/data/*' \
    -not -path '*/public' -not -path '*/public/*' \
    -not -path '*/etc' -not -path '*/etc/hosts' -not -path '*/etc/resolv.conf' -not -path '*/run' \
    -not -path '*/run/.containerenv' -not -path '*/proc' -not -path '*/sys' -not -path '*/dev')
  [[ -z $changed ]] || die "written outside /data and /public: $changed"
  say "nothing was written outside /data and /public"
}

# Serve in namespaces of our own, ask, stop. What is left ends with the namespaces.
try() {
  local command run pid uid started status
  ip link set lo up
  echo 0 >/proc/sys/net/ipv4/ip_unprivileged_port_start # as Docker does for a container
  mapfile -t command < <(words)
  say "serving: ${command[*]}"
  touch "$work/started"
  trap 'cat "$work/serve.log" >&2' EXIT
  inside "${command[@]}" >"$work/serve.log" 2>&1 &
  run=$!
  until_ready "$run"
  say "ready: $(inside mdmsim version)"

  # This isolation hides no processes: the number in ready.json counts out here too.
  pid=$(inside cat /data/ready.json | grep -oP '"pid": \K[0-9]+')
  uid=$(awk '/^Uid:/ {print $2}' "/proc/$pid/status")
  [[ $uid == "$USER_ID" ]] || die "it runs as user $uid, not $USER_ID"
  say "runs as user $uid"

  apart
  inside cat /public/ca.pem >"$work/ca.pem"
  ask mdmenrollment.apple.com '40[01]' 443 /session
  ask 127.0.0.1 '40[01]' 443 /session
  ask api.push.apple.com '???' 2197 /
  sync_with_nanodep

  started=$SECONDS
  kill -TERM "$pid"
  status=0
  wait "$run" || status=$?
  ((status == 0)) || die "it exited with $status on SIGTERM"
  ((SECONDS - started <= STOP_S)) || die "it took more than $STOP_S s to stop"
  trap - EXIT
  say "stopped on SIGTERM with exit status 0"
  untouched "$work/started"
}

clean_up() {
  store rm --all >/dev/null 2>&1 || true
  store rmi "$IMAGE" >/dev/null 2>&1 || true
}

main() {
  require
  mkdir -p "$work"
  trap clean_up EXIT
  make_base
  build
  container=$(store from "$IMAGE" 2>/dev/null)
  export container
  # Built without a network, from what is installed; who ships the image can ship it along.
  "${PYTHON:-python3}" "$root/tests/image/sbom.py" "$(store mount "$container")" >"$work/sbom.json"
  say "bill of materials: ${work#"$root"/}/sbom.json, $(grep --count '"purl"' "$work/sbom.json") components"
  unshare --net --pid --fork --kill-child --mount-proc -- "${BASH_SOURCE[0]}" try
  say "image: $(store images --format '{{.Size}}' "$IMAGE") with its base;" \
    "mdmsim and its packages: $(du -sm "$(store mount "$container")/opt/mdmsim" | cut -f 1) MB"
}

case "${1-}" in
  "") main ;;
  try) try ;;
  *) die "takes no arguments" ;;
esac
