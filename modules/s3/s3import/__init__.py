"""Bulk import of the first data of a deployment template: what its tasks.cfg names, CSV files above all."""
from s3.s3import.columns import Columns
from s3.s3import.prepopulation import import_file, prepopulate
from s3.s3import.roles import import_roles
from s3.s3import.users import import_users

__all__ = ("Columns", "import_file", "import_roles", "import_users", "prepopulate")
