"""What a command refuses before it starts anything."""
import argparse

import pytest

import manage
from launcher import commands
from launcher.errors import LauncherError
from launcher.network import free_port


@pytest.mark.parametrize(("first", "second"), [("port", "mail_port"), ("port", "mailbox_port"), ("mail_port", "mailbox_port")])
def test_run_refuses_two_servers_on_one_port(first, second):
    ports = {name: free_port() for name in ("port", "mail_port", "mailbox_port")}
    ports[second] = ports[first]

    with pytest.raises(LauncherError, match=f"--{first.replace('_', '-')} and --{second.replace('_', '-')} are both {ports[first]}"):
        commands.run(argparse.Namespace(host="127.0.0.1", db=None, **ports))


def test_mail_refuses_two_servers_on_one_port():
    port = free_port()

    with pytest.raises(LauncherError, match=f"--mail-port and --mailbox-port are both {port}"):
        commands.mail(argparse.Namespace(db=None, mail_port=port, mailbox_port=port))


@pytest.mark.parametrize(("arguments", "given"), [
    ([], ["-n", "auto"]),
    (["unit", "-x"], ["-n", "auto", "tests/unit", "-x"]),
    # pytest counts the last one
    (["unit", "-n", "0"], ["-n", "auto", "tests/unit", "-n", "0"]),
    # which knows no -n
    (["-p", "no:xdist"], ["-p", "no:xdist"]),
    (["-pno:xdist", "acceptance"], ["-pno:xdist", "acceptance"]),
])  # fmt: skip
def test_the_tests_run_side_by_side_unless_somebody_wants_it_otherwise(arguments, given):
    assert commands.pytest_arguments(manage.parse(["test", *arguments])) == given
