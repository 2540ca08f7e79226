#!/usr/bin/env bash
# Protect main and the branches `release-…` by the rulesets beside this folder, and give the jobs that move those branches,
# run from main, the one key that may push to them. An environment that names an approver gets it. Safe to repeat: it keeps
# the key, and whom you name as reviewers elsewhere. With --check it only looks.
# Needs gh, as an administrator of the repository. GITHUB_TOKEN is no actor that a ruleset can except, a deploy key is one.
set -euo pipefail
cd "$(dirname "$0")/../.."

repository=$(gh repo view --json nameWithOwner --jq .nameWithOwner)

value() { sed -n "s/^  $2: //p" "kustomize/overlays/$1/values/environment.yaml"; }

environments=()
followers=()
for file in kustomize/overlays/*/values/environment.yaml; do
    name=${file#kustomize/overlays/}
    name=${name%%/*}
    environments+=("$name")
    [[ $(value "$name" follows) == none ]] || followers+=("$name")
done

apply_ruleset() {
    local id
    id=$(gh api "repos/$repository/rulesets" --jq ".[] | select(.name == \"$1\") | .id")
    if [[ $id ]]; then
        gh api --silent --method PUT "repos/$repository/rulesets/$id" --input ".github/rulesets/$1.json"
    else
        gh api --silent --method POST "repos/$repository/rulesets" --input ".github/rulesets/$1.json"
    fi
}

put_environment() {
    gh api --silent --method PUT "repos/$repository/environments/$1" --input - \
        <<<"{\"deployment_branch_policy\": {\"protected_branches\": false, \"custom_branch_policies\": true}${2:-}}"
}

make_environment() {
    gh api --silent "repos/$repository/environments/$1" 2>/dev/null && return
    put_environment "$1"
    gh api --silent --method POST "repos/$repository/environments/$1/deployment-branch-policies" -f name=main
}

# The approver's number and kind: a team of the owner's, or a person.
reviewer() {
    gh api "orgs/${repository%%/*}/teams/$1" --jq '"\"type\": \"Team\", \"id\": \(.id)"' 2>/dev/null ||
        gh api "users/$1" --jq '"\"type\": \"User\", \"id\": \(.id)"'
}

has_key() { gh secret list --env "$1" --json name --jq '.[].name' | grep -qx RELEASE_KEY; }

holders=(release tenants "${followers[@]}")
if [[ ${1:-} != --check ]]; then
    apply_ruleset main
    for name in "${holders[@]}"; do make_environment "$name"; done
    for name in "${followers[@]}"; do
        approver=$(value "$name" approver)
        [[ $approver == none ]] && continue
        found=$(reviewer "$approver") || { echo "$approver, whom $name names, is no team and no person" >&2; exit 1; }
        put_environment "$name" ", \"reviewers\": [{$found}]"
    done
    missing=()
    for name in "${holders[@]}"; do has_key "$name" || missing+=("$name"); done
    if ((${#missing[@]})); then
        # Nobody can read the key again, so all get a new one.
        folder=$(mktemp -d)
        trap 'rm -rf "$folder"' EXIT
        ssh-keygen -q -t ed25519 -N '' -C release -f "$folder/key"
        gh repo deploy-key add "$folder/key.pub" --allow-write --title "release $(date +%F)"
        for name in "${holders[@]}"; do gh secret set RELEASE_KEY --env "$name" <"$folder/key"; done
    fi
    apply_ruleset release
fi

check_branch() {
    local wanted found missing
    wanted=$(jq --raw-output '.rules[].type' ".github/rulesets/$2.json" | sort)
    found=$(gh api "repos/$repository/rules/branches/$1" --jq '.[].type' | sort -u)
    missing=$(comm -23 <(echo "$wanted") <(echo "$found"))
    [[ -z $missing ]] || { echo "$1 is not protected: ${missing//$'\n'/, } is missing, run make protect" >&2; exit 1; }
    echo "$1 is protected"
}

check_branch main main
for name in "${environments[@]}"; do check_branch "release-$name" release; done
for name in "${holders[@]}"; do
    has_key "$name" || { echo "environment $name has no RELEASE_KEY, run make protect" >&2; exit 1; }
done
for name in "${followers[@]}"; do
    [[ $(value "$name" approver) == none ]] && continue
    gh api "repos/$repository/environments/$name" --jq '.protection_rules[].type' | grep -qx required_reviewers ||
        { echo "environment $name asks nobody to approve, run make protect" >&2; exit 1; }
    echo "$name waits for $(value "$name" approver)"
done
