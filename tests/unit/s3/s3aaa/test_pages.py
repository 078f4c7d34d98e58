"""Where a login may lead."""
from __future__ import annotations

import pytest
from gluon import current
from gluon.http import HTTP

from s3.s3aaa import local_path


@pytest.mark.parametrize("path", ["/", "/eden/cms/post", "/eden/cms/post/5?x=http://a.example/&y=//b", "/a//b"])
def test_path_on_this_host_is_taken(path):
    assert local_path(path) == path


@pytest.mark.parametrize(
    "path",
    [None, "", "eden/cms", "http://evil.example/", "https:evil.example", "//evil.example", "/\\evil.example", "\\/evil.example",
     "/\t/evil.example", "/\n/evil.example", " /eden", "javascript:alert(1)", "/eden\r\nSet-Cookie: a=b", "/%0a\x00", "/a\\b", 5],
)  # fmt: skip
def test_anything_that_could_be_another_host_is_not(path):
    assert local_path(path) is None


def test_last_of_repeated_targets_counts():
    assert local_path(["/a", "//evil.example"]) is None
    assert local_path([]) is None


@pytest.mark.parametrize("page", ["nosuch", "__init__", "impersonate", "retrieve_password"])
def test_account_page_that_there_is_not_is_404(world, page):
    auth = world.auth(c="default", f="user")
    current.request.args = [page]

    with pytest.raises(HTTP) as refused:
        auth()

    assert refused.value.status == 404
