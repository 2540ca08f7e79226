#!/usr/bin/env bash
# kind, Argo CD and Git together: sync from nothing, upgrade with a migration, a tenant's file, roll back as the UI does,
# revert in Git, and a release whose pods never get ready. Needs docker, kind, kubectl, and the image ai-agents:local (make image).
# KEEP=1 leaves the cluster: kind export kubeconfig --name ai-agents-e2e
set -euo pipefail

cluster=ai-agents-e2e
namespace=ai-agents
port=${GIT_PORT:-9418}
root=$(git rev-parse --show-toplevel)
work=$(mktemp -d)
source=$work/source
export KUBECONFIG=$work/kubeconfig  # never the person's own cluster
server=

say() { printf '\n== %s\n' "$*"; }
die() { printf '%s\n' "$*" >&2; exit 1; }

finish() {
    local status=$?
    if ((status)); then
        say "What the cluster says"
        kubectl --namespace argocd get applications --output yaml || true
        kubectl --namespace "$namespace" get all || true
        kubectl --namespace "$namespace" get events --sort-by=.lastTimestamp | tail -n 30 || true
        kubectl --namespace "$namespace" logs --selector app.kubernetes.io/name=ai-agents --tail=30 --prefix || true
    fi
    [[ -z $server ]] || kill "$server" || true
    [[ ${KEEP:-} ]] || kind delete cluster --name "$cluster" || true
    rm -rf "$work"
    exit "$status"
}
trap finish EXIT

in_source() { git -C "$source" -c user.name=e2e -c user.email=e2e@invalid "$@"; }

# Commits whatever was changed, moves the branch `release` there, and tells Argo CD.
publish() {
    in_source add --all
    in_source commit --quiet --allow-empty --message "$1"
    in_source push --quiet "$work/git/ai-agents.git" HEAD:refs/heads/release
    kubectl --namespace argocd annotate applications --all --overwrite argocd.argoproj.io/refresh=normal >/dev/null
}

run_image() { sed -i "s/newTag: .*/newTag: $1/" "$source/kustomize/overlays/local/kustomization.yaml"; }

load_image() { kind load docker-image "ai-agents:$1" --name "$cluster"; }

application() { kubectl --namespace argocd get application "ai-agents-$1" --output "jsonpath=$2"; }

change_application() { kubectl --namespace argocd patch application "ai-agents-$1" --type merge --patch "$2" >/dev/null; }

automate() { change_application workload "{\"spec\": {\"syncPolicy\": {\"automated\": {\"enabled\": $1}}}}"; }

# A sync has succeeded only when its hooks have: the migration before it, the smoke test after it.
wait_deployed() {
    local name=$1 revision=$2 state
    for _ in {1..120}; do
        state=$(application "$name" \
            '{.status.operationState.syncResult.revision} {.status.operationState.phase} {.status.health.status}')
        case $state in
            "$revision Succeeded Healthy") return ;;
            "$revision Failed "* | "$revision Error "*)
                die "$name failed to sync: $(application "$name" '{.status.operationState.message}')" ;;
        esac
        sleep 5
    done
    die "$name is not deployed at $revision after ten minutes: $state"
}

running_image() {
    kubectl --namespace "$namespace" get deployment "ai-agents-$1" \
        --output 'jsonpath={.spec.template.spec.containers[0].image}'
}

expect_image() {
    for component in api worker; do
        kubectl --namespace "$namespace" rollout status "deployment/ai-agents-$component" --timeout=5m
        [[ $(running_image "$component") == *"ai-agents:$1" ]] || die "$component runs $(running_image "$component")"
    done
}

# Through the Service, by the API server: what a client of the ingress would get.
health() { kubectl get --raw "/api/v1/namespaces/$namespace/services/ai-agents-api:http/proxy/health"; }

schema() {
    kubectl --namespace "$namespace" exec deployment/postgresql -- \
        psql --username postgres --dbname ai_agents --tuples-only --no-align --command 'select version_num from alembic_version'
}

ready_pods() {
    kubectl --namespace "$namespace" get endpointslices --selector kubernetes.io/service-name=ai-agents-api --output \
        'jsonpath={range .items[*].endpoints[?(@.conditions.ready==true)]}{.targetRef.name}{"\n"}{end}' | sort
}

smoke_by_hand() {
    kubectl --namespace "$namespace" delete job ai-agents-smoke --ignore-not-found
    kubectl kustomize "$source/.github/e2e/workload" |
        kubectl apply --selector app.kubernetes.io/component=smoke --filename -
    kubectl --namespace "$namespace" wait --for=condition=complete job/ai-agents-smoke --timeout=10m
    kubectl --namespace "$namespace" logs job/ai-agents-smoke
}

say "A cluster with Argo CD"
kind create cluster --name "$cluster" --wait 180s
docker tag ai-agents:local ai-agents:e2e-1
load_image e2e-1
kubectl apply --server-side --force-conflicts --kustomize "$root/argocd/bootstrap/argo-cd"
kubectl --namespace argocd rollout status deployment/argocd-repo-server --timeout=5m
kubectl --namespace argocd rollout status statefulset/argocd-application-controller --timeout=5m

say "A Git server with what is committed here"
mkdir -p "$source" "$work/git"
git -C "$root" archive HEAD | tar --extract --directory "$source"
git init --quiet --bare --initial-branch=release "$work/git/ai-agents.git"
git -C "$source" init --quiet --initial-branch=release
python3 "$root/.github/scripts/git_server.py" "$work/git" "$port" 2>"$work/git.log" &
server=$!
gateway=$(docker network inspect kind --format '{{range .IPAM.Config}}{{println .Gateway}}{{end}}' | sed -n '/\./p')
run_image e2e-1
publish "The first release"
first=$(in_source rev-parse HEAD)

say "Sync from Git: foundation, then workload"
for name in foundation workload; do
    # As in production: the foundation removes before all is healthy, and nothing is tried again by itself.
    options="ServerSideApply=true"
    test "$name" = foundation || options="$options, PruneLast=true"
    kubectl apply --filename - <<EOF
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: ai-agents-$name
  namespace: argocd
  annotations:
    argocd.argoproj.io/compare-options: ServerSideDiff=true
spec:
  project: default
  source:
    repoURL: http://$gateway:$port/ai-agents.git
    targetRevision: release
    path: .github/e2e/$name
  destination:
    server: https://kubernetes.default.svc
    namespace: $namespace
  syncPolicy:
    automated:
      enabled: true
      prune: true
      selfHeal: true
    syncOptions: [$options]
    retry:
      limit: 0
EOF
    wait_deployed "$name" "$first"
done
expect_image e2e-1
kubectl --namespace "$namespace" logs job/ai-agents-smoke
old_schema=$(schema)

say "Upgrade with a migration"
cat >"$source/app/db/migrations/versions/2099-01-01_0000_add_channel.py" <<EOF
"""Add what nothing reads yet."""

from alembic import op

revision = "2099_01_01_0000"
down_revision = "$old_schema"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("alter table delivery add column channel text")
EOF
in_source add --all
in_source commit --quiet --message "Add a migration"
make --directory "$source" image IMAGE=ai-agents:e2e-2
load_image e2e-2
run_image e2e-2
publish "The second release"
second=$(in_source rev-parse HEAD)
wait_deployed workload "$second"
expect_image e2e-2
[[ $(schema) == 2099_01_01_0000 ]] || die "the schema is at $(schema)"

say "A tenant's file alone: the foundation is synced, nothing is migrated or rolled"
pods=$(ready_pods)
migrated=$(kubectl --namespace "$namespace" get job ai-agents-migrate --output 'jsonpath={.metadata.uid}')
sed -i 's/^name: .*/name: Another name/' "$source/kustomize/overlays/local/tenants/acme.yaml"
publish "A tenant's name"
wait_deployed foundation "$(in_source rev-parse HEAD)"
kubectl --namespace "$namespace" get configmap tenants --output 'jsonpath={.data}' | grep -q 'Another name' ||
    die "the tenant's file did not arrive"
sleep 120  # longer than Argo CD takes to see that the workload stays as it is
[[ $(ready_pods) == "$pods" ]] || die "a tenant's file rolled pods: $(ready_pods)"
[[ $(kubectl --namespace "$namespace" get job ai-agents-migrate --output 'jsonpath={.metadata.uid}') == "$migrated" ]] ||
    die "a tenant's file ran a migration"

say "Rollback as the UI does it: automation off, the old revision applied without hooks"
automate false
change_application workload "{\"operation\": {\"initiatedBy\": {\"username\": \"e2e\"},
    \"sync\": {\"revision\": \"$first\", \"syncStrategy\": {\"apply\": {}}}}}"
wait_deployed workload "$first"
expect_image e2e-1
[[ $(schema) == 2099_01_01_0000 ]] || die "a rollback must leave the schema, which is at $(schema)"
in_source checkout --quiet "$first"
smoke_by_hand
in_source checkout --quiet release

say "The same in Git, with automation on: an older migrate meets a newer schema"
run_image e2e-1
publish "Back to the first image"
automate true
wait_deployed workload "$(in_source rev-parse HEAD)"
expect_image e2e-1

say "A release whose pods never get ready takes no traffic"
before=$(ready_pods)
[[ $before ]] || die "no pod of the API is ready"
cat >>"$source/.github/e2e/workload/kustomization.yaml" <<'EOF'
  - target:
      kind: Deployment
      name: ai-agents-api
    patch: |-
      - op: replace
        path: /spec/template/spec/containers/0/readinessProbe/httpGet/path
        value: /never-ready
EOF
run_image e2e-2
publish "A release that never gets ready"
broken=$(in_source rev-parse HEAD)
for _ in {1..60}; do
    [[ $(running_image api) == *ai-agents:e2e-2 ]] && break
    sleep 5
done
[[ $(running_image api) == *ai-agents:e2e-2 ]] || die "the broken release was not applied"
for _ in {1..60}; do
    health >/dev/null || die "the API did not answer while a broken release was rolled out"
    [[ $(ready_pods) == "$before" ]] || die "traffic went to other pods than before: $(ready_pods)"
    sleep 2
done
[[ $(application workload '{.status.operationState.phase}') != Succeeded ]] || die "Argo CD calls the broken release deployed"

say "Revert: the sync that waits is ended, and the one before it comes back"
change_application workload '{"status": {"operationState": {"phase": "Terminating"}}}'
in_source revert --no-edit "$broken"
publish "Revert the release that never got ready"
wait_deployed workload "$(in_source rev-parse HEAD)"
expect_image e2e-1
[[ $(ready_pods) ]] || die "no pod of the API is ready"

say "All of it holds"
