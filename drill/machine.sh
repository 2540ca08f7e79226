# The functions of .github/scripts/e2e.sh that depend on where it runs: here the rig, with the environments as they are.
export KUBECONFIG=$DRILL_FOLDER/run/kubeconfig
images=$DRILL_FOLDER/run/images

make_cluster() { address=10.0.0.1; }
remove_cluster() { :; }
build_image() {    # an image is the package `app`, by its digest
    mkdir -p "$images/${1#*:}" && cp -a "$source/app" "$images/${1#*:}/"
}
push_image() {
    local built=$images/${1#*:} digest
    [[ -d $built ]] || build_image "$1"
    digest=$(cd "$built" && find app -type f -not -name '*.pyc' -print0 | sort -z | xargs -0 sha256sum | sha256sum | cut -d' ' -f1)
    mv "$built" "$images/$digest"
    echo "sha256:$digest"
}
make_root() { target bootstrap ENVIRONMENT=production; }
open_argo_cd() {
    argocd=https://$(kubectl --namespace argocd get service argocd-server --output 'jsonpath={.spec.clusterIP}')
}
schema() {
    python -c 'import asyncio, asyncpg, sys
async def main():
    connection = await asyncpg.connect(sys.argv[1], ssl=False)
    print(await connection.fetchval("select version_num from alembic_version"))
asyncio.run(main())' "$(<"$DRILL_FOLDER/run/$1.url")"
}
make_environments() {
    local each
    for each in staging production; do
        sed -i 's/^  - tenants$/&\n  - tenant-acme.yaml/' "$overlays/$each/foundation/kustomization.yaml"
    done
    sed -i 's#https://.*/install.yaml#install.yaml#' "$source/argocd/bootstrap/argo-cd/kustomization.yaml"
    cp "$DRILL_FOLDER/argo-cd.yaml" "$source/argocd/bootstrap/argo-cd/install.yaml"
}
in_workload() {    # the first patch begins the list
    local file=$overlays/staging/workload/kustomization.yaml
    grep -q '^patches:' "$file" || echo patches: >>"$file"
    cat >>"$file"
}
