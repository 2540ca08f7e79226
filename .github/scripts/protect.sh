#!/usr/bin/env bash
# Protect main and `release` by the rulesets beside this folder, and give the two release jobs, run from main, the one key
# that may push to `release`. Safe to repeat: it keeps the key, and whom you name as reviewers. With --check it only looks.
# Needs gh, as an administrator of the repository. GITHUB_TOKEN is no actor that a ruleset can except, a deploy key is one.
set -euo pipefail
cd "$(dirname "$0")/../rulesets"

repository=$(gh repo view --json nameWithOwner --jq .nameWithOwner)

apply_ruleset() {
    local id
    id=$(gh api "repos/$repository/rulesets" --jq ".[] | select(.name == \"$1\") | .id")
    if [[ $id ]]; then
        gh api --silent --method PUT "repos/$repository/rulesets/$id" --input "$1.json"
    else
        gh api --silent --method POST "repos/$repository/rulesets" --input "$1.json"
    fi
}

make_environment() {
    gh api --silent "repos/$repository/environments/$1" 2>/dev/null && return
    gh api --silent --method PUT "repos/$repository/environments/$1" --input - \
        <<<'{"deployment_branch_policy": {"protected_branches": false, "custom_branch_policies": true}}'
    gh api --silent --method POST "repos/$repository/environments/$1/deployment-branch-policies" -f name=main
}

has_key() { gh secret list --env "$1" --json name --jq '.[].name' | grep -qx RELEASE_KEY; }

if [[ ${1:-} != --check ]]; then
    apply_ruleset main
    make_environment release
    make_environment tenants
    if ! has_key release || ! has_key tenants; then
        folder=$(mktemp -d)
        trap 'rm -rf "$folder"' EXIT
        ssh-keygen -q -t ed25519 -N '' -C release -f "$folder/key"
        gh repo deploy-key add "$folder/key.pub" --allow-write --title "release $(date +%F)"
        gh secret set RELEASE_KEY --env release <"$folder/key"
        gh secret set RELEASE_KEY --env tenants <"$folder/key"
    fi
    apply_ruleset release
fi

for name in main release; do
    wanted=$(jq --raw-output '.rules[].type' "$name.json" | sort)
    found=$(gh api "repos/$repository/rules/branches/$name" --jq '.[].type' | sort -u)
    missing=$(comm -23 <(echo "$wanted") <(echo "$found"))
    [[ -z $missing ]] || { echo "$name is not protected: ${missing//$'\n'/, } is missing, run make protect" >&2; exit 1; }
    echo "$name is protected"
done
for environment in release tenants; do
    has_key "$environment" || { echo "environment $environment has no RELEASE_KEY, run make protect" >&2; exit 1; }
done
