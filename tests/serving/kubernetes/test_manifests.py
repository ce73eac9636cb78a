"""The manifests are checked offline against Kubernetes' own schemas, and against each other."""

from pathlib import Path

import kubernetes_validate
import pytest
import yaml
from google.protobuf import text_format
from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig

MANIFESTS = Path(__file__).parents[3] / "serving" / "kubernetes"
OLDEST, NEWEST = "1.27", "1.37"
NOT_CORE = {"Kustomization", "InferenceService"}


def _documents() -> list[tuple[str, dict]]:
    return [
        (str(path.relative_to(MANIFESTS)), document)
        for path in sorted(MANIFESTS.rglob("*.yaml"))
        for document in yaml.safe_load_all(path.read_text())
    ]


DOCUMENTS = _documents()
PATCHES = {
    str((folder / patch["path"]).relative_to(MANIFESTS))
    for folder in sorted((MANIFESTS / "overlays").iterdir())
    for patch in yaml.safe_load((folder / "kustomization.yaml").read_text()).get("patches", [])
}
WHOLE = [(p, d) for p, d in DOCUMENTS if p not in PATCHES and d["kind"] not in NOT_CORE]


def _base(kind: str, name: str = "shelfsort") -> dict:
    (found,) = [
        document
        for path, document in DOCUMENTS
        if path.startswith("base/")
        and document["kind"] == kind
        and document["metadata"]["name"] == name
    ]
    return found


def _pod() -> dict:
    return _base("Deployment")["spec"]["template"]


def _server() -> dict:
    (server,) = _pod()["spec"]["containers"]
    return server


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
@pytest.mark.parametrize(("path", "document"), WHOLE, ids=lambda value: str(value)[:40])
def test_each_manifest_is_valid(path, document, version):
    kubernetes_validate.validate(document, version, strict=True)


def test_the_validator_does_refuse_a_misspelt_field():
    deployment = yaml.safe_load((MANIFESTS / "base" / "deployment.yaml").read_text())
    deployment["spec"]["template"]["spec"]["containers"][0]["readynessProbe"] = {}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(deployment, NEWEST, strict=True)


@pytest.mark.parametrize("path", sorted(PATCHES))
def test_a_patch_changes_something_that_the_base_has(path):
    (patch,) = [document for found, document in DOCUMENTS if found == path]
    base = _base(patch["kind"], patch["metadata"]["name"])
    assert patch["apiVersion"] == base["apiVersion"]
    if patch["kind"] == "Deployment":
        names = [c["name"] for c in patch["spec"]["template"]["spec"]["containers"]]
        assert _server()["name"] in names


@pytest.mark.parametrize(
    "folder", sorted(p.parent for p in MANIFESTS.rglob("kustomization.yaml")), ids=lambda p: p.name
)
def test_a_kustomization_names_files_that_are_there_and_forgets_none(folder):
    kustomization = yaml.safe_load((folder / "kustomization.yaml").read_text())
    named = [patch["path"] for patch in kustomization.get("patches", [])]
    named += kustomization["resources"]
    for generator in kustomization.get("configMapGenerator", []):
        named += generator["files"]
    assert [name for name in named if not (folder / name).exists()] == []
    here = {
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file() and path.name not in ("kustomization.yaml", "README.md")
    }
    assert here - set(named) == set()


@pytest.mark.parametrize("path", sorted(MANIFESTS.rglob("models.config")), ids=str)
def test_model_configurations_are_what_the_server_parses(path):
    config = text_format.Parse(path.read_text(), ModelServerConfig())
    (model,) = config.model_config_list.config
    assert (model.name, model.model_platform) == ("shelfsort", "tensorflow")
    assert model.base_path.endswith("/shelfsort")


def test_everything_that_selects_pods_selects_the_servers():
    labels = _pod()["metadata"]["labels"]
    selectors = [
        _base("Deployment")["spec"]["selector"]["matchLabels"],
        _base("PodDisruptionBudget")["spec"]["selector"]["matchLabels"],
        _base("NetworkPolicy")["spec"]["podSelector"]["matchLabels"],
        _base("Service")["spec"]["selector"],
        _base("Service", "shelfsort-pods")["spec"]["selector"],
        _pod()["spec"]["topologySpreadConstraints"][0]["labelSelector"]["matchLabels"],
    ]
    assert all(selector and selector.items() <= labels.items() for selector in selectors)


def test_ports_probes_and_policies_name_ports_that_the_server_opens():
    ports = {port["name"]: port["containerPort"] for port in _server()["ports"]}
    assert f"--port={ports['grpc']}" in _server()["args"]
    assert f"--rest_api_port={ports['http']}" in _server()["args"]
    services = [_base("Service"), _base("Service", "shelfsort-pods")]
    used = [port["targetPort"] for service in services for port in service["spec"]["ports"]]
    used += [p["port"] for rule in _base("NetworkPolicy")["spec"]["ingress"] for p in rule["ports"]]
    used += [_server()[f"{probe}Probe"]["httpGet"]["port"] for probe in ("startup", "readiness")]
    used.append(_server()["livenessProbe"]["tcpSocket"]["port"])
    assert set(used) == set(ports)


def test_a_pod_is_ready_when_the_configured_model_answers():
    config = (MANIFESTS / "base" / "config" / "models.config").read_text()
    model = text_format.Parse(config, ModelServerConfig()).model_config_list.config[0]
    for probe in ("startupProbe", "readinessProbe"):
        assert _server()[probe]["httpGet"]["path"] == f"/v1/models/{model.name}/metadata"


def test_the_server_reads_configuration_files_that_are_mounted():
    kustomization = yaml.safe_load((MANIFESTS / "base" / "kustomization.yaml").read_text())
    (generator,) = kustomization["configMapGenerator"]
    mounted = {f"/etc/shelfsort/{Path(name).name}" for name in generator["files"]}
    flags = dict(flag.split("=", 1) for flag in _server()["args"] if "=" in flag)
    wanted = {value for value in flags.values() if value.startswith("/etc/")}
    assert wanted == mounted
    volumes = {volume["name"]: volume for volume in _pod()["spec"]["volumes"]}
    assert volumes["config"]["configMap"]["name"] == generator["name"]


def test_threads_and_processors_agree():
    cores = _server()["resources"]["limits"]["cpu"]
    assert f"--tensorflow_intra_op_parallelism={cores}" in _server()["args"]
    batching = (MANIFESTS / "base" / "config" / "batching.config").read_text()
    assert f"num_batch_threads {{ value: {cores} }}" in batching


def test_the_autoscaler_scales_the_deployment_and_nobody_else_does():
    target = _base("HorizontalPodAutoscaler")["spec"]["scaleTargetRef"]
    assert (target["kind"], target["name"]) == ("Deployment", "shelfsort")
    assert "replicas" not in _base("Deployment")["spec"]
    assert "cpu" in _server()["resources"]["requests"]


def test_only_named_namespaces_get_in_and_nothing_gets_out():
    spec = _base("NetworkPolicy")["spec"]
    assert (spec["policyTypes"], spec["egress"]) == (["Ingress", "Egress"], [])
    admitted = {}
    for rule in spec["ingress"]:
        for peer in rule["from"]:
            (label,) = peer["namespaceSelector"]["matchLabels"].items()
            admitted[label] = {port["port"] for port in rule["ports"]}
    assert admitted == {
        ("shelfsort-client", "true"): {"http"},
        ("shelfsort-grpc-client", "true"): {"grpc", "http"},
        ("shelfsort-monitoring", "true"): {"http"},
    }


@pytest.mark.parametrize("overlay", ["gcs", "s3"])
def test_an_overlay_with_a_remote_store_opens_names_and_tls_alone_to_everywhere(overlay):
    (policy,) = [d for p, d in DOCUMENTS if p == f"overlays/{overlay}/network-policy.yaml"]
    assert list(policy["spec"]) == ["egress"]
    anywhere = [rule for rule in policy["spec"]["egress"] if "to" not in rule]
    assert anywhere == [{"ports": [{"port": 443}]}]


def _containers() -> list[dict]:
    pods = [d["spec"]["template"]["spec"] for _, d in DOCUMENTS if d["kind"] == "Deployment"]
    (service,) = [d for _, d in DOCUMENTS if d["kind"] == "InferenceService"]
    model = service["spec"]["predictor"]["model"]
    return [*(c for pod in pods for c in pod["containers"] if "resources" in c), model]


def test_every_container_has_bounds_and_no_rights():
    for container in _containers():
        assert {"memory", "ephemeral-storage"} <= set(container["resources"]["limits"])
        rights = container["securityContext"]
        assert rights["readOnlyRootFilesystem"] and not rights["allowPrivilegeEscalation"]
        assert rights["capabilities"] == {"drop": ["ALL"]}


def test_volumes_fit_into_the_ephemeral_storage_of_their_pod():
    (mirror,) = [d for p, d in DOCUMENTS if p == "overlays/s3/mirror.yaml"]
    units = {"Mi": 1, "Gi": 1024}

    def mebibytes(quantity):
        return int(quantity[:-2]) * units[quantity[-2:]]

    volumes = [*_pod()["spec"]["volumes"], *mirror["spec"]["template"]["spec"]["volumes"]]
    taken = sum(mebibytes(v["emptyDir"]["sizeLimit"]) for v in volumes if "emptyDir" in v)
    limits = [c["resources"]["limits"]["ephemeral-storage"] for c in _containers()[:-1]]
    assert taken < sum(map(mebibytes, limits))


def test_kserve_runs_without_root_and_without_a_token():
    (service,) = [d for _, d in DOCUMENTS if d["kind"] == "InferenceService"]
    predictor = service["spec"]["predictor"]
    assert predictor["securityContext"]["runAsNonRoot"]
    assert predictor["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert predictor["automountServiceAccountToken"] is False


@pytest.mark.parametrize("overlay", ["overlays/pvc", "overlays/gcs", "overlays/s3"])
def test_a_rendered_overlay_is_valid_and_complete(render, overlay):
    documents = render(overlay)
    for document in documents:
        kubernetes_validate.validate(document, NEWEST, strict=True)
    found = {(document["kind"], document["metadata"]["name"]) for document in documents}
    (deployment,) = [document for document in documents if document["kind"] == "Deployment"]
    pod = deployment["spec"]["template"]["spec"]
    mounts = {mount["name"] for c in pod["containers"] for mount in c["volumeMounts"]}
    assert mounts == {volume["name"] for volume in pod["volumes"]}
    assert ("ServiceAccount", pod["serviceAccountName"]) in found
    for volume in pod["volumes"]:
        if "configMap" in volume:
            assert ("ConfigMap", volume["configMap"]["name"]) in found
        if "persistentVolumeClaim" in volume:
            assert ("PersistentVolumeClaim", volume["persistentVolumeClaim"]["claimName"]) in found


@pytest.mark.parametrize("overlay", ["overlays/pvc", "overlays/gcs", "overlays/s3"])
def test_no_container_has_more_rights_than_it_needs(render, overlay):
    (deployment,) = [document for document in render(overlay) if document["kind"] == "Deployment"]
    pod = deployment["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"]
    assert pod["automountServiceAccountToken"] is False
    for container in pod["containers"]:
        rights = container["securityContext"]
        assert rights["readOnlyRootFilesystem"]
        assert rights["allowPrivilegeEscalation"] is False
        assert rights["capabilities"] == {"drop": ["ALL"]}
        assert ":" in container["image"], "an image without a version changes by itself"
        assert "memory" in container["resources"]["limits"]


def test_the_bucket_takes_the_place_of_the_folder(render):
    (config,) = [d for d in render("overlays/gcs") if d["kind"] == "ConfigMap"]
    assert "gs://" in config["data"]["models.config"]
    assert "/models/" not in config["data"]["models.config"]
    assert "batching.config" in config["data"]


def test_the_mirror_writes_where_the_server_looks(render):
    (deployment,) = [d for d in render("overlays/s3") if d["kind"] == "Deployment"]
    mirror, server = sorted(
        deployment["spec"]["template"]["spec"]["containers"], key=lambda c: c["name"]
    )
    target = {entry["name"]: entry["value"] for entry in mirror["env"]}["MIRROR_TARGET"]
    config = (MANIFESTS / "base" / "config" / "models.config").read_text()
    assert f'base_path: "{target}"' in config
    paths = [
        {m["name"]: m["mountPath"] for m in container["volumeMounts"]}["models"]
        for container in (mirror, server)
    ]
    assert paths == ["/models", "/models"]


def test_kserve_serves_the_tensorflow_format_from_the_folder_of_versions(render):
    (service,) = render("kserve")
    assert service["apiVersion"] == "serving.kserve.io/v1beta1"
    model = service["spec"]["predictor"]["model"]
    assert model["modelFormat"] == {"name": "tensorflow", "version": "2"}
    claim = yaml.safe_load((MANIFESTS / "overlays" / "pvc" / "claim.yaml").read_text())
    assert model["storageUri"] == f"pvc://{claim['metadata']['name']}/serving/shelfsort"
