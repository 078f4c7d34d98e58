"""Animals and their keepers: a module with two models, a reusable field, and a function."""
from s3 import S3Model, S3ReusableField, s3_comments, s3_meta_fields
from s3dal import Field

__all__ = ("KeeperModel", "AnimalModel", "zoo_greeting")


class KeeperModel(S3Model):
    names = ("zoo_keeper", "zoo_keeper_id", "zoo_shifts")

    def model(self):
        self.define_table("zoo_keeper", Field("name"), s3_comments(), *s3_meta_fields())
        self.configure("zoo_keeper", list_fields=["name"])
        return {"zoo_keeper_id": S3ReusableField("keeper_id", "reference zoo_keeper"), "zoo_shifts": {1: "day", 2: "night"}}

    def defaults(self):
        return {"zoo_keeper_id": S3ReusableField.dummy("keeper_id")}

    def mandatory(self):
        return {"zoo_shifts": {}}


class AnimalModel(S3Model):
    names = ("zoo_animal",)

    def model(self):
        self.define_table("zoo_animal", Field("name"), self.zoo_keeper_id(), *s3_meta_fields())


def zoo_greeting():
    return "welcome"
