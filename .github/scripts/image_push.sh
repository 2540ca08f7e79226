#!/usr/bin/env bash
# Build the image of HEAD and push it with its SBOM, once for the same content: a merge that changes nothing of what goes
# into it, and a job that runs again, find the image that is there. So its digest stays, and nothing is rolled.
set -euo pipefail

: "${IMAGE:?the repository, without a tag}" "${BASE:?the base image, by digest}"
[[ $BASE == *@sha256:* ]] || { echo "BASE must be pinned by digest: $BASE" >&2; exit 1; }

commit=$(git rev-parse HEAD)
# What the Containerfile reads, and what it stands on.
inputs=(.dockerignore Containerfile LICENSE app pyproject.toml uv.lock)
content=content-$( { git ls-tree HEAD -- "${inputs[@]}"; echo "$BASE"; } | sha256sum | cut -d ' ' -f 1)
# Major and minor are chosen in pyproject.toml; the patch counts main's commits, so each release has a version.
version=$(sed -n 's/^version = "\([0-9]*\.[0-9]*\)\..*/\1/p' pyproject.toml).$(git rev-list --count --first-parent HEAD)
registry=${IMAGE%%/*}
repository=${IMAGE#*/}

aws ecr get-login-password | docker login --username AWS --password-stdin "$registry"

find_digest() {
    aws ecr batch-get-image --repository-name "$repository" --image-ids "imageTag=$content" \
        --accepted-media-types application/vnd.oci.image.index.v1+json \
        --query 'images[0].imageId.imageDigest' --output text
}

digest=$(find_digest)
if [[ $digest == None ]]; then
    # The daemon's own builder can't push an SBOM.
    docker buildx inspect release >/dev/null 2>&1 || docker buildx create --name release --driver docker-container
    make image ENGINE="docker buildx" IMAGE="$IMAGE:$content" BASE="$BASE" VERSION="$version" \
        IMAGE_FLAGS="--builder release --push --sbom=true --tag $IMAGE:$version --tag $IMAGE:$commit"
    digest=$(find_digest)
fi
[[ $digest == sha256:* ]] || { echo "the registry does not tell the digest of $IMAGE:$content" >&2; exit 1; }
tee -a "${GITHUB_OUTPUT:-/dev/null}" <<<"digest=$digest"
