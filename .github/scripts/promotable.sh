#!/usr/bin/env bash
# Which environments a release may be promoted to, by what Argo CD says of its commit: both Applications of the environment
# that it is in are synced and healthy, hooks passed. A person who names one has the last word.
set -euo pipefail

: "${GITHUB_REPOSITORY:?}" "${REVISION:?the commit}"

environments='[]'
if [[ ${ENVIRONMENT:-} ]]; then
    [[ $ENVIRONMENT =~ ^[a-z][a-z0-9-]*$ ]] || { echo "no environment has such a name: $ENVIRONMENT" >&2; exit 1; }
    environments="[\"$ENVIRONMENT\"]"
else
    : "${CONTEXT:?the status: <environment>-foundation or <environment>-workload}"
    environment=${CONTEXT%-*}
    passed=$(gh api --paginate "repos/$GITHUB_REPOSITORY/commits/$REVISION/status" \
        --jq '.statuses[] | select(.state == "success") | .context')
    if grep -qx "$environment-foundation" <<<"$passed" && grep -qx "$environment-workload" <<<"$passed"; then
        environments=$("${PYTHON:-python3}" .github/scripts/release_branch.py --followers "$environment")
    fi
fi
tee -a "${GITHUB_OUTPUT:-/dev/null}" <<<"environments=$environments"
