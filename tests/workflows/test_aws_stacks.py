"""The samples of `docs/aws` fit together, and a cluster can be lost: nothing but the cluster's own stack knows of it."""

from __future__ import annotations

import json
import re
from ipaddress import IPv4Network
from typing import Any, Final

import pytest

from app.core.capacity import connections_of
from tests.manifests.project import INSTALLATIONS, ROOT, data
from tests.workflows.stacks import STACKS, calls, overrides, resources_of, template_of

PAGES: Final = sorted(
    path.name for path in (ROOT / "docs").glob("*.md") if "--template-file" in path.read_text("utf-8")
)


def _page(name: str) -> str:
    return (ROOT / "docs" / name).read_text("utf-8")


def _exports(name: str) -> set[str]:
    found = [each["Export"]["Name"]["Fn::Sub"] for each in template_of(name)["Outputs"].values() if "Export" in each]
    return {each.replace("${AWS::StackName}", "${Network}") for each in found}


def _imports(name: str) -> set[str]:
    return {each["Fn::Sub"] for each in calls(template_of(name), "Fn::ImportValue")}


def test_what_a_stack_takes_from_another_the_network_gives_and_a_cluster_gives_nothing() -> None:
    """CloudFormation refuses to change or delete an export that is in use: a cluster with one could not be replaced."""
    assert _exports("network") == _imports("cluster") | _imports("environment")
    assert _exports("cluster") == _exports("environment") == set()
    assert template_of("environment")["Parameters"].keys().isdisjoint({"Cluster"})


def test_databases_are_opened_to_a_cluster_by_the_cluster_s_own_rules() -> None:
    (group,) = resources_of("network", "AWS::EC2::SecurityGroup").values()
    rules = resources_of("cluster", "AWS::EC2::SecurityGroupIngress").values()

    assert "SecurityGroupIngress" not in group
    assert {each["FromPort"] for each in rules} == {each["ToPort"] for each in rules} == {5432, 6379}
    assert [each["SourceSecurityGroupId"] for each in rules] == [{"Fn::GetAtt": "Cluster.ClusterSecurityGroupId"}] * 2
    (data_group,) = {str(each["GroupId"]) for each in rules}
    (database,) = resources_of("environment", "AWS::RDS::DBInstance").values()
    (cache,) = resources_of("environment", "AWS::ElastiCache::ReplicationGroup").values()
    assert str(database["VPCSecurityGroups"][0]) == str(cache["SecurityGroupIds"][0]) == data_group


def test_no_subnet_is_in_a_zone_that_eks_does_not_take() -> None:
    """docs.aws.amazon.com, EKS user guide, network requirements: by their ids, which are no account's letters."""
    subnets = resources_of("network", "AWS::EC2::Subnet").values()

    assert len(subnets) == 6
    for subnet in subnets:
        _, by_id, _ = subnet["AvailabilityZoneId"]["Fn::If"]
        place, (_, *zones) = by_id["Fn::Select"][0], by_id["Fn::Select"][1]["Fn::If"]
        assert subnet["AvailabilityZone"]["Fn::If"][2] == {"Fn::Select": [place, {"Fn::GetAZs": ""}]}
        assert not {"use1-az3", "cac1-az3"} & {zone for region in zones for zone in region}
        assert [len(set(region)) for region in zones] == [3, 3]


def test_the_range_that_is_opened_for_databases_holds_every_subnet_that_they_may_move_to() -> None:
    """A range of one subnet keeps each pod from PostgreSQL once a failover has moved it: the filled example had one."""
    template = template_of("network")
    range_, count, bits = next(calls(template["Resources"]["Private0"], "Fn::Cidr"))
    every = IPv4Network(template["Parameters"][range_["Ref"]]["Default"])
    blocks = list(every.subnets(new_prefix=32 - int(bits)))[:count]
    private = [each for name, each in resources_of("network", "AWS::EC2::Subnet").items() if name.startswith("Private")]
    subnets = [blocks[each["CidrBlock"]["Fn::Select"][0]] for each in private]

    assert template["Outputs"]["DatabaseCidr"]["Value"] == range_
    assert len(set(subnets)) == 3
    for environment in ("staging", "production"):
        values = data(INSTALLATIONS["example"] / f"{environment}.yaml")
        for key in ("databaseCidr", "redisCidr"):
            assert all(each.subnet_of(IPv4Network(values[key])) for each in subnets), (environment, key)


# The names under which AWS keeps what it lets exist once in an account or a region.
NAMES: Final = re.compile(
    r"^(Name|.*(Role|Policy|Repository|Group|Cluster|Instance|Function|Bucket|Secret|Alias)Name|Url)$"
)
OF_A_CLUSTER: Final = ("ClusterName", "ServiceAccountName")


def test_a_second_cluster_collides_with_nothing_of_the_first() -> None:
    named = {
        f"{name}.{key}": value
        for name, resource in template_of("cluster")["Resources"].items()
        for key, value in resource.get("Properties", {}).items()
        if NAMES.match(key) and key not in OF_A_CLUSTER
    }

    assert named == {
        "Cluster.Name": {"Ref": "Name"},
        "ClusterLogin.Url": {"Fn::GetAtt": "Cluster.OpenIdConnectIssuerUrl"},
    }
    kinds = {each["Type"] for each in template_of("cluster")["Resources"].values()}
    assert kinds.isdisjoint(
        {"AWS::EC2::VPC", "AWS::KMS::Key", "AWS::ECR::Repository", "AWS::ECR::ReplicationConfiguration"}
    )


def test_another_cluster_can_take_over_the_records_of_a_lost_one() -> None:
    """external-dns leaves a record alone whose owner is another: its docs, proposal/registry. The clusters share one owner."""
    (names,) = (
        json.loads(each["ConfigurationValues"])
        for each in resources_of("cluster", "AWS::EKS::Addon").values()
        if each["AddonName"] == "external-dns"
    )

    assert names["txtOwnerId"] == "ai-agents"
    assert names["policy"] == "upsert-only", "one that deletes would take another cluster's records away"


def test_add_ons_are_at_eks_s_default_and_no_image_that_may_run_is_deleted() -> None:
    """A version here would undo what docs/operate.md upgrades; a lifecycle policy knows ages, and no environment."""
    assert [each for each in resources_of("cluster", "AWS::EKS::Addon").values() if "AddonVersion" in each] == []
    assert "defaultVersion" in _page("operate.md")
    registries = resources_of("network", "AWS::ECR::Repository")
    assert len(registries) == 2
    assert [name for name, each in registries.items() if "LifecyclePolicy" in each] == []


def test_a_second_environment_is_named_apart_from_the_first() -> None:
    named = {
        str(value)
        for resource in template_of("environment")["Resources"].values()
        for key, value in resource["Properties"].items()
        if key in {"DBInstanceIdentifier", "UserId", "UserGroupId", "ReplicationGroupId", "Name"}
    }

    assert named == {f"{{'Fn::Sub': 'ai-agents-${{Environment}}{end}'}}" for end in ("", "-nobody")}


@pytest.mark.parametrize(
    ("name", "is_taken"),
    [("production", True), ("production-us", True), ("eu2", True), ("a" * 23, True), ("a" * 24, False)]
    + [(each, False) for each in ("", "2eu", "us-", "us--2", "Us", "us_2", "-us")],
)
def test_a_name_of_an_environment_is_one_that_every_kind_takes(name: str, is_taken: bool) -> None:
    """ElastiCache takes 40 characters, neither it nor RDS two hyphens in a row or one at the end."""
    rule = template_of("environment")["Parameters"]["Environment"]

    taken = re.fullmatch(rule["AllowedPattern"], name) is not None and len(name) <= rule["MaxLength"]

    assert taken == is_taken
    assert len(f"ai-agents-{'a' * rule['MaxLength']}-nobody") == 40


def test_what_a_first_deployment_that_fails_leaves_is_in_no_later_one_s_way() -> None:
    """`Retain` keeps a registry of fixed name after a rolled back creation, too, and each later one fails by it."""
    kept = {
        name: each["DeletionPolicy"]
        for stack in STACKS
        for name, each in template_of(stack)["Resources"].items()
        if "DeletionPolicy" in each
    }

    assert kept == {
        **dict.fromkeys(("Key", "Registry", "CollectorRegistry", "GitHub"), "RetainExceptOnCreate"),
        "Database": "Snapshot",
        "Cache": "Delete",
    }


@pytest.mark.parametrize("page", PAGES)
def test_what_a_page_gives_a_template_is_a_parameter_of_it(page: str) -> None:
    """`aws cloudformation deploy` says nothing of a parameter that the template doesn't have."""
    for name, given in overrides(_page(page)):
        assert given <= set(template_of(name)["Parameters"]), name


def test_a_new_stack_is_given_all_that_it_wants() -> None:
    wanted = {
        name: {key for key, each in template_of(name)["Parameters"].items() if "Default" not in each} for name in STACKS
    }
    # A stack that is there keeps what is not given again; those of the first installation are not there yet.
    section = _page("deploy.md").split("\n## First installation\n")[1].split("\n### 4. ")[0]
    assert [name for name, _ in overrides(section)] == list(STACKS)
    for name, given in overrides(section):
        assert wanted[name] <= given, name
    lost = _page("recovery.md").split("\n## A cluster is lost\n")[1].split("\n## ")[0]
    assert wanted["cluster"] | {"Name", "Network"} <= overrides(lost)[0][1]


def test_a_cluster_in_the_place_of_a_lost_one_is_as_that_one_was() -> None:
    """By the template's defaults its API was open to the Internet, and Kubernetes older than its add-ons want it."""
    lost = _page("recovery.md").split("\n## A cluster is lost\n")[1].split("\n## ")[0]
    (asked,) = re.findall(r"Parameters\[\?contains\(\s*\[(.*?)\], ParameterKey\)", lost, re.DOTALL)
    kept = set(re.findall(r"'(\w+)'", asked))
    by_itself = {"Name", "Network", "HostedZoneId"}
    once_it_is_there = {"AutoMode", "Records"}

    assert kept == set(template_of("cluster")["Parameters"]) - by_itself - once_it_is_there
    assert re.search(r'HostedZoneId="\$HOSTED_ZONE_ID" "\$\{as_it_was\[@\]\}"\n', lost), "of the first deployment"


def sizes() -> dict[str, str]:
    """The size of each environment of the first installation."""
    return dict(re.findall(r"\bdatabases ([a-z-]+) (\w+)", _page("deploy.md")))


def _max_connections(size: str) -> int:
    (group,) = resources_of("environment", "AWS::RDS::DBParameterGroup").values()
    condition, production, trial = group["Parameters"]["max_connections"]["Fn::If"]
    assert condition == "IsProduction"
    return int(production if size == "production" else trial)


def test_an_environment_is_as_safe_as_production_unless_it_is_said_to_be_a_trial() -> None:
    template = template_of("environment")

    assert template["Parameters"]["Size"]["Default"] == "production"
    assert template["Conditions"]["IsProduction"] == {"Fn::Equals": [{"Ref": "Size"}, "production"]}
    assert sizes() == {"staging": "trial", "production": "production"}


def test_somebody_is_told_before_a_database_is_full() -> None:
    """A full disk stops every webhook. RDS lets it grow below a tenth that is free, no sooner than six hours after the last time."""
    (database,) = resources_of("environment", "AWS::RDS::DBInstance").values()
    alarms = {each["MetricName"]: each for each in resources_of("environment", "AWS::CloudWatch::Alarm").values()}
    disk, connections = alarms["FreeStorageSpace"], alarms["DatabaseConnections"]

    assert int(database["MaxAllocatedStorage"]) > int(database["AllocatedStorage"])
    assert disk["Threshold"] < int(database["AllocatedStorage"]) * 2**30 / 10
    condition, production, trial = connections["Threshold"]["Fn::If"]
    assert condition == "IsProduction"
    assert (production, trial) == (_max_connections("production") * 0.8, _max_connections("trial") * 0.8)
    for each in alarms.values():
        assert each["Dimensions"] == [{"Name": "DBInstanceIdentifier", "Value": {"Ref": "Database"}}]
        assert each["AlarmActions"]["Fn::If"][:2] == ["TellsSomebody", [{"Ref": "Alarms"}]]


def test_nodes_have_the_version_of_their_control_plane() -> None:
    """Without it they stay where they are when the cluster gets a newer one."""
    (cluster,) = resources_of("cluster", "AWS::EKS::Cluster").values()
    groups = resources_of("cluster", "AWS::EKS::Nodegroup").values()

    assert {str(each["Version"]) for each in groups} == {str(cluster["Version"])}
    assert cluster["ResourcesVpcConfig"]["PublicAccessCidrs"] == {"Ref": "ApiCidrs"}


def test_a_stack_can_be_given_a_newer_postgresql_and_valkey() -> None:
    """RDS refuses another major version without the flag, and one with the parameters of another family."""
    (database,) = resources_of("environment", "AWS::RDS::DBInstance").values()
    (parameters,) = resources_of("environment", "AWS::RDS::DBParameterGroup").values()
    (cache,) = resources_of("environment", "AWS::ElastiCache::ReplicationGroup").values()

    assert database["EngineVersion"] == {"Ref": "PostgresVersion"}
    assert database["AllowMajorVersionUpgrade"] is True
    assert parameters["Family"] == {"Fn::Sub": "postgres${PostgresVersion}"}
    assert "DBParameterGroupName" not in parameters, "CloudFormation makes a new group beside the old one"
    assert cache["EngineVersion"] == {"Ref": "ValkeyVersion"}
    assert {"PostgresVersion"} in [given for name, given in overrides(_page("operate.md")) if name == "environment"]


@pytest.mark.parametrize("environment", sorted(sizes()))
def test_a_size_has_the_connections_that_the_values_say_and_that_the_pods_need(environment: str) -> None:
    values: dict[str, Any] = data(INSTALLATIONS["unset"] / f"{environment}.yaml")
    allowed = _max_connections(sizes()[environment])
    workers, apis = int(values["workersMaximum"]), int(values["apiMaximum"])

    assert int(values["databaseMaxConnections"]) == allowed
    assert connections_of(worker_pods=workers, api_pods=apis) < allowed
    assert f"{allowed}: {apis} API pods and {workers} workers" in _page("deploy.md")
