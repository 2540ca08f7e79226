#!/usr/bin/env bash
# Sign the image and attest its bill of materials by the job's own identity, and see that the cluster's policy would
# accept it.
set -euo pipefail

: "${IMAGE:?the repository, without a tag}" "${DIGEST:?sha256:… of the image}"
: "${GITHUB_WORKFLOW_REF:?there is no key: only a job of GitHub Actions can sign}"

cosign sign --yes "$IMAGE@$DIGEST"
cosign attest --yes --type cyclonedx --predicate dist/sbom.cdx.json "$IMAGE@$DIGEST"
cosign verify --output text \
    --certificate-oidc-issuer https://token.actions.githubusercontent.com \
    --certificate-identity "https://github.com/$GITHUB_WORKFLOW_REF" \
    "$IMAGE@$DIGEST"
