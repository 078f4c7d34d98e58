"""`manage.py import`."""
import re

import pytest

pytestmark = pytest.mark.acceptance

HEADER = "First Name,Last Name,Email,Resource,URL,Filter,Frequency\n"
COUNT = "print('subscriptions:', db(s3db.pr_subscription.id > 0).count(), 'persons:', db(s3db.pr_person.id > 0).count())\n"


def counts(checkout):
    """Numbers of subscriptions and of persons."""
    return [int(number) for number in re.findall(r"(?:subscriptions|persons): (\d+)", checkout.manage("shell", input=COUNT).stdout)]


def test_a_file_of_subscriptions_is_imported_once(checkout, tmp_path):
    before = counts(checkout)
    (tmp_path / "people.csv").write_text(HEADER + "Eve,Evans,eve@example.org,cms_post,cms/post,\"[['title', 'Flood']]\",hourly\n")

    first = checkout.manage("import", str(tmp_path / "people.csv"))
    after = counts(checkout)
    second = checkout.manage("import", str(tmp_path / "people.csv"))

    assert (first.returncode, first.stdout) == (0, "people.csv: 1 created, 0 updated in pr_subscription.\n"), first.stderr
    assert after == [number + 1 for number in before]
    assert (second.returncode, second.stdout) == (0, "people.csv: 0 created, 0 updated in pr_subscription.\n")
    assert counts(checkout) == after


def test_what_is_wrong_is_named_and_nothing_is_kept(checkout, tmp_path):
    before = counts(checkout)
    good, bad = "Bo,Berg,bo@example.org,cms_post,cms/post,,\n", "Ela,Ek,ela@example.org,cms_pots,cms/post,,\n"
    (tmp_path / "people.csv").write_text(HEADER + good + bad + "Alf,Ahl,alf@example.org,cms_post,cms/post,,often\n")

    result = checkout.manage("import", str(tmp_path / "people.csv"))

    assert result.returncode == 1
    assert result.stderr.splitlines() == [
        "people.csv, line 3, column 'Resource': Cannot subscribe to the resource 'cms_pots': there is no such table",
        "people.csv, line 4, column 'Frequency': 'often' is none of immediately, hourly, daily, weekly, never",
        "Nothing was imported.",
    ]
    assert counts(checkout) == before


def test_records_of_other_tables_can_be_imported(checkout, tmp_path):
    (tmp_path / "series.csv").write_text("name\nRoad Report\n")

    result = checkout.manage("import", str(tmp_path / "series.csv"), "--table", "cms_series")

    assert (result.returncode, result.stdout) == (0, "series.csv: 1 created, 0 updated in cms_series.\n"), result.stderr


def test_a_file_that_there_is_not_is_named(checkout, tmp_path):
    result = checkout.manage("import", str(tmp_path / "nothing.csv"))

    assert (result.returncode, result.stderr) == (1, f"manage.py: There is no file {tmp_path / 'nothing.csv'}.\n")
