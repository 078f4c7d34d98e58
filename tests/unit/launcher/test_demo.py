import pytest

from launcher.demo import CHANGES, NEW_POSTS, Report, find_faults

READER = "reader@example.com"
REPORT = Report(created=len(NEW_POSTS), updated=len(CHANGES), scheduled=1, notified=1, composed=1, delivered=1)
EXPECTED = [body for _, _, body, is_expected in NEW_POSTS if is_expected] + [body for _, body, is_expected in CHANGES if is_expected]
HIDDEN = [body for _, _, body, is_expected in NEW_POSTS if not is_expected] + [body for _, body, is_expected in CHANGES if not is_expected]


def mail(bodies, to=READER):
    return {"to": [to], "text": "2 new updates:\n" + "\n".join(bodies), "html": ""}


def test_the_mail_with_exactly_the_expected_posts_is_right():
    assert find_faults(REPORT, [mail(EXPECTED)], READER) == []


def test_lines_may_be_broken_anywhere():
    assert find_faults(REPORT, [mail([body.replace(" ", "\n") for body in EXPECTED])], READER) == []


@pytest.mark.parametrize("missing", EXPECTED)
def test_a_missing_post_is_a_fault(missing):
    (fault,) = find_faults(REPORT, [mail([body for body in EXPECTED if body != missing])], READER)

    assert missing in fault


@pytest.mark.parametrize("leaked", HIDDEN)
def test_a_post_too_many_is_a_fault(leaked):
    assert any(leaked in fault for fault in find_faults(REPORT, [mail([*EXPECTED, leaked])], READER))


def test_a_post_that_is_there_twice_is_a_fault():
    assert find_faults(REPORT, [mail([*EXPECTED, EXPECTED[0]])], READER)


@pytest.mark.parametrize("mails", [[], [mail(EXPECTED), mail(EXPECTED)], [mail(EXPECTED, to="editor@example.com")]])
def test_anything_but_one_mail_for_the_reader_is_a_fault(mails):
    assert find_faults(REPORT, mails, READER)


def test_posts_that_were_not_written_are_a_fault():
    assert find_faults(Report(created=3, updated=3), [mail(EXPECTED)], READER)
