#!/usr/bin/env bash
# kind, Argo CD and Git, with staging and production: bootstrap, a release with a migration from the one to the other, a
# tenant's file, a tenant that goes while another's secret can't be read, drift, a migration that fails, a release that
# never gets ready, a smoke test that fails, and the rollbacks, by the calls that Argo CD's UI makes. Root, projects, ApplicationSet, notifications,
# the jobs' scripts and policies/from-git-alone are those of the repository; each environment runs the local overlay, which
# needs no operator, and GitHub is a stub. Needs docker, kind 0.27 or newer, jq, and the image ai-agents:local (make image).
# KEEP=1 leaves the cluster: kind export kubeconfig --name ai-agents-e2e
set -euo pipefail

cluster=ai-agents-e2e
registry=localhost:${REGISTRY_PORT:-5001}
port=${GIT_PORT:-9418}
root=$(git rev-parse --show-toplevel)
example=$root/tests/manifests/installations/example
image=$(sed -n 's/^  image: //p' "$example/installation.yaml")  # an installation names ECR alone: the node has it from here
work=$(mktemp -d)
source=$work/source
repository=$work/git/example/ai-agents.git
overlays=$source/kustomize/overlays
export KUBECONFIG=$work/kubeconfig  # never the person's own cluster
export PATH=$root/.venv/bin:$PATH
children=()

# Whoever does without a staging has nothing to walk.
[[ -d $root/kustomize/overlays/staging ]] || { echo "e2e takes releases from staging to production: there is no staging"; exit; }

say() { printf '\n== %s %s\n' "$(date +%T)" "$*"; }
die() { printf '%s\n' "$*" >&2; exit 1; }

finish() {
    local status=$? namespace
    if ((status)); then
        say "What the cluster says"
        kubectl --namespace argocd get applications --output yaml || true
        for namespace in staging production; do
            kubectl --namespace "$namespace" get all || true
            kubectl --namespace "$namespace" get events --sort-by=.lastTimestamp | tail -n 30 || true
            kubectl --namespace "$namespace" logs --selector app.kubernetes.io/name=ai-agents --tail=30 --prefix || true
        done
    fi
    ((${#children[@]} == 0)) || kill "${children[@]}" || true
    [[ ${KEEP:-} ]] || remove_cluster || true
    rm -rf "$work"
    exit "$status"
}
trap finish EXIT

# A make target of the tree that is released, by the tools of this one.
target() { make --directory "$source" VENV="$root/.venv" --old-file="$root/.venv/.dev-ready" "$@"; }

# What depends on where this runs. MACHINE names a file with other functions of these names, for another cluster than kind.
make_cluster() {  # sets address: where the cluster's pods reach this machine
    kind create cluster --name "$cluster" --wait 180s
    docker run --detach --name "$cluster-registry" --network kind --publish "127.0.0.1:${registry#*:}:5000" registry:3 >/dev/null
    docker exec "$cluster-control-plane" sh -c "mkdir -p /etc/containerd/certs.d/${image%%/*} &&
        echo '[host.\"http://$cluster-registry:5000\"]' >/etc/containerd/certs.d/${image%%/*}/hosts.toml"
    address=$(docker network inspect kind --format '{{range .IPAM.Config}}{{println .Gateway}}{{end}}' | sed -n '/\./p')
}
remove_cluster() {
    docker rm --force "$cluster-registry"
    kind delete cluster --name "$cluster"
}
push_image() {  # the image's name here; prints its digest
    docker tag "$1" "$registry/${image#*/}:${1#*:}" >&2
    docker push --quiet "$registry/${image#*/}:${1#*:}" >&2
    docker image inspect "$registry/${image#*/}:${1#*:}" --format '{{range .RepoDigests}}{{println .}}{{end}}' |
        sed -n "s#^$registry/${image#*/}@##p"
}
build_image() { target image IMAGE="$1" >&2; }
make_root() {
    kubectl apply --filename "$source/.github/e2e/externalsecrets.yaml"
    target bootstrap ENVIRONMENT=production
}
open_argo_cd() {  # sets argocd: where this machine reaches its server
    kubectl --namespace argocd port-forward service/argocd-server 8443:443 >/dev/null &
    children+=($!)
    argocd=https://127.0.0.1:8443
}
health() {  # through the Service, by the API server: what a client of the public door would get
    kubectl get --raw "/api/v1/namespaces/$1/services/ai-agents-api:http/proxy/health" >/dev/null
}
query() {  # an environment and a statement: its first value
    kubectl --namespace "$1" exec deployment/postgresql -- \
        psql --username postgres --dbname ai_agents --quiet --tuples-only --no-align --command "$2"
}
make_environments() {  # the local overlay, the policy that it obeys, and Secrets from Git
    local each part
    for each in staging production; do
        for part in foundation workload; do
            sed "s/^namespace: .*/namespace: $each/" "$source/.github/e2e/environment/$part.yaml" >"$overlays/$each/$part/kustomization.yaml"
        done
        cp "$source/.github/e2e/environment/default-deny.yaml" "$overlays/$each/foundation/"
    done
    sed -i '/^  - tenants$/d' "$overlays/local/kustomization.yaml"
    sed -i '/^  - .*policy\.yaml$/{/from-git-alone/!d}' "$source/policies/kustomization.yaml"
    sed -i '/^  - argo-cd$/d' "$source/argocd/applications/kustomization.yaml"
    sed -i 's/^  namespaceResourceWhitelist:/&\n    - {group: "", kind: Secret}/' "$source/argocd/applications/projects/ai-agents.yaml"
}
in_workload() { cat >>"$source/.github/e2e/workload/kustomization.yaml"; }  # patches of staging's
smoke() { target smoke ENVIRONMENT="$1"; }
# shellcheck source=/dev/null
[[ -z ${MACHINE:-} ]] || source "$MACHINE"

schema() { query "$1" 'select version_num from alembic_version'; }

in_source() { git -C "$source" -c user.name=e2e -c user.email=e2e@invalid "$@"; }

# A pull request that is merged, without the jobs that follow.
merge() {
    in_source add --all
    in_source commit --quiet --allow-empty --message "$1"
    in_source push --quiet origin HEAD:main
}

release_branch() {
    (cd "$source" && python3 .github/scripts/release_branch.py "$@")
    kubectl --namespace argocd annotate applications --all --overwrite argocd.argoproj.io/refresh=normal >/dev/null || true
}

branch() { git -C "$repository" rev-parse "release-$1"; }

application() { kubectl --namespace argocd get application "$1" --output "jsonpath=$2" 2>/dev/null; }

# Every five seconds until the command after the words succeeds; ten minutes at most.
wait_until() {
    local words=$1
    shift
    for _ in {1..120}; do
        "$@" && return
        sleep 5
    done
    die "not within ten minutes: $words"
}

# A sync has succeeded only when its hooks have: the migration before it, the smoke test after it. Of the foundation, what is
# compared: a release that changes nothing of it brings it no sync.
is_deployed() {
    local state
    state=$(application "$1-workload" \
        '{.status.operationState.syncResult.revision} {.status.operationState.phase} {.status.health.status}')
    case $state in
        "$2 Failed "* | "$2 Error "*)
            die "$1 failed to sync: $(application "$1-workload" '{.status.operationState.message}')" ;;
    esac
    [[ $state == "$2 Succeeded Healthy" && $(application "$1-foundation" \
        '{.status.sync.revision} {.status.sync.status} {.status.health.status}') == "$2 Synced Healthy" ]]
}
wait_deployed() { wait_until "$1 is deployed at $2" is_deployed "$1" "$2"; }

is_told() { grep -qx "$1 $2 $3" "$work/git/statuses"; }  # commit, context, state: as GitHub was told

# As the workflow promote: by what Argo CD told GitHub of staging's commit.
promote_verified() {
    local revision
    revision=$(branch staging)
    wait_until "staging's foundation is verified" is_told "$revision" staging-foundation success
    wait_until "staging's workload is verified" is_told "$revision" staging-workload success
    release_branch --promote production "$revision"
}

# A merge to main that reaches staging, and then production.
release() {
    local digest=$1 before
    merge "$2"
    before=$(git -C "$repository" rev-parse --verify --quiet release-production || true)
    release_branch "$digest"
    if [[ $before ]]; then
        [[ $(branch production) == "$before" ]] || die "production was not to move before staging has tested it"
        wait_deployed staging "$(branch staging)"
        promote_verified
    else
        make_root
        wait_deployed staging "$(branch staging)"
    fi
    wait_deployed production "$(branch production)"
}

running_image() {
    kubectl --namespace "$1" get deployment ai-agents-api --output 'jsonpath={.spec.template.spec.containers[0].image}'
}
runs() { [[ $(running_image "$1") == *"@$2" ]]; }
both_run() {
    local each
    for each in staging production; do runs "$each" "$1" || die "$each runs $(running_image "$each")"; done
}

ready_pods() {
    kubectl --namespace "$1" get endpointslices --selector kubernetes.io/service-name=ai-agents-api --output \
        'jsonpath={range .items[*].endpoints[?(@.conditions.ready==true)]}{.targetRef.name}{"\n"}{end}' | sort
}

uid() { kubectl --namespace "$1" get "$2" --output 'jsonpath={.metadata.uid}'; }

# As a person does it, on the environment's branch: that of main names no image.
smoke_by_hand() {
    in_source fetch --quiet origin "release-$1"
    in_source checkout --quiet FETCH_HEAD
    smoke "$1"
    in_source checkout --quiet main
}

# Method, path, body: a call that Argo CD's UI makes.
argo() {
    curl --silent --show-error --fail-with-body --insecure --request "$1" "$argocd/api/v1/$2" \
        --header "Authorization: Bearer ${token:-}" --header 'Content-Type: application/json' ${3:+--data "$3"}
}
automate() {
    argo PUT "applications/$1?validate=false" \
        "$(argo GET "applications/$1" | jq ".spec.syncPolicy.automated.enabled = $2")" >/dev/null
}
rollback() {  # to the newest revision of its history that is the one named
    local id
    id=$(argo GET "applications/$1" | jq "[.status.history[] | select(.revision == \"$2\") | .id] | last")
    argo POST "applications/$1/rollback" "{\"id\": $id}"
}

say "A cluster, a Git server with what is committed here, and an installation of its own"
mkdir -p "$source" "$repository"
: >"$work/git/statuses"
make_cluster
git -C "$root" archive HEAD | tar --extract --directory "$source"
for each in staging production; do
    cp "$source/tests/manifests/installations/example/$each.yaml" "$overlays/$each/values/environment.yaml"
    cp "$source/.github/e2e/environment/"{tenant-acme,unreadable}.yaml "$overlays/$each/foundation/"
    cp "$overlays"/local/tenants/* "$overlays/$each/foundation/tenants/"
done
sed "s#^  gitUrl: .*#  gitUrl: http://$address:$port/example/ai-agents.git#" \
    "$example/installation.yaml" >"$source/kustomize/installation/installation.yaml"
sed -i "s#https://api.github.com#http://$address:$port#" "$source/argocd/bootstrap/argo-cd/argocd-notifications-cm.yaml"
# Of the add-ons the policies.
sed -i '/^  - .*\.yaml$/{/policies\.yaml/!d}' "$source/argocd/applications/add-ons/kustomization.yaml"
make_environments
git init --quiet --bare --initial-branch=main "$repository"
git -C "$source" init --quiet --initial-branch=main
git -C "$source" remote add origin "$repository"
python3 "$root/.github/scripts/git_server.py" "$work/git" "$address" "$port" 2>"$work/git.log" &
children+=($!)
first=$(push_image ai-agents:local)

say "The first release makes both branches; make bootstrap makes both environments of them"
release "$first" "The first release"
[[ $(application root '{.status.sync.status} {.status.health.status}') == "Synced Healthy" ]] || die "the root is not healthy"
both_run "$first"
smoke_by_hand production  # while automation is on
open_argo_cd
password=$(kubectl --namespace argocd get secret argocd-initial-admin-secret --output 'jsonpath={.data.password}' | base64 --decode)
wait_until "Argo CD's server answers" argo GET settings >/dev/null
token=$(argo POST session "{\"username\": \"admin\", \"password\": \"$password\"}" | jq --raw-output .token)
first_of_production=$(branch production)
old_schema=$(schema production)

say "A release with a migration: staging first, then production"
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
merge "Add a migration"
build_image ai-agents:e2e-2
second=$(push_image ai-agents:e2e-2)
release "$second" "The second release"
both_run "$second"
for each in staging production; do
    [[ $(schema "$each") == 2099_01_01_0000 ]] || die "the schema of $each is at $(schema "$each")"
done

say "Production is rolled back by the UI: automation off, the old revision, without hooks, under the new schema"
automate production-workload false
rollback production-workload "$first_of_production" >/dev/null
is_back() { [[ $(application production-workload '{.status.operationState.phase} {.status.health.status}') == "Succeeded Healthy" ]] && runs production "$first"; }
wait_until "production is rolled back" is_back
[[ $(schema production) == 2099_01_01_0000 ]] || die "a rollback must leave the schema, which is at $(schema production)"
smoke_by_hand production
argo POST applications/root/sync '{}' >/dev/null
sleep 60
[[ $(application production-workload '{.spec.syncPolicy.automated.enabled}') == false ]] || die "the root switched automation on"
runs production "$first" || die "a sync of the root took the rollback back"

say "The same in Git: an older migrate meets a newer schema, in staging and in production"
merge "Back to the first image"
release_branch "$first"
wait_deployed staging "$(branch staging)"
promote_verified
automate production-workload true
wait_deployed production "$(branch production)"
both_run "$first"

say "A tenant's file of production: its foundation alone is synced, nothing is migrated or rolled"
pods=$(ready_pods production)
migrated=$(uid production job/ai-agents-migrate)
staging=$(branch staging)
sed -i 's/^name: .*/name: Another name/' "$overlays/production/foundation/tenants/acme.yaml"
merge "A tenant's name"
release_branch --tenants
has_name() { kubectl --namespace production get configmap tenants --output 'jsonpath={.data}' | grep -q 'Another name'; }
wait_until "the tenant's file is in production" has_name
sleep 120  # longer than Argo CD takes to see that the workload stays as it is
[[ $(branch staging) == "$staging" ]] || die "a tenant's file of production moved staging"
[[ $(ready_pods production) == "$pods" ]] || die "a tenant's file rolled pods: $(ready_pods production)"
[[ $(uid production job/ai-agents-migrate) == "$migrated" ]] || die "a tenant's file ran a migration"

say "What is stored of a tenant that is gone is erased, by a Job; of an active one nothing"
gone=0b9d5c3e-8a41-4b8e-9a67-3f1f3a5b7c02
stored() { query production "select count(*) from delivery where tenant_id = '$1'"; }
erase() { target erase ENVIRONMENT=production TENANT="$1" <<<"$1"; }
acme=$(sed -n 's/^id: //p' "$overlays/production/foundation/tenants/acme.yaml")
query production "insert into delivery select (jsonb_populate_record(each, jsonb_build_object('tenant_id', '$gone', 'job_id',
    gen_random_uuid()))).* from delivery each where tenant_id = '$acme' limit 20" >/dev/null
before=$(stored "$acme")
target schema-check ENVIRONMENT=production
said=$(erase acme 2>&1) && die "an active tenant was erased"
[[ $said == *"acme: is active"* ]] || die "refused for another reason: $said"
erase "$gone"
[[ $(stored "$gone") == 0 ]] || die "rows remain of the tenant that was erased"
(($(stored "$acme") >= before)) || die "rows of another tenant are gone"

say "A tenant goes while a secret of another can't be read"
sed -i 's/^  - tenants$/&\n  - unreadable.yaml/' "$overlays/production/foundation/kustomization.yaml"
release_now() {  # by hand, without staging's word
    merge "$1"
    release_branch "$2"
    release_branch --promote production "$(branch staging)"
}
release_now "A tenant with a secret" "$first"
wait_until "the ExternalSecret is there" kubectl --namespace production get externalsecret unreadable
kubectl --namespace production patch externalsecret unreadable --type merge --patch \
    '{"status": {"conditions": [{"type": "Ready", "status": "False", "reason": "SecretSyncedError", "message": "AccessDenied"}]}}'
is_degraded() { [[ $(application "$1" '{.status.health.status}') == Degraded ]]; }
wait_until "production's foundation is Degraded" is_degraded production-foundation
sed -i '/tenant-acme.yaml/d' "$overlays/production/foundation/kustomization.yaml"
release_now "The tenant acme goes" "$first"
is_gone_of() { [[ ! $(kubectl --namespace "$1" get --ignore-not-found --output name "${@:2}") ]]; }
is_gone() { is_gone_of production "$1"; }
wait_until "what was the tenant's is gone" is_gone networkpolicy/tenant-acme
is_degraded production-foundation || die "the foundation no longer tells of the secret"
sed -i '/unreadable.yaml/d' "$overlays/production/foundation/kustomization.yaml"
release "$first" "The other tenant's secret is mended"

say "An environment more by a folder and a line, and one less, as docs/environments.md has it"
list=$overlays/production/cluster/applications/environments.yaml
cp -r "$overlays/staging" "$overlays/trial"
find "$overlays/trial/foundation/tenants" -name '*.yaml' -delete
sed -i 's/namespace: staging$/namespace: trial/' "$overlays/trial"/*/kustomization.yaml
target tenants
sed -i 's/environment: staging$/environment: trial/; s/host: staging\./host: trial./' "$overlays/trial/values/environment.yaml"
sed -i 's/\(.*namespace: \)staging}/&\n\1trial}/' "$list"
release "$first" "An environment more"
wait_deployed trial "$(branch trial)"
rm -r "$overlays/trial"
sed -i '/namespace: trial/d' "$list"
release "$first" "An environment less"
is_unlisted() { [[ $(application trial-workload '{.status.sync.status}') == Unknown ]]; }
wait_until "the Applications stay, of a namespace that is not listed" is_unlisted
for each in workload foundation; do argo DELETE "applications/trial-$each" >/dev/null; done
kubectl delete namespace trial --timeout=5m
wait_until "the Applications are gone" is_gone_of argocd application/trial-workload application/trial-foundation

say "What somebody adds, relabels or makes beside Git is refused, so is the end of a NetworkPolicy; what else goes comes back"
refused() {
    local said
    said=$(kubectl --namespace production "$@" 2>&1) && die "this was let in: $*"
    [[ $said == *" in Git"* || $said == *PodSecurity* ]] || die "refused for another reason: $said"
}
refused patch networkpolicy default-deny --type merge --patch '{"spec": {"egress": [{}]}}'
refused delete networkpolicy default-deny
refused set env deployment/ai-agents-api TENANTS_DIR=/tmp
refused label pods --selector app.kubernetes.io/component=api --overwrite app.kubernetes.io/component=worker
refused create deployment by-hand --image="$image@$first"
refused run by-hand --image="$image@$first"
refused patch configmap tenants --type merge --patch '{"data": {"other.yaml": "slug: other"}}'
before=$(uid production cronjob/ai-agents-sync)
kubectl --namespace production delete cronjob ai-agents-sync
is_healed() { ! is_gone cronjob/ai-agents-sync && [[ $(uid production cronjob/ai-agents-sync) != "$before" ]]; }
wait_until "the sync is back" is_healed

say "A migration that fails: told, nothing of it applied, its Job kept, and nothing goes to production"
production=$(branch production)
pods=$(ready_pods staging)
in_workload <<'EOF'
  - target: {kind: Job, name: ai-agents-migrate}
    patch: |-
      - op: replace
        path: /spec/template/spec/containers/0/args
        value: [migrate, --no-such-option]
EOF
merge "A migration that fails"
release_branch "$second"
failed=$(branch staging)
wait_until "GitHub hears of the failure" is_told "$failed" staging-workload failure
sleep 60
runs staging "$first" || die "a release whose migration failed was applied"
[[ $(ready_pods staging) == "$pods" ]] || die "a release whose migration failed rolled pods"
kubectl --namespace staging get job ai-agents-migrate >/dev/null || die "the migration's Job and log are gone"
is_told "$failed" staging-workload success && die "a failed release is verified"
[[ $(branch production) == "$production" ]] || die "a failed release went to production"
in_source revert --no-edit HEAD >/dev/null

say "A release that never gets ready takes no traffic; while it waits neither a rollback nor a fix begins"
never_ready() {
    in_workload <<'EOF'
  - target: {kind: Deployment, name: ai-agents-api}
    patch: |-
      - op: replace
        path: /spec/template/spec/containers/0/readinessProbe/httpGet/path
        value: /never-ready
EOF
}
never_ready
good=$(application staging-workload '{.status.history[-1:].revision}')
merge "A release that never gets ready"
release_branch "$second"
broken=$(branch staging)
wait_until "it is applied" runs staging "$second"
for _ in {1..30}; do
    health staging || die "the API did not answer while a broken release was rolled out"
    [[ $(ready_pods staging) == "$pods" ]] || die "traffic went to other pods than before: $(ready_pods staging)"
    sleep 2
done
automate staging-workload false
refusal=$(rollback staging-workload "$good" 2>&1) && die "a rollback began while a sync waited"
[[ $refusal == *"another operation is already in progress"* ]] || die "refused for another reason: $refusal"

say "Terminate, and the rollback begins; it stays until automation is on"
argo DELETE applications/staging-workload/operation >/dev/null
has_ended() { [[ $(application staging-workload '{.status.operationState.phase}') != @(Running|Terminating) ]]; }
wait_until "the sync has ended" has_ended
rollback staging-workload "$good" >/dev/null
is_rolled_back() { has_ended && runs staging "$first" && [[ $(ready_pods staging) ]]; }
wait_until "staging is rolled back" is_rolled_back
in_source revert --no-edit HEAD >/dev/null
merge "Revert the release that never got ready"
release_branch "$second"
sleep 150  # longer than a push takes to be seen
runs staging "$first" || die "a merge was deployed while automation is off"
automate staging-workload true
wait_deployed staging "$(branch staging)"
promote_verified
wait_deployed production "$(branch production)"
is_told "$broken" staging-workload success && die "a release that never got ready is verified"

say "Left alone it fails by itself after seven minutes, and nothing goes to production"
production=$(branch production)
never_ready
merge "A release that never gets ready, left alone"
release_branch "$first"
failed=$(branch staging)
wait_until "GitHub hears of the failure" is_told "$failed" staging-workload failure
health staging || die "the API does not answer beside a release that has failed"
in_source revert --no-edit HEAD >/dev/null

say "A smoke test that fails: told, the new pods serve already, and nothing goes to production"
in_workload <<'EOF'
  - target: {kind: Job, name: ai-agents-smoke}
    patch: |-
      - op: replace
        path: /spec/template/spec/containers/0/args
        value: [smoke, --no-such-check]
EOF
merge "A smoke test that fails"
release_branch "$first"
failed=$(branch staging)
wait_until "GitHub hears of the failure" is_told "$failed" staging-workload failure
runs staging "$first" || die "the smoke test does not run after the switch"
is_told "$failed" staging-workload success && die "a release whose smoke test failed is verified"
[[ $(branch production) == "$production" ]] || die "a failed release went to production"

say "All of it holds"
