"""Models: how tables, their configuration, components and super-entities are declared and found."""
from s3.s3model.model import S3Model

__all__ = ("S3Model",)
