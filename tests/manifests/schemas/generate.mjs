// JSON schemas of the custom resources that we deploy, from their published types: unknown keys are refused, `status`
// and descriptions are left out. README.md says how to run it.
import { mkdirSync, writeFileSync } from "node:fs";
import { createGenerator } from "ts-json-schema-generator";

const KINDS = {
  "argo-cd/argoproj.io/v1alpha1": ["Application", "AppProject"],
  "cert-manager/cert-manager.io/v1": ["Certificate", "ClusterIssuer"],
  "external-secrets/external-secrets.io/v1": ["ExternalSecret", "SecretStore"],
  "gateway-api/gateway.networking.k8s.io/v1": ["Gateway", "HTTPRoute"],
  "keda/keda.sh/v1alpha1": ["ScaledObject", "TriggerAuthentication"],
  "kyverno/policies.kyverno.io/v1": ["ImageValidatingPolicy"],
  "prometheus-operator/monitoring.coreos.com/v1": ["PodMonitor", "PrometheusRule", "ServiceMonitor"],
  "prometheus-operator/monitoring.coreos.com/v1alpha1": ["AlertmanagerConfig"],
};

const withoutWords = (value) => {
  if (Array.isArray(value)) return value.map(withoutWords);
  if (value === null || typeof value !== "object") return value;
  // An object of which nothing is said may hold anything, such as a chart's values.
  if (value.type === "object" && value.properties === undefined && value.additionalProperties === false) {
    return { type: "object" };
  }
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key, inner]) => !(key === "description" && typeof inner === "string"))
      .map(([key, inner]) => [key, withoutWords(inner)]),
  );
};

const folder = process.argv[2];
mkdirSync(folder, { recursive: true });
for (const [place, kinds] of Object.entries(KINDS)) {
  const [, group, version] = place.split("/");
  for (const kind of kinds) {
    const type = `I${kind}`;
    const path = `node_modules/@kubernetes-models/${place}/${kind}.d.ts`;
    const generator = createGenerator({
      path, type, tsconfig: "tsconfig.json", skipTypeCheck: true, additionalProperties: false, expose: "none", topRef: false,
    });
    const schema = withoutWords(generator.createSchema(type));
    delete schema.properties.status;
    writeFileSync(`${folder}/${group}_${version}_${kind}.json`, JSON.stringify(schema) + "\n");
  }
}
