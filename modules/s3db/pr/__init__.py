"""Persons, groups, their contacts, saved filters and subscriptions."""
from s3db.pr.affiliation import (
    RoleModel,
    pr_add_affiliation,
    pr_ancestors,
    pr_default_realms,
    pr_descendants,
    pr_get_ancestors,
    pr_get_descendants,
    pr_realm_users,
    pr_remove_affiliation,
    pr_set_affiliation,
)
from s3db.pr.contact import ContactModel
from s3db.pr.entity import PersonEntityModel, RealmModel, pr_get_entities, pr_get_pe_id, pr_instance_type, pr_PersonEntityRepresent
from s3db.pr.filter import SavedFilterModel
from s3db.pr.group import GroupModel
from s3db.pr.person import PersonModel, PersonReferenceModel, PersonUserModel, pr_PersonRepresent
from s3db.pr.subscription import S3SubscriptionModel, pr_check_subscription_resource

__all__ = (
    "PersonEntityModel",
    "PersonModel",
    "PersonReferenceModel",
    "PersonUserModel",
    "ContactModel",
    "GroupModel",
    "RoleModel",
    "RealmModel",
    "SavedFilterModel",
    "S3SubscriptionModel",
    "pr_PersonEntityRepresent",
    "pr_PersonRepresent",
    "pr_add_affiliation",
    "pr_ancestors",
    "pr_check_subscription_resource",
    "pr_default_realms",
    "pr_descendants",
    "pr_get_ancestors",
    "pr_get_descendants",
    "pr_get_entities",
    "pr_get_pe_id",
    "pr_instance_type",
    "pr_realm_users",
    "pr_remove_affiliation",
    "pr_set_affiliation",
)
