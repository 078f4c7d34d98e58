#!/usr/bin/env python3
"""Start, try, test and look after this application. Needs nothing but Python 3.10 or later: the first use fetches the rest.

    python3 manage.py demo     watch the whole job once, in a throw-away instance
    python3 manage.py run      web server, scheduler worker and mail catcher, until Ctrl-C
    python3 manage.py test     run the tests
    python3 manage.py --help   everything else
"""
from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

if sys.version_info < (3, 10):  # noqa: UP036  - this very sentence is for older ones
    sys.exit(f"manage.py: Python 3.10 or later is needed, this is {sys.version.split()[0]}.")

sys.path.insert(0, str(Path(__file__).resolve().parent / "private"))

from launcher.environment import Environment, choose_environment, prepare  # noqa: E402
from launcher.errors import LauncherError  # noqa: E402

TIERS = ("unit", "integration", "acceptance")
#: Commands which need the requirements-dev.txt too
DEV_COMMANDS = ("test", "lint")


def main(arguments: list[str]) -> int:
    options = parse(arguments)
    try:
        environment = choose_environment(options.web2py or os.environ.get("WEB2PY_PATH"))
        prepare(environment, dev=options.command in DEV_COMMANDS)
        if not environment.is_active:
            restart_in(environment, arguments)
        from launcher import commands

        return commands.execute(options)
    except LauncherError as error:
        print(f"manage.py: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def restart_in(environment: Environment, arguments: list[str]) -> None:
    """Become the same command in the Python of the environment."""
    sys.stdout.flush()
    os.execve(environment.python, [str(environment.python), str(Path(__file__).resolve()), *arguments], environment.variables())


def parse(arguments: list[str]) -> argparse.Namespace:
    """Give the options of a command; those of `test` which are not ours are pytest's."""
    parser = command_parser()
    if "test" not in arguments:
        return parser.parse_args(arguments)
    position = arguments.index("test") + 1
    options = parser.parse_args(arguments[:position])
    ours, options.pytest = common_options().parse_known_args(arguments[position:])
    vars(options).update(vars(ours))
    options.tier = options.pytest.pop(0) if options.pytest[:1] and options.pytest[0] in TIERS else None
    return options


def common_options() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False, allow_abbrev=False, argument_default=argparse.SUPPRESS)
    common.add_argument("--web2py", metavar="PATH", help="a checkout of web2py 3.3 or later, instead of the one from PyPI (or WEB2PY_PATH)")
    common.add_argument("--db", metavar="URI", help="another database: sqlite://file.db or postgres://user:password@host:port/database")
    return common


def command_parser() -> argparse.ArgumentParser:
    description = (__doc__ or "").partition("\n")[0]
    # with common options of its own: set_defaults changes them, and a command's must not overwrite what was given before it
    parser = argparse.ArgumentParser(prog="manage.py", description=description, parents=[common_options()], allow_abbrev=False)
    parser.set_defaults(web2py=None, db=None)
    common = common_options()
    commands = parser.add_subparsers(dest="command", metavar="command", required=True)

    def add(name: str, help: str) -> argparse.ArgumentParser:
        return commands.add_parser(name, help=help, description=help, parents=[common], allow_abbrev=False)

    run = add("run", "web server, scheduler worker and mail catcher with demo data, until Ctrl-C")
    web = add("web", "the web server alone")
    mail = add("mail", "the mail catcher alone")
    for command in (run, web):
        command.add_argument("--port", type=int, help="of the web server (default: 8000)")
        command.add_argument("--host", default="127.0.0.1", help="address the web server listens on (default: %(default)s)")
    for command in (run, mail):
        command.add_argument("--mail-port", type=int, help="of the mail catcher's SMTP server (default: 8025)")
        command.add_argument("--mailbox-port", type=int, default=8026, help="of the page with the caught mails (default: %(default)s)")
    add("worker", "a scheduler worker alone")
    add("demo", "the whole job once, from nothing, in a throw-away instance; exit 0 if the expected mail arrived")
    add("test", f"the tests: test [{'|'.join(TIERS)}] [pytest options]")
    add("lint", "ruff, import-linter and mypy")
    add("shell", "a Python shell with the models executed")
    add("check", "look for due subscriptions now")
    add("doctor", "the state of worker, subscriptions and outbox; exit 1 when something needs a person")
    languages = add("languages", "what is missing, unused or faulty in the language files; exit 1 when there is something")
    languages.add_argument("codes", metavar="code", nargs="*", help="of a language, such as fr (default: all)")
    languages.add_argument("--template", metavar="NAME", help="the texts and translations of a deployment template")
    languages.add_argument("--draft", metavar="NAME", help="print the file of this one language, which is called NAME, to be translated")
    config = add("config", "make models/000_config.py for a deployment template, with a new secret key")
    config.add_argument("--template", default="DRMP", help="a folder of modules/templates (default: %(default)s)")
    imported = add("import", "import a file of records, all or nothing: subscriptions, or records of another table")
    imported.add_argument("file", type=Path, help="CSV, S3XML or S3JSON, as docs/prepopulation.md says")
    imported.add_argument("--table", default="pr_subscription", help="whose records they are (default: %(default)s)")
    imported.add_argument("--update", action="store_true", help="change records that are there, rather than leave them alone")
    bench = add("bench", "time a bare request, a notification and selects")
    bench.add_argument("--large", action="store_true", help="also select 100,000 records")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
