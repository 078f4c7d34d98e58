"""The data models: nothing is defined before it is asked for."""

from s3 import S3Model

current.s3db = s3db = S3Model()

# accounts belong to no model, so what their numbers refer to is said here
s3db.configure("auth_user", references={"organisation_id": "org_organisation", "org_group_id": "org_group", "site_id": "org_site"})
