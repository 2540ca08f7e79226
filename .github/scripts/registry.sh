#!/usr/bin/env bash
# What the release job must know of AWS, all of it from the image's name in kustomize/installation/installation.yaml.
# While that is unset, as after the first push of a new repository, no image: nothing is released.
set -euo pipefail

image=$(sed -n "s/^  image: *[\"']*\([^\"' ]*\).*/\1/p" kustomize/installation/installation.yaml)
if [[ $image == unset.invalid/* ]]; then
    echo "image in kustomize/installation/installation.yaml is unset: nothing is released yet"
    echo image= | tee -a "${GITHUB_OUTPUT:-/dev/null}"
    exit
fi
if [[ ! $image =~ ^([0-9]{12})\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com/[a-z0-9/._-]+$ ]]; then
    echo "image in kustomize/installation/installation.yaml is no repository of ECR: $image" >&2
    exit 1
fi
# Outside GitHub they are printed.
tee -a "${GITHUB_OUTPUT:-/dev/null}" <<EOF
image=$image
region=${BASH_REMATCH[2]}
role=arn:aws:iam::${BASH_REMATCH[1]}:role/ai-agents-github-release
EOF
