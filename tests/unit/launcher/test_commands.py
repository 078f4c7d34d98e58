"""What a command refuses before it starts anything."""
import argparse

import pytest

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
