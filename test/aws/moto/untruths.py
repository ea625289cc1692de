"""What moto 5.2.5 tells or does otherwise than AWS, put right, where faults depend on it.

Must never make moto kinder than AWS. What takes time on AWS is not here: moto does it at once, and the shim delays it.
"""

from collections import Counter

from moto.autoscaling.models import AutoScalingBackend, FakeAutoScalingGroup, autoscaling_backends
from moto.core.responses import ActionResult
from moto.ec2 import utils
from moto.ec2.exceptions import (
    DependencyViolationError,
    EC2ClientError,
    InvalidAssociationIdError,
    InvalidSecurityGroupNotFoundError,
)
from moto.ec2.models import ec2_backends
from moto.ec2.models.elastic_network_interfaces import NetworkInterface, NetworkInterfaceBackend
from moto.ec2.models.instances import Instance, InstanceBackend
from moto.ec2.models.network_acls import NetworkAclBackend
from moto.ec2.models.security_groups import SecurityGroupBackend
from moto.ec2.models.subnets import SubnetBackend
from moto.ec2.models.vpcs import VPCBackend
from moto.ec2.responses.network_acls import NetworkACLs
from moto.elasticache.exceptions import ElastiCacheException
from moto.elasticache.responses import ElastiCacheResponse
from moto.fis.models import Experiment
from moto.moto_api import state_manager
from moto.rds.exceptions import RDSClientError
from moto.rds.responses import RDSResponse
from moto.ssm.responses import SimpleSystemManagerResponse

# The number under which AWS tells an ACL's last entries.
LAST_RULE = 32767


def correct():
    for correction in (
        values_of_filters_are_alternatives,
        no_association_is_lost,
        subnets_take_their_associations,
        interfaces_have_the_groups_they_were_given,
        instances_take_their_interfaces,
        what_is_in_use_stays,
        network_acls_end_in_a_denial,
        network_acls_know_dry_runs,
        what_is_terminated_stays_so,
        groups_spread_over_zones,
        groups_replace_unless_suspended,
        databases_fail_over,
        caches_fail_over,
        instances_are_managed,
        experiments_run_until_they_are_stopped,
    ):
        correction()


def around(owner, name):
    """Replaces a method by one that is given the original."""
    original = getattr(owner, name)

    def replace(method):
        setattr(owner, name, lambda self, *args, **named: method(original, self, *args, **named))

    return replace


def values_of_filters_are_alternatives():
    # moto wants all of them, or no others, where a resource has several: the subnets of an ACL.
    original = utils.is_filter_matching

    def is_matching(resource, name, wanted):
        if isinstance(wanted, list) and len(wanted) > 1:
            return any(original(resource, name, [one]) for one in wanted)
        return original(resource, name, wanted)

    utils.is_filter_matching = is_matching


def no_association_is_lost():
    # moto takes the old association away before it looks for the new ACL, and has no answer to a stale id.
    @around(NetworkAclBackend, "replace_network_acl_association")
    def replace(original, self, association_id, network_acl_id):
        self.get_network_acl(network_acl_id)
        if not any(association_id in acl._associations for acl in self.network_acls.values()):
            raise InvalidAssociationIdError(association_id)
        return original(self, association_id, network_acl_id)

    # ... nor to an entry that is not there.
    @around(NetworkAclBackend, "delete_network_acl_entry")
    def delete_entry(original, self, network_acl_id, rule_number, egress):
        if not has_entry(self.get_network_acl(network_acl_id), rule_number, egress):
            direction = "egress" if egress else "ingress"
            raise EC2ClientError(
                "InvalidNetworkAclEntry.NotFound",
                f"The {direction} entry with rule number '{rule_number}' does not exist in '{network_acl_id}'",
            )
        return original(self, network_acl_id, rule_number, egress)

    @around(NetworkAclBackend, "delete_network_acl")
    def delete(original, self, network_acl_id):
        if self.get_network_acl(network_acl_id).default:
            raise EC2ClientError("InvalidParameterValue", "Cannot delete default network ACL")
        return original(self, network_acl_id)


def subnets_take_their_associations():
    # moto lets it outlive its subnet, so that the ACL can never be deleted.
    @around(SubnetBackend, "delete_subnet")
    def delete(original, self, subnet_id):
        subnet = original(self, subnet_id)
        for acl in self.network_acls.values():
            for key, association in list(acl._associations.items()):
                if association.subnet_id == subnet_id:
                    del acl._associations[key]
        return subnet


def interfaces_have_the_groups_they_were_given():
    # moto adds those that the instance began with.
    def group_set(self):
        return self._group_set or (self.instance.security_groups if self.instance else [])

    NetworkInterface.group_set = property(group_set)

    # moto gives one a group that there is not, and then cannot tell of any interface.
    @around(NetworkInterfaceBackend, "modify_network_interface_attribute")
    def modify(original, self, eni_id, group_ids, *args, **named):
        for group_id in group_ids:
            if self.get_security_group_from_id(group_id) is None:
                raise InvalidSecurityGroupNotFoundError(group_id)
        return original(self, eni_id, group_ids, *args, **named)


def instances_take_their_interfaces():
    # moto keeps the interface that came with an instance, in use, for ever.
    @around(Instance, "prep_nics")
    def prepare(original, self, *args, **named):
        original(self, *args, **named)
        for interface in self.nics.values():
            if interface.description == "Primary network interface":
                interface.delete_on_termination = True

    # What is terminated twice has taken it already.
    @around(Instance, "terminate")
    def terminate(original, self, *args, **named):
        if self._state.name == "terminated":
            for interface in self.nics.values():
                interface.delete_on_termination = False
        return original(self, *args, **named)


def what_is_in_use_stays():
    @around(SecurityGroupBackend, "delete_security_group")
    def delete_group(original, self, name=None, group_id=None):
        refuse_in_use(group_id, (one for one in self.enis.values() if group_id in (group.id for group in one.group_set)))
        return original(self, name, group_id)

    @around(SubnetBackend, "delete_subnet")
    def delete_subnet(original, self, subnet_id):
        refuse_in_use(subnet_id, (one for one in self.enis.values() if one.subnet.id == subnet_id))
        return original(self, subnet_id)

    @around(VPCBackend, "delete_vpc")
    def delete_vpc(original, self, vpc_id):
        subnets = [one for zone in self.subnets.values() for one in zone.values() if one.vpc_id == vpc_id]
        groups = [one for one in self.groups[vpc_id].values() if one.name != "default"]
        acls = [one for one in self.network_acls.values() if one.vpc_id == vpc_id and not one.default]
        gateways = [one for one in self.internet_gateways.values() if one.vpc and one.vpc.id == vpc_id]
        refuse_in_use(vpc_id, iter(subnets + groups + acls + gateways))
        return original(self, vpc_id)


def refuse_in_use(what, users):
    user = next(users, None)
    if user is not None:
        raise DependencyViolationError(f"resource {what} has a dependent object: {user.id}")


def has_entry(acl, rule_number, egress):
    wanted = (str(rule_number), str(egress).lower())
    return any((str(entry.rule_number), str(entry.egress).lower()) == wanted for entry in acl.network_acl_entries)


def network_acls_end_in_a_denial():
    # AWS's last entries are there from the beginning, and cannot be had by a number.
    @around(NetworkAclBackend, "create_network_acl")
    def create(original, self, *args, **named):
        acl = original(self, *args, **named)
        for egress in () if acl.default else (False, True):
            self.create_network_acl_entry(
                network_acl_id=acl.id,
                rule_number=LAST_RULE,
                protocol="-1",
                rule_action="deny",
                egress=egress,
                cidr_block="0.0.0.0/0",
                icmp_code=None,
                icmp_type=None,
                port_range_from=None,
                port_range_to=None,
                ipv6_cidr_block=None,
            )
        return acl

    def refusing(name):
        @around(NetworkACLs, name)
        def change(original, self):
            number = int(self._get_param("RuleNumber"))
            if number >= LAST_RULE:
                raise EC2ClientError("InvalidParameterValue", f"Value ({number}) for parameter ruleNumber is invalid.")
            return original(self)

    refusing("create_network_acl_entry")
    refusing("delete_network_acl_entry")
    refusing("replace_network_acl_entry")


def network_acls_know_dry_runs():
    for name in (
        "create_network_acl",
        "create_network_acl_entry",
        "delete_network_acl",
        "delete_network_acl_entry",
        "describe_network_acls",
        "replace_network_acl_association",
        "replace_network_acl_entry",
    ):

        @around(NetworkACLs, name)
        def answer(original, self):
            self.error_on_dryrun()
            return original(self)


def what_is_terminated_stays_so():
    def refusing(name, done):
        @around(InstanceBackend, name)
        def change(original, self, instance_ids):
            for instance in self.get_multi_instances_by_id(instance_ids):
                if instance._state.name in ("terminated", "shutting-down"):
                    raise EC2ClientError(
                        "IncorrectInstanceState",
                        f"The instance '{instance.id}' is not in a state from which it can be {done}.",
                    )
            return original(self, instance_ids)

    refusing("stop_instances", "stopped")
    refusing("start_instances", "started")
    refusing("reboot_instances", "rebooted")


def groups_spread_over_zones():
    # moto puts every instance into the first subnet.
    @around(FakeAutoScalingGroup, "replace_autoscaling_group_instances")
    def launch(original, self, count_needed, propagated_tags):
        subnets = [subnet for subnet in (self.vpc_zone_identifier or "").split(",") if subnet]
        if len(subnets) < 2:
            return original(self, count_needed, propagated_tags)
        for _ in range(count_needed):
            taken = Counter(state.instance.subnet_id for state in self.instance_states)
            kept = self.vpc_zone_identifier
            self.vpc_zone_identifier = min(subnets, key=lambda subnet: taken[subnet])
            try:
                original(self, 1, dict(propagated_tags))
            finally:
                self.vpc_zone_identifier = kept


def groups_replace_unless_suspended():
    # moto replaces what is terminated, whatever is suspended, and nothing that is stopped.
    @around(AutoScalingBackend, "notify_terminate_instances")
    def terminated(original, self, instance_ids):
        look_after_groups(self)

    @around(InstanceBackend, "stop_instances")
    def stop(original, self, instance_ids):
        stopped = original(self, instance_ids)
        look_after_groups(autoscaling_backends[self.account_id][self.region_name])
        return stopped

    @around(AutoScalingBackend, "resume_processes")
    def resume(original, self, *args, **named):
        original(self, *args, **named)
        look_after_groups(self)


def look_after_groups(backend):
    """What a group does within minutes, done at once: whatever does not run is terminated, and as many are launched."""
    for name, group in backend.autoscaling_groups.items():
        suspended = {process["ProcessName"] for process in group.suspended_processes}
        if suspended & {"HealthCheck", "ReplaceUnhealthy"}:
            continue
        for state in group.active_instances():
            if state.instance._state.name == "stopped" and "Terminate" not in suspended:
                backend.ec2_backend.terminate_instances([state.instance.id])
            if state.instance._state.name == "terminated":
                group.instance_states.remove(state)
        missing = (group.desired_capacity or 0) - len(group.active_instances())
        if missing > 0 and "Launch" not in suspended:
            group.replace_autoscaling_group_instances(missing, group.get_propagated_tags())
            backend.update_attached_elbs(name)


def databases_fail_over():
    # moto has no second zone, and fails nothing over.
    @around(RDSResponse, "reboot_db_instance")
    def reboot(original, self):
        database = self.backend.describe_db_instances(self.params.get("DBInstanceIdentifier"))[0]
        if str(self.params.get("ForceFailover", "")).lower() == "true":
            if not database.multi_az:
                raise RDSClientError(
                    "InvalidParameterCombination",
                    "You cannot force a failover of a DB instance that is not a Multi-AZ one.",
                )
            database.availability_zone, database.secondary_availability_zone = (
                second_zone(database),
                database.availability_zone,
            )
        return original(self)

    @around(RDSResponse, "describe_db_instances")
    def describe(original, self):
        for database in self.backend.databases.values():
            if database.multi_az:
                database.secondary_availability_zone = second_zone(database)
        return original(self)


def second_zone(database):
    known = getattr(database, "secondary_availability_zone", None)
    zone = database.availability_zone
    return known or zone[:-1] + ("b" if zone.endswith("a") else "a")


def caches_fail_over():
    # moto has no such action.
    def test_failover(self):
        name, node_group = self._get_param("ReplicationGroupId"), self._get_param("NodeGroupId")
        group = self.elasticache_backend.describe_replication_groups(replication_group_id=name)[0]
        if group.automatic_failover != "enabled":
            raise ElastiCacheException(
                "InvalidReplicationGroupState", f"Replication group {name} does not have automatic failover enabled."
            )
        members = [one["node_group_members"] for one in group.node_groups if one["node_group_id"] == node_group]
        if not members:
            raise ElastiCacheException("NodeGroupNotFoundFault", f"NodeGroup {node_group} not found.")
        fail_over(members[0])
        return ActionResult({"ReplicationGroup": group})

    ElastiCacheResponse.test_failover = test_failover


def fail_over(members):
    """The next member is the primary: in a group without cluster mode, the only one whose roles are told."""
    roles = [member.get("current_role") for member in members]
    if "primary" in roles and "replica" in roles:
        for member, role in zip(members, roles[-1:] + roles[:-1]):
            member["current_role"] = role


def instances_are_managed():
    # moto does not know whether an agent is there. On every Linux that runs, there is one.
    def describe_instance_information(self):
        wanted = [(one.get("Key"), set(one.get("Values", []))) for one in self._get_param("Filters", [])]
        reservations = ec2_backends[self.current_account][self.region].all_reservations()
        running = [
            {
                "InstanceId": instance.id,
                "PingStatus": "Online",
                "PlatformType": "Linux",
                "PlatformName": "Amazon Linux",
                "AgentVersion": "3.3.0.0",
                "ResourceType": "EC2Instance",
            }
            for reservation in reservations
            for instance in reservation.instances
            if instance._state.name == "running"
        ]
        fields = {"InstanceIds": "InstanceId", "PingStatus": "PingStatus", "PlatformTypes": "PlatformType"}
        matching = [one for one in running if all(one.get(fields.get(key)) in values for key, values in wanted)]
        return ActionResult({"InstanceInformationList": matching})

    SimpleSystemManagerResponse.describe_instance_information = describe_instance_information


def experiments_run_until_they_are_stopped():
    # moto's are over as soon as somebody looks.
    @around(Experiment, "__init__")
    def begin(original, self, *args, **named):
        original(self, *args, **named)
        self._transitions.remove(("running", "completed"))

    # Every second look finds them in the next state.
    state_manager.set_transition("fis::experiment", {"progression": "manual", "times": 2})
