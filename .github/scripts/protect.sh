#!/usr/bin/env bash
# Protect main and the branches `release-…` by the rulesets beside this folder, and give the jobs that move those branches,
# run from main, the one key that may push to them. An environment that names an approver gets it. Safe to repeat: it keeps
# the key while no other branch could read it, and whom you name as reviewers elsewhere. With --check it only looks.
# Needs gh, as an administrator of the repository, which `gh repo set-default` says where there are two remotes. GITHUB_TOKEN is
# no actor that a ruleset can except, a deploy key is one.
set -euo pipefail
cd "$(dirname "$0")/../.."

die() { printf '%s\n' "$*" >&2; exit 1; }

repository=$(gh repo view --json nameWithOwner --jq .nameWithOwner)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# What GitHub has at a path. Where nothing is, `gh api` prints GitHub's answer all the same, and --jq filters no such one.
get() {
    local answer
    answer=$(gh api "$1") && printf '%s' "$answer"
}

# The same in `there`, and {} where GitHub says that nothing is. It runs in no subshell: any other failure (a rate limit, GitHub
# out) ends the script, which would make anew what is there, without its reviewers.
look() {
    there=$(gh api "$1" 2>"$folder/refusal") && return
    grep -q '(HTTP 404)' "$folder/refusal" || die "$1: $(<"$folder/refusal")"
    there='{}'
}

# In quotes or not, with a comment behind it or not.
value() { sed -n "s/^  $2: *[\"']*\([^\"' ]*\).*/\1/p" "kustomize/overlays/$1/values/environment.yaml"; }

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
    id=$(get "repos/$repository/rulesets?includes_parents=false" | jq --arg name "$1" '.[] | select(.name == $name) | .id')
    if [[ $id ]]; then
        gh api --silent --method PUT "repos/$repository/rulesets/$id" --input ".github/rulesets/$1.json"
    else
        gh api --silent --method POST "repos/$repository/rulesets" --input ".github/rulesets/$1.json"
    fi
}

# A run of a workflow makes the environment that it names, and without a policy: secrets in it are then every branch's.
is_for_main_alone() {
    look "repos/$repository/environments/$1"
    [[ $(jq .deployment_branch_policy.custom_branch_policies <<<"$there") == true ]] || return
    look "repos/$repository/environments/$1/deployment-branch-policies"
    [[ $(jq --raw-output '.branch_policies[]? | "\(.type // "branch") \(.name)"' <<<"$there") == "branch main" ]]
}

# With the reviewers of that JSON, or with those that are there: a PUT takes away what it does not name. And it names nothing
# that isn't there: of a private repository GitHub refuses even an empty list, but with a plan that has it.
put_environment() {
    look "repos/$repository/environments/$1"
    jq --argjson reviewers "${2:-null}" '
        . as $there
        | [.protection_rules[]?] as $rules
        | (first($rules[] | select(.type == "required_reviewers")) // {}) as $asked
        | ($reviewers // [$asked.reviewers[]? | {type, id: .reviewer.id}]) as $reviewers
        | {deployment_branch_policy: {protected_branches: false, custom_branch_policies: true}}
          + ($rules | map(select(.type == "wait_timer") | {wait_timer}) | add // {})
          + if $there.can_admins_bypass == false then {can_admins_bypass: false} else {} end
          + if $reviewers == [] then {} else {$reviewers, prevent_self_review: ($asked.prevent_self_review // false)} end
    ' <<<"$there" | gh api --silent --method PUT "repos/$repository/environments/$1" --input -
}

make_environment() {
    local id
    put_environment "$1"
    look "repos/$repository/environments/$1/deployment-branch-policies"
    for id in $(jq '.branch_policies[]? | select(.type == "tag" or .name != "main") | .id' <<<"$there"); do
        gh api --silent --method DELETE "repos/$repository/environments/$1/deployment-branch-policies/$id"
    done
    is_for_main_alone "$1" ||
        gh api --silent --method POST "repos/$repository/environments/$1/deployment-branch-policies" -f name=main -f type=branch
}

# In `there` the approver's number and kind: a team of the owner's, or a person.
find_reviewer() {
    local type=Team
    look "orgs/${repository%%/*}/teams/$1"
    [[ $there != '{}' ]] || { type=User && look "users/$1"; }
    [[ $there != '{}' ]] || die "$1, whom $2 names, is no team and no person"
    there=$(jq --arg type "$type" '[{$type, id}]' <<<"$there")
}

has_key() {
    look "repos/$repository/environments/$1/secrets/RELEASE_KEY"
    [[ $there != '{}' ]]
}
keys_that_write() { get "repos/$repository/keys?per_page=100" | jq --raw-output ".[] | select(.read_only | not) | $1"; }

look "repos/$repository/codeowners/errors"
mistakes=$(jq --raw-output '.errors[]? | "\(.path):\(.line): \(.kind)"' <<<"$there")
[[ -z $mistakes ]] || die "$mistakes
Nobody reviews what such a line names: merge people, or visible teams, that may write to the repository first"

holders=(release tenants "${followers[@]}")
if [[ ${1:-} != --check ]]; then
    look "orgs/${repository%%/*}"
    [[ $(jq .deploy_keys_enabled_for_repositories <<<"$there") != false ]] ||
        die "${repository%%/*} forbids deploy keys, as each new organisation does: an owner allows them in its settings, Member privileges, Deploy keys"
    apply_ruleset main
    missing=()
    for name in "${holders[@]}"; do
        if is_for_main_alone "$name"; then
            has_key "$name" || missing+=("$name")
        else
            missing+=("$name")
            make_environment "$name"
        fi
    done
    for name in "${followers[@]}"; do
        approver=$(value "$name" approver)
        [[ $approver == none ]] && continue
        find_reviewer "$approver" "$name"
        put_environment "$name" "$there" ||
            die "GitHub asks nobody before $name: in a private repository that takes GitHub Enterprise; else set \`approver: none\`"
    done
    former=$(keys_that_write 'select(.title | startswith("release ")) | .id')
    if ((${#missing[@]})) || [[ $(wc -w <<<"$former") -ne 1 ]]; then
        # Nobody can read the key again, so all get a new one; and who read the old one can do nothing with it. GitHub takes a
        # deploy key away with the login of gh that made it, and a run that broke off has left two.
        ssh-keygen -q -t ed25519 -N '' -C release -f "$folder/key"
        gh repo deploy-key add "$folder/key.pub" --repo "$repository" --allow-write --title "release $(date +%F)" ||
            die "no deploy key, no release: the organisation or its enterprise may forbid them, see above"
        for name in "${holders[@]}"; do gh secret set RELEASE_KEY --repo "$repository" --env "$name" <"$folder/key"; done
        for id in $former; do gh api --silent --method DELETE "repos/$repository/keys/$id"; done
    fi
    apply_ruleset release
fi

check_branch() {
    local wanted found missing
    wanted=$(jq --raw-output '.rules[].type' ".github/rulesets/$2.json" | sort)
    found=$(get "repos/$repository/rules/branches/$1" | jq --raw-output '.[].type' | sort -u)
    missing=$(comm -23 <(echo "$wanted") <(echo "$found"))
    [[ -z $missing ]] || die "$1 is not protected: ${missing//$'\n'/, } is missing, run make protect"
    echo "$1 is protected"
}

check_branch main main
for name in "${environments[@]}"; do check_branch "release-$name" release; done
for name in "${holders[@]}"; do
    is_for_main_alone "$name" || die "environment $name gives its secrets to other branches than main, run make protect"
    has_key "$name" || die "environment $name has no RELEASE_KEY, run make protect"
done
keys=$(keys_that_write .title)
[[ $keys ]] || die "no deploy key may write, so no job moves a branch: run make protect"
[[ $(wc -l <<<"$keys") -eq 1 ]] ||
    die "each deploy key that may write moves the branches, and one is the jobs': take the others away of ${keys//$'\n'/, }"
for name in "${followers[@]}"; do
    [[ $(value "$name" approver) == none ]] && continue
    get "repos/$repository/environments/$name" | jq --raw-output '.protection_rules[].type' | grep -qx required_reviewers ||
        die "environment $name asks nobody to approve, run make protect"
    echo "$name waits for $(value "$name" approver)"
done
