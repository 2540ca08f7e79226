#!/usr/bin/env bash
# Starts the rig in namespaces of its own, runs the command there (the walk, if none is given), and ends it all.
# From another shell: drill/run.sh enter [command]
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd) root=$(cd "$(dirname "$0")/.." && pwd)
folder=${DRILL_FOLDER:-$root/.drill}
export PATH=$root/.venv/bin:$folder/bin:$PATH PYTHONPATH=$root KUBECONFIG=$folder/run/kubeconfig DRILL_FOLDER=$folder TMPDIR=$folder/tmp
mkdir -p "$TMPDIR"

if [[ ${1:-} == enter ]]; then
  outer=$(<"$folder/pid")
  read -r inner _ <"/proc/$outer/task/$outer/children" || true    # its line has no end
  exec nsenter --target "$inner" --net --mount --pid -- "${@:2}"
fi
if [[ ! ${DRILL_INSIDE:-} ]]; then
  "$here/build.sh" "$folder"
  ((EUID == 0)) || { echo "containers are started by root: make drill must run as root"; exit 1; }
  echo $$ >"$folder/pid"
  # With the PID namespace everything ends with its first process.
  DRILL_INSIDE=1 exec unshare --net --mount --pid --fork --mount-proc --kill-child "$0" "$@"
fi
# That of a run that was killed would say that this one is ready.
rm -f "$folder/run/ready"
python -m drill.cluster "$folder" >"$folder/cluster.log" 2>&1 &
cluster=$!
until [[ -e $folder/run/ready ]]; do
  kill -0 "$cluster" 2>/dev/null || { tail "$folder/cluster.log"; exit 1; }
  sleep 0.5
done
status=0
walk() {
  local load status=0
  python -m drill.load & load=$!
  MACHINE=$here/machine.sh "$root/.github/scripts/e2e.sh" || status=$?
  python -m drill.rotation || status=$?
  kill "$load" && wait "$load" || status=$?
  python -m drill.people || status=$?
  python -m drill.restored || status=$?
  python -m drill.reach || status=$?
  python -m drill.admission || status=$?
  return "$status"
}
"${@:-walk}" || status=$?
kill "$cluster" && wait "$cluster" || true
exit "$status"
