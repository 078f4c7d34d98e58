import pickle
import sys

import pytest
from bare import MODEL_MODULES, counted_queries
from gluon import current

from s3.s3error import S3CircularModelError, S3ConfigError, S3ModelError, S3SelectorError
from s3.s3model import S3Model, model
from s3dal import Field, Table


def test_a_table_is_defined_when_it_is_first_asked_for(models):
    assert "zoo_keeper" not in models.db.tables

    table = models.s3db.zoo_keeper

    assert isinstance(table, Table)
    assert models.s3db["zoo_keeper"] is table
    assert models.s3db.table("zoo_keeper") is table


def test_loading_a_model_leaves_the_other_models_of_its_module_alone(models):
    models.s3db.table("zoo_keeper")

    assert "zoo_animal" not in models.db.tables


def test_a_model_loads_the_models_it_needs(models):
    table = models.s3db.zoo_animal

    assert table.keeper_id.type == "reference zoo_keeper"
    assert "zoo_keeper" in models.db.tables


def test_objects_of_a_model_are_found_by_name_but_not_as_tables(models):
    assert models.s3db.zoo_shifts == {1: "day", 2: "night"}
    assert models.s3db.table("zoo_shifts", db_only=True) is None
    assert models.response.s3.zoo_shifts == {1: "day", 2: "night"}
    assert models.s3db.get("zoo_shifts") == {1: "day", 2: "night"}
    assert models.s3db.get("zoo_keeper", "no table wanted") == "no table wanted"


def test_functions_of_a_module_are_found_by_name(models):
    assert models.s3db.zoo_greeting() == "welcome"


@pytest.mark.parametrize("name", ["foo_bar", "zoo_elephant", "foo", "_foo", ""])
def test_an_unknown_name_is_an_attribute_error_or_the_default(models, name):
    assert models.s3db.table(name) is None
    assert models.s3db.table(name, "default") == "default"
    with pytest.raises(AttributeError):
        getattr(models.s3db, name)
    with pytest.raises(LookupError):
        models.s3db.table(name, LookupError(name))


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("zoo_keepers", "did you mean 'zoo_keeper'"),
        ("zoo_greting", "did you mean 'zoo_greeting'"),
        ("nozoo_keeper", "there is no model module s3db/nozoo.py"),
        ("zookeeper", "expected <prefix>_<name>"),
    ],
)
def test_an_unknown_name_is_answered_with_what_was_expected(models, name, reason):
    with pytest.raises(AttributeError, match=f"{name}.*{reason}"):
        models.s3db[name]


def test_a_table_of_a_disabled_module_says_so(models):
    del models.deployment_settings.modules["zoo"]

    with pytest.raises(AttributeError, match="zoo_animal.*module 'zoo' is not enabled"):
        models.s3db.zoo_animal  # noqa: B018
    assert models.s3db.is_provided("zoo_animal") is False


@pytest.mark.parametrize(
    ("name", "reason"), [("zoo_keepers", "did you mean 'zoo_keeper'"), ("nozoo_keeper", "no model module s3db/nozoo.py")]
)
def test_a_resource_of_a_table_that_is_not_there_says_why(models, name, reason):
    with pytest.raises(S3SelectorError, match=f"Undefined table: {name}; .*{reason}"):
        models.s3db.resource(name)


def test_whether_there_is_a_table_is_known_without_defining_it(models):
    assert models.s3db.is_provided("zoo_animal") is True
    assert models.s3db.is_provided("zoo_elephant") is False
    assert models.s3db.is_provided("foo_bar") is False
    assert "zoo_animal" not in models.db.tables


def test_a_disabled_module_provides_its_defaults_but_no_tables(models):
    del models.deployment_settings.modules["zoo"]

    field = models.s3db.zoo_keeper_id()

    assert (field.name, field.type, field.readable, field.writable) == ("keeper_id", "integer", False, False)
    assert models.s3db.zoo_shifts == {}
    assert models.s3db.table("zoo_keeper") is None
    with pytest.raises(AttributeError):
        models.s3db.zoo_keeper  # noqa: B018


def test_models_that_need_each_other_are_named(models):
    with pytest.raises(S3CircularModelError, match="EggModel -> HenModel -> EggModel") as raised:
        models.s3db.loop_egg  # noqa: B018

    assert isinstance(raised.value, RuntimeError)


def test_a_model_that_failed_to_load_can_be_loaded_again(models):
    for _ in range(2):
        with pytest.raises(S3CircularModelError):
            models.s3db.loop_hen  # noqa: B018


def test_an_error_inside_a_module_is_not_taken_for_a_missing_module(models):
    with pytest.raises(ModuleNotFoundError):
        models.s3db.table("faulty_table")


def test_all_models_of_a_module_can_be_loaded(models):
    models.s3db.load("zoo")

    assert {"zoo_keeper", "zoo_animal"} <= set(models.db.tables)


def test_the_models_of_all_modules_can_be_loaded(models, tmp_path, monkeypatch):
    import s3db

    (tmp_path / "zoo.py").write_text((MODEL_MODULES / "zoo.py").read_text())
    monkeypatch.setattr(s3db, "__path__", [str(tmp_path)])

    models.s3db.load_all_models()

    assert {"zoo_keeper", "zoo_animal"} <= set(models.db.tables)


def test_a_table_is_defined_without_a_query(models):
    models.db._migrate_enabled = False

    with counted_queries(models.db) as sent:
        models.s3db.load("zoo")

    assert "zoo_animal" in models.db.tables
    assert sent == []


def test_models_are_loaded_once_per_request(models):
    models.s3db.load("zoo")
    first = models.s3db.zoo_shifts
    models.s3db.load("zoo")

    assert models.s3db.zoo_shifts is first


def test_every_request_starts_without_configuration(models):
    models.s3db.zoo_keeper  # noqa: B018

    assert models.s3db.get_config("zoo_keeper", "list_fields") == ["name"]
    assert S3Model().get_config("zoo_keeper", "list_fields") is None


def test_a_table_that_is_already_defined_is_returned(models):
    table = models.s3db.define_table("test_master", Field("name"))

    assert models.s3db.define_table("test_master", Field("other")) is table
    assert table.fields == ["id", "name"]


@pytest.mark.parametrize(
    ("name", "fields", "reason"),
    [
        ("nounderscore", lambda: [Field("name")], "expected <prefix>_<name>"),
        ("test_wrong", lambda: ["name"], "test_wrong.*Field"),
        ("test_wrong", lambda: [Field("a", "reference nothing_there")], "test_wrong.*nothing_there"),
        ("test_wrong", lambda: [current.db.auth_user.email, (current.db.auth_user.email,)], "test_wrong.*already bound"),
    ],
)
def test_a_wrong_definition_names_the_table_and_the_fault(models, name, fields, reason):
    with pytest.raises(S3ModelError, match=reason):
        models.s3db.define_table(name, *fields())


def test_references_are_represented_in_bulk_by_default(models):
    s3db = models.s3db
    master = s3db.define_table("test_master", Field("name"))
    table = s3db.define_table("test_detail", Field("one", "reference test_master"), Field("many", "list:reference test_master"))
    a, b = int(master.insert(name="A")), int(master.insert(name="B"))

    with counted_queries(models.db) as sent:
        assert table.one.represent.bulk([a, b, None]) == {a: "A", b: "B", None: "-"}
        assert table.many.represent([b, a]) == "B, A"

    assert len(sent) == 2


def test_an_alias_is_made_once_and_keeps_the_configuration(models):
    table = models.s3db.zoo_keeper

    alias = models.s3db.get_aliased(table, "zoo_night_keeper")

    assert models.s3db.get_aliased(table, "zoo_night_keeper") is alias
    assert str(alias._id) == '"zoo_night_keeper"."id"' or str(alias._id) == "zoo_night_keeper.id"
    assert models.s3db.get_config(alias, "list_fields") == ["name"]


def test_changes_of_tables_with_time_stamps_are_logged_unless_refused(models):
    from s3.s3changes import is_watched
    from s3.s3fields import S3MetaFields

    s3db = models.s3db
    watched = s3db.define_table("test_watched", Field("name"), *S3MetaFields.timestamps())
    refused = s3db.define_table("test_refused", Field("name"), *S3MetaFields.timestamps(), watch=False)
    unstamped = s3db.define_table("test_unstamped", Field("name"))

    assert is_watched(watched)
    assert not is_watched(refused)
    assert not is_watched(unstamped)


@pytest.fixture
def template(models, tmp_path, monkeypatch):
    """A deployment template with a model module of its own for the prefix "park"."""
    import templates

    folder = tmp_path / "templates" / "City" / "models"
    folder.mkdir(parents=True)
    for path in (folder, folder.parent):
        (path / "__init__.py").write_text("")
    source = (MODEL_MODULES / "zoo.py").read_text()
    (folder / "park.py").write_text(source.replace("zoo_", "park_"))
    monkeypatch.setattr(templates, "__path__", [str(tmp_path / "templates")])
    models.deployment_settings.modules["park"] = {}
    yield models
    model._custom_module.cache_clear()
    for name in [name for name in sys.modules if name.startswith("templates.City")]:
        del sys.modules[name]


def test_a_template_brings_models_of_its_own(template):
    template.deployment_settings.base.custom_models = {"park": "City"}

    assert template.s3db.park_animal.keeper_id.type == "reference park_keeper"
    assert template.s3db.park_greeting() == "welcome"
    assert template.s3db.park_shifts == {1: "day", 2: "night"}


def test_models_of_a_template_are_set_up_with_all_others(template, tmp_path, monkeypatch):
    import s3db

    (tmp_path / "zoo.py").write_text((MODEL_MODULES / "zoo.py").read_text())
    monkeypatch.setattr(s3db, "__path__", [str(tmp_path)])
    template.deployment_settings.base.custom_models = {"park": "City"}

    template.s3db.load_all_models()

    assert {"park_keeper", "park_animal", "zoo_keeper"} <= set(template.db.tables)


def test_models_of_a_template_are_nobodys_without_the_setting(template):
    assert template.s3db.table("park_animal") is None


def test_models_of_a_template_can_be_disabled(template):
    template.deployment_settings.base.custom_models = {"park": "City"}
    del template.deployment_settings.modules["park"]

    assert template.s3db.table("park_animal") is None
    assert template.s3db.park_keeper_id().type == "integer"


@pytest.mark.parametrize(
    ("source", "fault"), [("VALUE = 1", "__all__ is missing"), ("__all__ = ('PondModel',)", "lists 'PondModel', which it does not define")]
)
def test_a_wrong_list_of_what_a_module_provides_is_named(template, tmp_path, source, fault):
    (tmp_path / "templates" / "City" / "models" / "pond.py").write_text(source)
    template.deployment_settings.base.custom_models = {"pond": "City"}

    with pytest.raises(S3ModelError, match=f"templates.City.models.pond: .*{fault}"):
        template.s3db.table("pond_fish")


def test_a_model_that_does_not_say_what_it_provides_is_loaded_to_find_out(template, tmp_path):
    source = """
from s3 import S3Model
from s3dal import Field
__all__ = ("NamedModel", "NamelessModel")
class NamedModel(S3Model):
    names = ("pond_frog",)
    def model(self):
        self.define_table("pond_frog", Field("name"))
class NamelessModel(S3Model):
    def model(self):
        self.define_table("pond_fish", Field("name"))
        return {"pond_depth": 3}
"""
    (tmp_path / "templates" / "City" / "models" / "pond.py").write_text(source)
    template.deployment_settings.base.custom_models = {"pond": "City"}
    template.deployment_settings.modules["pond"] = {}

    assert template.s3db.is_provided("pond_fish")
    assert template.s3db.pond_depth == 3
    assert template.s3db.pond_fish.fields == ["id", "name"]
    assert "pond_frog" not in template.db.tables


def test_a_setting_for_models_that_are_not_there_is_an_error_that_names_the_file(template):
    template.deployment_settings.base.custom_models = {"pool": "City"}

    with pytest.raises(S3ConfigError, match=r"'City'.*'pool'.*templates/City/models/pool\.py"):
        template.s3db.table("pool_lane")


@pytest.fixture
def undefined(models):
    """A table that refers to one which is not defined in this request, with a record that has a key and one without."""
    models.s3db.zoo_keeper.insert(name="Kim")
    record_ids = [models.s3db.zoo_animal.insert(name="Leo", keeper_id=1), models.s3db.zoo_animal.insert(name="Ida")]
    db = models.db
    db.commit()
    del db["zoo_keeper"], db["zoo_animal"]
    db._tables = [name for name in db.tables if not name.startswith("zoo_")]
    models.response.s3.clear()
    db._migrate_enabled = False
    models.s3db = S3Model()
    table = models.s3db.define_table("zoo_animal", Field("name"), Field("keeper_id", "reference zoo_keeper"))
    return [table[record_id] for record_id in record_ids]


def test_a_key_is_read_without_the_table_it_refers_to(models, undefined):
    leo, ida = undefined

    assert (leo.keeper_id, ida.keeper_id) == (1, None)
    assert isinstance(leo.keeper_id, int)
    assert not hasattr(leo.keeper_id, "xml")
    assert pickle.loads(pickle.dumps(leo.keeper_id)) == 1
    assert "zoo_keeper" not in models.db.tables


def test_a_key_still_leads_to_its_record(models, undefined):
    leo, _ = undefined

    assert leo.keeper_id.name == "Kim"
    assert leo.keeper_id["name"] == "Kim"
    assert leo.keeper_id.id == 1
    assert "zoo_keeper" in models.db.tables
