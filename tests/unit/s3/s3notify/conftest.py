"""gluon must find its folder before anything of the framework is imported."""
from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _web2py(web2py_folder):
    """Enter the web2py folder of the session."""
