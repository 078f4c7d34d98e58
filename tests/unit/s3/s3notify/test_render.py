"""Subjects, and which contents a set of methods needs."""
from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    ("methods", "email_format", "expected"),
    [
        (("EMAIL",), "text", ["text"]),
        (("EMAIL",), "html", ["html", "text"]),
        (("SMS",), "html", ["text"]),
        (("SMS",), "text", ["text"]),
        (("EMAIL", "SMS"), "html", ["html", "text"]),
        (("EMAIL", "SMS"), "text", ["text"]),
    ],
)
def test_contents_formats(methods, email_format, expected):
    from s3.s3notify.render import contents_formats

    assert contents_formats(methods, email_format) == expected


META = {"systemname": "Relief Platform", "systemname_short": "Relief", "resource": "Posts"}


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ("$S: $s: $r", "Relief Platform: Relief: Posts"),
        ("${s}-${r}", "Relief-Posts"),
        # a literal percent sign or dollar breaks nothing, unknown placeholders stay
        ("50% of $$100 $x $r", "50% of $100 $x Posts"),
        ("100 $", "100 $"),
        # a header must stay one line
        ("a\r\nBcc: evil@example.com\x00b", "a Bcc: evil@example.com b"),
        # 78 characters at most, cut at a word
        ("word " * 30, "word " * 14 + "word..."),
        ("x" * 200, "x" * 75 + "..."),
        ("y" * 78, "y" * 78),
    ],
)
def test_subject_line(subject, expected):
    from s3.s3notify.render import subject_line

    result = subject_line(subject, META)

    assert result == expected
    assert len(result) <= 78
