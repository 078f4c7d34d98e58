"""`manage.py demo`: the main job, end to end."""
import json
import os
import tempfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.acceptance

#: A loaded machine takes longer than the minute that the demo is meant to take
SECONDS = 240


def run_demo(checkout, *options, **variables):
    result = checkout.manage("demo", *options, seconds=SECONDS, **variables)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout, json.loads(result.stdout.splitlines()[-1])


def assert_everything_arrived(report):
    seconds = report.pop("seconds")
    assert report == {"created": 4, "updated": 3, "scheduled": 1, "notified": 1, "composed": 1, "delivered": 1}
    assert 0 < seconds < SECONDS


def test_the_demo_delivers_what_the_reader_may_see(checkout, tmp_path):
    output, report = run_demo(checkout, TMPDIR=str(tmp_path))

    assert_everything_arrived(report)
    assert "To: reader@example.com" in output
    assert "The Alder rises by ten centimetres an hour" in output
    assert "The depot will move to the old school" not in output
    assert list(tmp_path.iterdir()) == []


def test_the_demo_runs_in_a_schema_of_its_own_on_postgresql(checkout, postgres):
    import psycopg2

    _, report = run_demo(checkout, "--db", postgres.uri)

    assert_everything_arrived(report)
    connection = psycopg2.connect("postgresql" + postgres.uri.removeprefix("postgres"))
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'demo_%'")
        assert cursor.fetchall() == []
    connection.close()


@pytest.mark.skipif("S3_TEST_WEB2PY" not in os.environ, reason="S3_TEST_WEB2PY names no web2py 3.3 checkout to try")
def test_the_demo_runs_on_a_web2py_checkout(checkout):
    checkout_before = _files(os.environ["S3_TEST_WEB2PY"])

    _, report = run_demo(checkout, "--web2py", os.environ["S3_TEST_WEB2PY"])

    assert_everything_arrived(report)
    assert _files(os.environ["S3_TEST_WEB2PY"]) == checkout_before


def _files(folder):
    return sorted(Path(folder).rglob("*"))


def test_the_demo_leaves_the_checkout_as_it_was(checkout):
    before = {path.name for path in checkout.folder.iterdir()}
    config_existed = (checkout.folder / "models" / "000_config.py").exists()

    with tempfile.TemporaryDirectory() as folder:
        result = checkout.manage("demo", "--db", "sqlite://missing/folder.db", TMPDIR=folder)
        assert result.returncode == 1
        assert os.listdir(folder) == []

    assert {path.name for path in checkout.folder.iterdir()} == before
    assert (checkout.folder / "models" / "000_config.py").exists() == config_existed
