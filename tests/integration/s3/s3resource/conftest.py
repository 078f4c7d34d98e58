"""Fixtures: the depot on either kind of database."""
from __future__ import annotations

import pytest


@pytest.fixture(scope="module", params=("sqlite", "postgresql"))
def open_depot(request, tmp_path_factory, web2py_folder):
    import depot

    uri = "sqlite:memory" if request.param == "sqlite" else request.getfixturevalue("postgres").uri
    with depot.open_depot(tmp_path_factory.mktemp("depot"), uri) as current:
        yield current


@pytest.fixture
def depot(open_depot):
    """``current`` over the empty tables of the depot."""
    from depot import reset

    reset(open_depot)
    return open_depot
