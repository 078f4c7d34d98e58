"""The steps of docs/templates.md, done as they stand there, in a fresh checkout."""
from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from launcher.browser import Browser
from launcher.mailcatcher import Mailbox
from launcher.network import free_port

pytestmark = pytest.mark.acceptance

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "templates.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
RUN = "python3 manage.py run\n"


@dataclass(frozen=True)
class Block:
    """A block of the page, with the file that the text before it names."""

    language: str
    content: str
    file: str | None


def blocks() -> list[Block]:
    steps = PAGE[PAGE.index("## A mail of your own") : PAGE.index("## What a template can contain")]
    found, end = [], 0
    for match in BLOCK.finditer(steps):
        named = re.search(r"`([\w/]+\.\w+)`:\s*$", steps[end : match.start()])
        found.append(Block(match[1], match[2], named[1] if named else None))
        end = match.end()
    return found


class Reader:
    """Somebody who does what the page says."""

    def __init__(self, checkout) -> None:
        self.checkout = checkout

    def do(self, block: Block) -> None:
        if block.language == "sh":
            self._type(block.content)
        else:
            assert block.file, f"the page does not say where this belongs:\n{block.content}"
            path = self.checkout.folder / block.file
            # what is not in the template must be made by somebody; what is there is replaced
            assert path.parent.is_dir(), path
            path.write_text(block.content, encoding="utf-8")

    def _type(self, command: str) -> None:
        variables = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
        result = subprocess.run(
            ["bash", "-ec", command], cwd=self.checkout.folder, env=variables, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=120, check=False,
        )  # fmt: skip
        assert result.returncode == 0, f"{command}\n{result.stdout}\n{result.stderr}"

    def wait_for_mail(self, seconds: float = 90) -> dict:
        mailbox = Mailbox(self.checkout.folder / ".web2py" / "mail")
        end = time.monotonic() + seconds
        while not mailbox.mails():
            assert time.monotonic() < end, "no mail has come"
            time.sleep(0.5)
        return mailbox.mails()[-1]


def test_the_steps_lead_to_the_mail_that_the_page_shows(new_checkout):
    new_checkout.use_environment_of_the_tests()
    reader, steps = Reader(new_checkout), blocks()
    start = next(number for number, step in enumerate(steps) if step.content == RUN)
    ports = {name: str(free_port()) for name in ("--port", "--mail-port", "--mailbox-port")}
    expected = next(step.content for step in steps if step.language == "text")
    for step in steps[:start]:
        reader.do(step)

    with new_checkout.started("run", *(part for pair in ports.items() for part in pair)) as running:
        running.wait_for("Ctrl-C ends it.")
        running.wait_for("working for")
        for step in steps[start + 1 :]:
            if step.language != "text":
                reader.do(step)
        mail = reader.wait_for_mail()
        browser = Browser(f"http://127.0.0.1:{ports['--port']}/eden")
        browser.log_in("ada@example.org", "take-a-long-one")
        posts, output = browser.get("/cms/post"), running.output

    assert (mail["to"], mail["subject"]) == (["eve@example.org"], "[Relief] Something has happened")
    assert mail["text"].replace("\r\n", "\n").strip() == expected.strip()
    # the page shows what the mail says, with the same labels, and more of it
    assert all(text in posts for text in ("<title>Posts · Relief</title>", "What has happened", "20 cm below", "The market is open again."))
    # a setting that nothing reads, or an error, would have been told
    assert "! " not in output and "WARNING" not in output and "ERROR" not in output


def test_the_skeleton_starts_as_it_is(new_checkout):
    new_checkout.use_environment_of_the_tests()

    made = new_checkout.manage("config", "--template", "skeleton")
    question = "print('found:', db(s3db.pr_subscription.id > 0).count(), settings.unknown(), settings.check())\n"
    shown = new_checkout.manage("shell", input=question)

    assert made.returncode == 0, made.stderr
    assert "found: 1 [] []" in shown.stdout, shown.stderr


def test_a_config_that_is_there_is_kept(new_checkout):
    new_checkout.use_environment_of_the_tests()
    config = new_checkout.folder / "models" / "000_config.py"
    assert new_checkout.manage("config", "--template", "skeleton").returncode == 0
    written = config.read_text()

    again = new_checkout.manage("config", "--template", "DRMP")

    assert (again.returncode, again.stderr) == (1, f"manage.py: {config} is there already: set settings.base.template in it.\n")
    assert config.read_text() == written
    assert "settings.base.template = 'skeleton'" in written and "change-me" not in written


def test_a_template_that_there_is_not_is_named(new_checkout):
    new_checkout.use_environment_of_the_tests()

    result = new_checkout.manage("config", "--template", "Atlantis")

    assert (result.returncode, result.stderr) == (1, "manage.py: There is no template 'Atlantis', only DRMP, default, skeleton.\n")
    assert not (new_checkout.folder / "models" / "000_config.py").exists()
