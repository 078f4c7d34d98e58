"""What is said when the models do not execute."""
import pytest

from launcher.application import error_message

FRAMES = '''Traceback (most recent call last):
  File "/w/gluon/restricted.py", line 222, in restricted
    exec(ccode, environment)
'''
CONFIG = f'''{FRAMES}  File "/w/applications/eden/models/000_config.py", line 12, in <module>
    settings.base.template = nosuch
                             ^^^^^^
NameError: name 'nosuch' is not defined
'''
MODEL = f'''{FRAMES}  File "/w/applications/eden/models/00_db.py", line 3, in <module>
    connect()
RuntimeError: Template not found: Atlantis
'''


@pytest.mark.parametrize(("traceback", "message"), [
    (CONFIG, "models/000_config.py, line 12: name 'nosuch' is not defined"),
    (MODEL, "Template not found: Atlantis"),
])
def test_an_error_of_the_config_is_given_with_its_line(traceback, message):
    assert error_message(traceback) == message
