"""The data models, one module for each prefix of table names."""
from s3 import to_translate

#: What components are called in the text of a filter, which takes it from their aliases
COMPONENT_NAMES = to_translate((
    "Affiliation", "Attachment", "Bookmark", "Branch", "Child", "Comment", "Contact", "Document", "Email", "Event", "Event Post",
    "Facebook", "Facility", "Group", "Group Membership", "Image", "Incident", "Incident Post", "Incident Report", "Membership", "Office",
    "Organisation", "Organisation Type", "Outbox", "Parent", "Person", "Person User", "Phone", "Post", "Post Module", "Post Organisation",
    "Role", "Roles", "Site", "Subscription Resource", "Tag", "Tag Post", "Twitter", "User",
))  # fmt: skip
