"""Fixtures: a loader over an empty database of either kind, with the model modules of the tests."""
from __future__ import annotations

import sys

import pytest


@pytest.fixture(params=("sqlite", "postgresql"))
def models(request, tmp_path, monkeypatch):
    """``current``, in an environment of its own."""
    import bare

    import s3db
    from s3.s3changes import define_tables
    from s3.s3model import model
    from s3dal import Field

    uri = "sqlite:memory" if request.param == "sqlite" else request.getfixturevalue("postgres").uri
    monkeypatch.setattr(s3db, "__path__", [str(bare.MODEL_MODULES)])
    model._model_module.cache_clear()
    with bare.environment(tmp_path, uri) as current:
        current.deployment_settings.modules.update(zoo={}, loop={}, faulty={})
        define_tables(current.db)
        current.db.define_table("auth_user", Field("email"), Field("first_name"), Field("last_name"))
        yield current
    model._model_module.cache_clear()
    for name in ("zoo", "loop", "faulty"):
        sys.modules.pop(f"s3db.{name}", None)
