"""The command line of manage.py."""
import pytest

import manage


@pytest.mark.parametrize("arguments", [
    ["--db", "sqlite://other.db", "--web2py", "/some/where", "check"],
    ["check", "--db", "sqlite://other.db", "--web2py", "/some/where"],
    ["--db", "sqlite://other.db", "check", "--web2py", "/some/where"],
    ["--db", "sqlite://other.db", "--web2py", "/some/where", "test", "unit", "-x"],
    ["--db", "sqlite://other.db", "test", "--web2py", "/some/where", "unit", "-x"],
])
def test_an_option_counts_before_and_after_the_command(arguments):
    options = manage.parse(arguments)

    assert (options.db, options.web2py) == ("sqlite://other.db", "/some/where")


@pytest.mark.parametrize("arguments", [["check"], ["test", "unit"]])
def test_an_option_that_is_not_given_is_none(arguments):
    options = manage.parse(arguments)

    assert (options.db, options.web2py) == (None, None)


def test_what_stands_after_the_command_wins():
    assert manage.parse(["--db", "sqlite://a.db", "check", "--db", "sqlite://b.db"]).db == "sqlite://b.db"
