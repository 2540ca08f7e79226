#!/usr/bin/env bash
# Makes the secrets of an environment in AWS Secrets Manager, and run again gives them the new values.
#   ENVIRONMENT=staging KMS_KEY_ARN=… DATABASE_HOST=… OWNER_PASSWORD=… INTAKE_PASSWORD=… WORKER_PASSWORD=… REDIS_URL=rediss://… \
#     OPENAI_API_KEY=… ALERT_RECEIVER=slack ALERT_CREDENTIAL=… docs/aws/secrets.sh
# WATCHDOG_URL makes that of the dead man's switch, which production has.
# COMPONENTS="console feedback" makes those of these components, once, of random values.
# ARGOCD_SLACK_TOKEN and ARGOCD_GITHUB_TOKEN make Argo CD's, in the environment that the cluster was made for; and
# ARGOCD_REPOSITORY_TOKEN that by which it reads a private repository.
# Values go by the environment and standard input: no list of processes shows them.
set -euo pipefail

for name in ENVIRONMENT KMS_KEY_ARN DATABASE_HOST OWNER_PASSWORD INTAKE_PASSWORD WORKER_PASSWORD REDIS_URL OPENAI_API_KEY \
  ALERT_RECEIVER ALERT_CREDENTIAL; do
  [ -n "${!name:-}" ] || { echo "$name is unset; docs/deploy.md, \"First installation\", says where it comes from" >&2; exit 2; }
  export "${name?}"
done

# They are keys of one secret: alone, each would take the other's place.
if [ "${ARGOCD_SLACK_TOKEN:+set}" != "${ARGOCD_GITHUB_TOKEN:+set}" ]; then
  echo "ARGOCD_SLACK_TOKEN and ARGOCD_GITHUB_TOKEN go together; docs/release.md, \"Rotation\", changes one" >&2; exit 2
fi

is_there() {
  local deleted
  deleted=$(aws secretsmanager describe-secret --secret-id "ai-agents/$ENVIRONMENT/$1" --query DeletedDate --output text 2>/dev/null) ||
    return 1
  # Of an environment that was taken away some days ago: it takes no value, and its name is in use.
  [ "$deleted" = None ] || aws secretsmanager restore-secret --secret-id "ai-agents/$ENVIRONMENT/$1" >/dev/null
}

put() {
  if is_there "$1"; then
    aws secretsmanager put-secret-value --secret-id "ai-agents/$ENVIRONMENT/$1" --secret-string file:///dev/stdin >/dev/null
  else
    aws secretsmanager create-secret --kms-key-id "$KMS_KEY_ARN" --name "ai-agents/$ENVIRONMENT/$1" \
      --secret-string file:///dev/stdin >/dev/null
  fi
  echo "ai-agents/$ENVIRONMENT/$1"
}

jq --null-input 'def url(role; password): "postgresql://\(role):\(password)@\(env.DATABASE_HOST):5432/ai_agents?sslmode=require";
  {owner_url: url("ai_agents_owner"; env.OWNER_PASSWORD), intake_url: url("ai_agents_intake"; env.INTAKE_PASSWORD),
   worker_url: url("ai_agents_worker"; env.WORKER_PASSWORD)}' | put database
jq --null-input '{url: env.REDIS_URL}' | put redis
jq --null-input '{api_key: env.OPENAI_API_KEY}' | put openai
jq --null-input '{(env.ALERT_RECEIVER): env.ALERT_CREDENTIAL}' | put alerts
if [ -n "${WATCHDOG_URL:-}" ]; then
  export WATCHDOG_URL
  jq --null-input '{url: env.WATCHDOG_URL}' | put watchdog
fi
if ! is_there tenants/smoke; then
  WEBHOOK_SECRET=$(openssl rand -hex 32) API_KEY=$(openssl rand -hex 32) \
    jq --null-input '{webhook_secret: env.WEBHOOK_SECRET, api_key: env.API_KEY}' | put tenants/smoke
fi
for component in ${COMPONENTS:-}; do
  case $component in
    console) keys='{token: .[0], session_key: .[1]}' ;;
    feedback) keys='{key: .[0]}' ;;
    *) echo "COMPONENTS: $component has no secret that is made here; console and feedback have" >&2; exit 2 ;;
  esac
  if ! is_there "$component"; then
    { openssl rand -hex 32; openssl rand -hex 32; } | jq --raw-input --slurp "split(\"\\n\") | $keys" | put "$component"
  fi
done
if [ -n "${ARGOCD_SLACK_TOKEN:-}" ]; then
  export ARGOCD_SLACK_TOKEN ARGOCD_GITHUB_TOKEN
  jq --null-input '{"slack-token": env.ARGOCD_SLACK_TOKEN, "github-token": env.ARGOCD_GITHUB_TOKEN}' | put argocd
fi
if [ -n "${ARGOCD_REPOSITORY_TOKEN:-}" ]; then
  export ARGOCD_REPOSITORY_TOKEN
  jq --null-input '{token: env.ARGOCD_REPOSITORY_TOKEN}' | put argocd-repository
fi
# A new network has a new key, and the role of External Secrets reads what is under that one alone: clients' secrets too.
for name in $(aws secretsmanager list-secrets --filters "Key=name,Values=ai-agents/$ENVIRONMENT/" \
  --query "SecretList[?KmsKeyId!='$KMS_KEY_ARN'].Name" --output text); do
  aws secretsmanager update-secret --secret-id "$name" --kms-key-id "$KMS_KEY_ARN" >/dev/null
  echo "$name: under $KMS_KEY_ARN now"
done
