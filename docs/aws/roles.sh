#!/usr/bin/env bash
# Makes the IAM roles of this folder from its policies and trusts. Safe to repeat: it then brings them up to date.
#   AWS_ACCOUNT_ID=… AWS_REGION=… OIDC_PROVIDER=… HOSTED_ZONE_ID=… HOST=… KMS_KEY_ARN=… \
#     GITHUB_REPOSITORY=owner/name GITHUB_OWNER_ID=… GITHUB_REPOSITORY_ID=… docs/aws/roles.sh
set -euo pipefail
cd "$(dirname "$0")"

for name in AWS_ACCOUNT_ID AWS_REGION OIDC_PROVIDER HOSTED_ZONE_ID HOST KMS_KEY_ARN \
  GITHUB_REPOSITORY GITHUB_OWNER_ID GITHUB_REPOSITORY_ID; do
  [ -n "${!name:-}" ] || { echo "$name is unset; docs/deploy.md, \"First installation\", says where it comes from" >&2; exit 2; }
  export "${name?}"
done

# GitHub names a repository with its ids since 15 July 2026, and an older one without: whoever takes its name over later
# has other ids.
export GITHUB_OWNER=${GITHUB_REPOSITORY%%/*} GITHUB_NAME=${GITHUB_REPOSITORY#*/}

filled() {
  python3 -c 'import os, string, sys; print(string.Template(open(sys.argv[1]).read()).substitute(os.environ))' "$1"
}

for role in external-secrets cert-manager github-release kyverno; do
  trust=$(filled "$role-trust.json")
  policy=$(filled "$role-policy.json")
  if aws iam get-role --role-name "ai-agents-$role" >/dev/null 2>&1; then
    aws iam update-assume-role-policy --role-name "ai-agents-$role" --policy-document "$trust"
  else
    aws iam create-role --role-name "ai-agents-$role" --assume-role-policy-document "$trust" >/dev/null
  fi
  aws iam put-role-policy --role-name "ai-agents-$role" --policy-name "ai-agents-$role" --policy-document "$policy"
  echo "arn:aws:iam::$AWS_ACCOUNT_ID:role/ai-agents-$role"
done
