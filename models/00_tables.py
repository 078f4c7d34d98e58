"""The data models: nothing is defined before it is asked for."""

from s3 import S3Model

current.s3db = s3db = S3Model()
