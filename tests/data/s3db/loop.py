"""Two models that need each other."""
from s3 import S3Model
from s3dal import Field

__all__ = ("EggModel", "HenModel")


class EggModel(S3Model):
    names = ("loop_egg",)

    def model(self):
        self.define_table("loop_egg", Field("laid_by", self.loop_hen))


class HenModel(S3Model):
    names = ("loop_hen",)

    def model(self):
        self.define_table("loop_hen", Field("hatched_from", self.loop_egg))
