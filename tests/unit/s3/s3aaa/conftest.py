"""One request over an empty database in memory: the auth tables, a table to decide about, and nobody logged in."""
from __future__ import annotations

import sqlite3

import pytest
from gluon import current
from gluon.globals import Request, Response, Session
from gluon.languages import TranslatorFactory
from gluon.storage import Storage
from pydal.helpers.classes import ExecutionHandler

from s3.s3aaa import AuthS3, hash_password
from s3cfg import S3Config
from s3dal import DAL, Field

KEY = "a key for tests"
PASSWORD = "correct horse"
CHEAP_HASH = hash_password(PASSWORD, KEY, iterations=1)


class Models:
    """The tables that AuthS3 asks ``current.s3db`` for, and their configuration."""

    def __init__(self, db):
        self.db = db
        self.config = {}

    def __getattr__(self, name):
        return self.db[name]

    def table(self, name):
        return self.db.get(name)

    def get_config(self, tablename, key, default=None):
        return self.config.get((tablename, key), default)

    def update_super(self, table, record):
        record["pe_id"] = record["id"] + 1000
        self.db(table.id == record["id"]).update(pe_id=record["pe_id"])
        return True


class Json:
    @staticmethod
    def json_message(success=True, statuscode=None, message=None):
        return f"{success} {statuscode} {message}"


class Log:
    @staticmethod
    def warning(message):
        """Nobody reads it here."""


def define_tables(db):
    owner = [Field("deleted", "boolean", notnull=True, default=False), Field("owned_by_user", "integer"),
             Field("owned_by_group", "integer"), Field("realm_entity", "integer")]
    db.define_table("org_permission_test", Field("name"), Field("modified_on", "datetime"), Field("approved_by", "integer"), *owner)
    db.define_table("gis_plain", Field("name"))
    db.define_table("pr_person", Field("pe_id", "integer"), Field("first_name"), Field("last_name"), *[f.clone() for f in owner])
    db.define_table("pr_person_user", Field("pe_id", "integer"), Field("user_id", "integer"), owner[0].clone())
    db.define_table("pr_contact", Field("pe_id", "integer"), Field("contact_method"), Field("value"), Field("priority", "integer"),
                    *[f.clone() for f in owner])


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    """The tables and the system roles, made once, with a copy that each test leaves behind again."""
    folder = tmp_path_factory.mktemp("auth")
    (folder / "languages").mkdir()
    before = dict(current.__dict__)
    db = DAL("sqlite:memory")
    define_tables(db)
    World(db, folder).auth().define_tables(complete=True)
    current.auth.create_system_roles()
    db.commit()
    restore(before)
    # wrong passwords are counted in a transaction of their own, so that a rollback is not enough
    copy = sqlite3.connect(":memory:")
    db._adapter.connection.backup(copy)
    yield db, folder, copy
    copy.close()
    db.close()


@pytest.fixture
def world(database):
    """Makes requests: ``world.auth(policy=5)`` is the AuthS3 of a new one."""
    before = dict(current.__dict__)
    db, folder, copy = database
    world = World(db, folder)
    world.auth()
    yield world
    db.rollback()
    copy.backup(db._adapter.connection)
    restore(before)


def restore(attributes):
    current.__dict__.clear()
    current.__dict__.update(attributes)


class World:
    #: of every account
    password = PASSWORD
    password_hash = CHEAP_HASH

    def __init__(self, db, folder):
        self.db, self.folder = db, folder

    def auth(self, policy=5, c="org", f="permission_test", session=None, headers=None, **settings):
        """A new request.

        Args:
            settings: section__key=value
        """
        config = S3Config()
        config.auth.hmac_key = KEY
        config.security.policy = policy
        for name, value in settings.items():
            section, key = name.split("__")
            config[section][key] = value
        request = Request({})
        request.update(application="eden", controller=c, function=f, args=[], folder=str(self.folder), client="127.0.0.1",
                       extension="html", is_https=False)
        request.env.update(request_method="GET", **(headers or {}))
        request._get_vars, request._post_vars, request._vars = Storage(), Storage(), Storage()
        response = Response()
        response.s3 = Storage()
        current.db, current.deployment_settings = self.db, config
        current.request, current.response = request, response
        current.session = session or Session()
        current.T = TranslatorFactory(str(self.folder / "languages"), "en")
        current.s3db, current.xml, current.log = Models(self.db), Json, Log
        current.auth = AuthS3()
        return current.auth

    def user(self, email="anna@example.org", roles=(), **data):
        """An account."""
        return current.auth.create_user(email, password_hash=CHEAP_HASH, roles=roles, first_name="Anna", last_name="Ek", **data)

    def as_user(self, user_id, **request):
        auth = self.auth(**request)
        auth.s3_impersonate(user_id)
        return auth

    def queries(self, function):
        """How many SQL statements a call sends."""
        counted = []

        class Counter(ExecutionHandler):
            def before_execute(self, command):
                counted.append(command)

        adapter = self.db._adapter
        before, adapter.execution_handlers = adapter.execution_handlers, [Counter]
        function()
        adapter.execution_handlers = before
        return len(counted)
