#!/usr/bin/env bash
# Makes the IAM roles of this folder from its policies and trusts. Safe to repeat: it then brings them up to date.
#   AWS_ACCOUNT_ID=… AWS_REGION=… OIDC_PROVIDER=… HOSTED_ZONE_ID=… KMS_KEY_ARN=… \
#     GITHUB_REPOSITORY=owner/name GITHUB_OWNER_ID=… GITHUB_REPOSITORY_ID=… docs/aws/roles.sh
# ENVIRONMENTS="staging production" names those of the cluster that OIDC_PROVIDER is of. The roles that push and check the image
# are one for all regions: theirs is the registry that `image` of installation.yaml names, or until it does AWS_REGION's.
set -euo pipefail
cd "$(dirname "$0")"

for name in AWS_ACCOUNT_ID AWS_REGION OIDC_PROVIDER HOSTED_ZONE_ID KMS_KEY_ARN \
  GITHUB_REPOSITORY GITHUB_OWNER_ID GITHUB_REPOSITORY_ID; do
  [ -n "${!name:-}" ] || { echo "$name is unset; docs/deploy.md, \"First installation\", says where it comes from" >&2; exit 2; }
  export "${name?}"
done

# GitHub names a repository with its ids since 15 July 2026, and an older one without: whoever takes its name over later
# has other ids.
export GITHUB_OWNER=${GITHUB_REPOSITORY%%/*} GITHUB_NAME=${GITHUB_REPOSITORY#*/} ENVIRONMENT

image=$(sed -n "s/^  image: *[\"']*\([^\"' ]*\).*/\1/p" ../../kustomize/installation/installation.yaml)
if [[ $image =~ ^([0-9]{12})\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com/(.+)$ ]]; then
  export REGISTRY_ACCOUNT_ID=${BASH_REMATCH[1]} REGISTRY_REGION=${BASH_REMATCH[2]} REGISTRY_NAME=${BASH_REMATCH[3]}
else
  export REGISTRY_ACCOUNT_ID=$AWS_ACCOUNT_ID REGISTRY_REGION=$AWS_REGION REGISTRY_NAME=ai-agents
fi

filled() {
  python3 -c 'import os, string, sys; print(string.Template(open(sys.argv[1]).read()).substitute(os.environ))' "$1"
}

# The role's name, and that of its files.
make_role() {
  local trust policy
  trust=$(filled "$2-trust.json")
  policy=$(filled "$2-policy.json")
  if aws iam get-role --role-name "ai-agents-$1" >/dev/null 2>&1; then
    aws iam update-assume-role-policy --role-name "ai-agents-$1" --policy-document "$trust"
  else
    aws iam create-role --role-name "ai-agents-$1" --assume-role-policy-document "$trust" >/dev/null
  fi
  aws iam put-role-policy --role-name "ai-agents-$1" --policy-name "ai-agents-$1" --policy-document "$policy"
  echo "arn:aws:iam::$AWS_ACCOUNT_ID:role/ai-agents-$1"
}

for ENVIRONMENT in ${ENVIRONMENTS:-staging production}; do make_role "$ENVIRONMENT-external-secrets" external-secrets; done
for role in cert-manager github-release kyverno; do make_role "$role" "$role"; done
