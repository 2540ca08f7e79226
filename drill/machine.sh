# The functions of .github/scripts/e2e.sh that depend on where it runs: here the rig, with the environments as they are. Our image is `make image`'s.
export KUBECONFIG=$DRILL_FOLDER/run/kubeconfig

make_cluster() { address=10.0.0.1; }
remove_cluster() { :; }
build_image() {    # no network of the rig leads out: the first image, with the package of this tree
    local container at
    container=$(buildah from --quiet localhost/ai-agents:local)
    at=$(echo "$(buildah mount "$container")"/opt/ai-agents/lib/python3*/site-packages)
    rm -rf "$at/app"
    cp -a "$source/app" "$at/"
    buildah commit --quiet --rm "$container" "localhost/$1" >&2
}
push_image() {    # with the authority that signed the door's certificate
    local container pushed=localhost/drill-pushed:${1#*:}
    container=$(buildah from --quiet "localhost/$1")
    buildah copy --quiet "$container" "$DRILL_FOLDER/run/pki/trust.crt" /etc/ssl/drill.crt >&2
    buildah config --env SSL_CERT_FILE=/etc/ssl/drill.crt "$container"
    buildah commit --quiet --rm "$container" "$pushed" >&2
    buildah push --quiet --tls-verify=false --digestfile "$work/digest" "$pushed" "docker://127.0.0.1:${registry#*:}/${image#*/}:${1#*:}" >&2
    cat "$work/digest"
}
make_root() { target bootstrap ENVIRONMENT=production; }
open_argo_cd() {
    argocd=https://$(kubectl --namespace argocd get service argocd-server --output 'jsonpath={.spec.clusterIP}')
}
query() {
    python -c 'import asyncio, asyncpg, sys
async def main():
    connection = await asyncpg.connect(sys.argv[1], ssl=False)
    print(await connection.fetchval(sys.argv[2]))
asyncio.run(main())' "$(<"$DRILL_FOLDER/run/$1.url")" "$2"
}
make_environments() {
    local each
    # For drill/people.py, with secrets that docs/aws/secrets.sh made, and listed before the database's authority.
    for each in console feedback; do
        grep -q "components/$each" "$overlays/production/workload/kustomization.yaml" ||
            sed -i "s#^  - ../../../environment/workload#&\n  - ../../../components/$each#" "$overlays/production/workload/kustomization.yaml"
    done
    for each in staging production; do
        sed -i 's/^  - tenants$/&\n  - tenant-acme.yaml\n  - help-desk.yaml/' "$overlays/$each/foundation/kustomization.yaml"
        # The client's help desk is inside, as the component on-premises has it. The walk takes tenant-acme.yaml away.
        sed 's#198.51.100.10/32#10.0.0.5/32#; s/port: 8443/port: 8090/; \#198.51.100.20#d; s/tenant-acme/help-desk/' \
            "$source/kustomize/components/on-premises/networkpolicy.yaml" >"$overlays/$each/foundation/help-desk.yaml"
        # The database is verified, by the authority of its certificate.
        grep -q database-ca "$overlays/$each/foundation/kustomization.yaml" && continue
        sed -i '/^components:/a\  - ../../../components/database-ca/foundation' "$overlays/$each/foundation/kustomization.yaml"
        sed -i 's#^  - ../../../release.*#  - ../../../components/database-ca/workload\n&#' "$overlays/$each/workload/kustomization.yaml"
    done
    # Of the add-ons the public door, too. Pebble's directory has a path of its own, and the zone an id of moto's.
    sed -i 's/^  - policies.yaml$/&\n  - cluster-issuer.yaml\n  - gateway-class.yaml/' "$source/argocd/applications/add-ons/kustomization.yaml"
    sed -i '/hostedZoneId/,$d' "$source/argocd/cluster-issuer/kustomization.yaml"
    sed -i "s#letsencrypt.org/directory#letsencrypt.org/dir#; s/hostedZoneID: [^}]*/hostedZoneID: $(<"$DRILL_FOLDER/run/zone")/" \
        "$source/argocd/cluster-issuer/cluster-issuer.yaml"
    cp "$DRILL_FOLDER/run/pki/ca.crt" "$source/kustomize/components/database-ca/foundation/ca.pem"
    sed -i 's#https://.*/install.yaml#install.yaml#' "$source/argocd/bootstrap/argo-cd/kustomization.yaml"
    cp "$DRILL_FOLDER/argo-cd.yaml" "$source/argocd/bootstrap/argo-cd/install.yaml"
}
in_workload() {    # the first patch begins the list
    local file=$overlays/staging/workload/kustomization.yaml
    grep -q '^patches:' "$file" || echo patches: >>"$file"
    cat >>"$file"
}
