#!/usr/bin/env bash
# Sign the image and attest its bill of materials by the job's own identity, and see that the cluster's policy would
# accept it. An image that an earlier job signed stays as it is: it is the same content.
set -euo pipefail

: "${IMAGE:?the repository, without a tag}" "${DIGEST:?sha256:… of the image}"
: "${GITHUB_WORKFLOW_REF:?there is no key: only a job of GitHub Actions can sign}"

verify() {
    cosign verify --output text \
        --certificate-oidc-issuer https://token.actions.githubusercontent.com \
        --certificate-identity "https://github.com/$GITHUB_WORKFLOW_REF" \
        "$IMAGE@$DIGEST"
}

verify && exit
# The signature comes last: an image that has one has its bill of materials too.
cosign attest --yes --type cyclonedx --predicate dist/sbom.cdx.json "$IMAGE@$DIGEST"
cosign sign --yes "$IMAGE@$DIGEST"
verify
