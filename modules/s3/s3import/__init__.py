"""Bulk import of the first data of a deployment template: what its tasks.cfg names, CSV files above all."""
from s3.s3import.columns import Columns
from s3.s3import.prepopulation import Outcome, import_file, import_records, prepopulate
from s3.s3import.roles import import_roles
from s3.s3import.users import import_users

__all__ = ("Columns", "Outcome", "import_file", "import_records", "import_roles", "import_users", "prepopulate")
